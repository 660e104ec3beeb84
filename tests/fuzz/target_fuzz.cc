// Any bytes as the target of a request, and what it holds as the query of a list of events.
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "api/events_query.h"
#include "api/paging.h"
#include "api/target.h"
#include "engine/base/utf8.h"

namespace {

using namespace headgate::api;

std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
  return out;
}

// The same path and query, with every byte escaped.
std::string spelled_out(const Target& target) {
  std::string text;
  for (const auto& segment : target.segments) text += "/" + encoded(segment);
  if (text.empty()) text = "/";
  char separator = '?';
  for (const auto& [name, value] : target.query.entries()) {
    text += std::exchange(separator, '&') + encoded(name) + "=" + encoded(value);
  }
  return text;
}

void read_query(const Target& target) {
  QueryReader reader(target.query);
  const auto filter = read_event_filter(reader);
  const auto page = read_page(reader, "events");
  static_cast<void>(position_of(page, reader));
  if (const auto read = reader.finish(); !read) {
    if (read.error().fields.empty()) __builtin_trap();
    return;
  }
  if (page.limit == 0 || page.limit > max_limit) __builtin_trap();
  // What is written of a filter reads back as the same filter.
  const auto text = filter_text(filter);
  const auto again = parse_target("/?" + text);
  if (!again) __builtin_trap();
  QueryReader second(again->query);
  if (filter_text(read_event_filter(second)) != text || !second.finish()) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto target = parse_target({reinterpret_cast<const char*>(data), size});
  if (!target) {
    if (!headgate::is_utf8(target.error().message)) __builtin_trap();
    return 0;
  }
  const auto again = parse_target(spelled_out(*target));
  if (!again || again->segments != target->segments || again->query.entries() != target->query.entries()) {
    __builtin_trap();
  }
  read_query(*target);
  return 0;
}
