// Any bytes as the message of a commit, and as a name in it.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/utf8.h"
#include "reconciler/git_history.h"
#include "reconciler/observed_commit.h"
#include "reconciler/offline_people.h"

namespace {

using namespace headgate;
using namespace headgate::reconciler;

// Fit for terminals and for the log.
void check_text(std::string_view text, std::size_t max_bytes) {
  const auto is_control = [](char c) { return (c >= 0 && c < 0x20) || c == 0x7F; };
  if (text.size() > max_bytes || !is_utf8(text) || std::ranges::any_of(text, is_control)) __builtin_trap();
  if (clean_text(text, max_bytes) != text) __builtin_trap();
}

std::string trailers(const std::vector<CommitPerson>& people) {
  std::string text;
  for (const auto& person : people) {
    text += "Co-authored-by: " + person.name + " <" + person.email + ">\n";
  }
  return text;
}

bool same(const CommitPerson& a, const CommitPerson& b) {
  return a.name == b.name && a.email == b.email;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view message(reinterpret_cast<const char*>(data), size);
  for (const std::size_t max_bytes : {std::size_t{0}, std::size_t{3}, std::size_t{200}})
    check_text(clean_text(message, max_bytes), max_bytes);

  const auto people = co_authors_of(message);
  if (people.size() > 256) __builtin_trap();
  for (const auto& person : people) {
    check_text(person.name, 200);
    check_text(person.email, 320);
    if (std::ranges::count_if(people, [&](const auto& other) { return same(person, other); }) != 1) __builtin_trap();
  }
  // Blanks that stood in for control characters go the first time; from then on nothing changes.
  const auto once = co_authors_of(trailers(people));
  if (!std::ranges::equal(co_authors_of(trailers(once)), once, same)) __builtin_trap();

  // The log learns of each of them, by an id.
  OfflinePeople directory;
  Commit commit;
  commit.co_authors = people;
  const auto observed = observed_commit(commit, "environments", "main", directory);
  if (!observed || observed->co_authors.size() != people.size()) __builtin_trap();
  for (const auto& id : observed->co_authors) {
    if (!id.starts_with("person:") || !directory.find(id)) __builtin_trap();
  }
  return 0;
}
