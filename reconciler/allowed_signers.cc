#include "reconciler/allowed_signers.h"

#include <algorithm>

namespace headgate::reconciler {
namespace {

constexpr std::size_t max_signers = 1000;

// Words are parted by blanks outside of quotes.
std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  bool quoted = false;
  bool inside = false;
  for (const char c : line) {
    if (c == '"') quoted = !quoted;
    if ((c == ' ' || c == '\t' || c == '\r') && !quoted) {
      inside = false;
      continue;
    }
    if (!inside) words.emplace_back();
    inside = true;
    words.back() += c;
  }
  return words;
}

bool is_key_type(std::string_view word) {
  return word.starts_with("ssh-") || word.starts_with("ecdsa-sha2-") || word.starts_with("sk-");
}

// What is wrong with the options of a key; empty when nothing is.
std::string options_problem(std::string_view options) {
  constexpr std::string_view namespaces = "namespaces=\"";
  if (!options.starts_with(namespaces) || !options.ends_with('"') || options.size() <= namespaces.size()) {
    return "of the options of a key namespaces=\"git\" alone is supported";
  }
  auto list = options.substr(namespaces.size(), options.size() - namespaces.size() - 1);
  while (!list.empty()) {
    const auto one = list.substr(0, list.find(','));
    if (one == "git" || one == "*") return {};
    list.remove_prefix(std::min(one.size() + 1, list.size()));
  }
  return "the key is not for commits: its namespaces have no git";
}

}  // namespace

Result<std::vector<PersonKey>> parse_allowed_signers(const std::string& name, std::string_view text) {
  std::vector<PersonKey> keys;
  std::size_t number = 0;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    ++number;
    const auto words = words_of(line);
    if (words.empty() || words.front().starts_with('#')) continue;
    const auto wrong = [&](const std::string& why) {
      return fail(ErrorCode::invalid_input, name + ":" + std::to_string(number) + ":1: error: " + why);
    };
    const auto type = std::find_if(words.begin() + 1, words.end(), is_key_type);
    if (type == words.end() || type + 1 == words.end()) {
      return wrong("no key: expected principals, then a key such as ssh-ed25519 AAAA…");
    }
    if (type - words.begin() > 2) return wrong("a word too many between the principals and the key");
    if (type - words.begin() == 2) {
      if (const auto problem = options_problem(words[1]); !problem.empty()) return wrong(problem);
    }
    auto key = parse_signing_key(*type + " " + *(type + 1));
    if (!key) return wrong(key.error().message);
    keys.push_back({"line " + std::to_string(number), std::move(*key)});
    if (keys.size() > max_signers) return wrong("more than " + std::to_string(max_signers) + " keys");
  }
  if (keys.empty()) return fail(ErrorCode::invalid_input, name + ":1:1: error: no key: nobody could change the policy");
  return keys;
}

}  // namespace headgate::reconciler
