#include "reconciler/redactor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/base/base64.h"
#include "engine/base/json_string.h"
#include "engine/base/percent.h"
#include "engine/base/utf8.h"

namespace headgate::reconciler {
namespace {

constexpr std::string_view mark = "[redacted]";
constexpr std::size_t shortest_line_bytes = 8;

std::uint32_t beginning_of(std::string_view text) {
  std::uint32_t key = 0;
  std::memcpy(&key, text.data(), sizeof key);
  return key;
}

std::size_t hash_of(std::uint32_t key) {
  return (key * 0x9E3779B1U) >> 16;
}

using Encode = std::string (*)(std::string_view);

// The characters that `value` alone decides when `before` bytes (0 to 2, modulo 3) precede it in what was encoded, as
// the user name does in basic authentication.
std::string base64_within(std::string_view value, std::size_t before, Encode encode) {
  const auto text = encode(std::string(before, '\0') + std::string(value));
  const auto first = (before * 8 + 5) / 6;
  const auto last = (before + value.size()) * 8 / 6;
  return text.substr(first, last - first);
}

bool begins_with_token(std::string_view text) {
  constexpr std::string_view prefix = "hg_";
  if (text.size() < Redactor::token_bytes || !text.starts_with(prefix)) return false;
  const auto secret = text.substr(prefix.size(), Redactor::token_bytes - prefix.size());
  return is_base64url(secret);
}

std::string json_escaped(std::string_view value) {
  std::string text;
  append_json_escaped(text, value);
  return text;
}

// As forms are sent: '+' for a blank.
std::string form_encoded(std::string_view value) {
  auto text = percent_encoded(value, "-._*");
  for (auto at = text.find("%20"); at != std::string::npos; at = text.find("%20", at)) text.replace(at, 3, "+");
  return text;
}

}  // namespace

Redactor::Redactor(const std::vector<NamedSecret>& secrets) {
  for (const auto& [name, secret] : secrets) {
    // A secret that is read from a file mostly ends with a line break that nobody prints.
    std::string_view value = secret;
    while (!value.empty() && (value.back() == '\n' || value.back() == '\r')) value.remove_suffix(1);
    if (value.size() < shortest_secret_bytes) {
      refused_.push_back({name, fmt::format("it has {} bytes, and fewer than {} would blot out ordinary text",
                                            value.size(), shortest_secret_bytes)});
      continue;
    }
    add_forms(value);
    if (value.find('\n') == std::string_view::npos) continue;
    for (auto rest = value; !rest.empty();) {
      auto line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      if (line.size() >= shortest_line_bytes) add_forms(line);
    }
  }
  std::ranges::sort(patterns_);
  patterns_.erase(std::ranges::unique(patterns_).begin(), patterns_.end());
  std::ranges::stable_sort(patterns_, std::ranges::greater{}, &std::string::size);
  for (std::size_t i = 0; i < patterns_.size(); ++i) {
    const auto key = beginning_of(patterns_[i]);
    by_beginning_[key].push_back(i);
    beginnings_.set(hash_of(key));
  }
  if (!patterns_.empty()) longest_ = std::max(longest_, patterns_.front().size());
}

void Redactor::add_pattern(std::string pattern) {
  if (pattern.size() >= shortest_secret_bytes) patterns_.push_back(std::move(pattern));
}

void Redactor::add_forms(std::string_view value) {
  add_pattern(std::string(value));
  if (is_utf8(value)) add_pattern(json_escaped(value));  // what is not has no form in JSON
  for (const Encode encode : {&encode_base64, &encode_base64url}) {
    auto whole = encode(value);
    while (whole.ends_with('=')) whole.pop_back();
    add_pattern(whole);
    add_pattern(whole + std::string((4 - whole.size() % 4) % 4, '='));
    for (const std::size_t before : {0U, 1U, 2U}) add_pattern(base64_within(value, before, encode));
  }
  add_pattern(percent_encoded(value));
  add_pattern(percent_encoded(value, kUnreservedMarks, kLowerHexDigits));
  add_pattern(percent_encoded(value, "-._~!'()*"));  // as encodeURIComponent does
  add_pattern(form_encoded(value));
}

std::size_t Redactor::match(std::string_view text) const {
  if (text.size() < shortest_secret_bytes) return 0;
  const std::size_t token = begins_with_token(text) ? token_bytes : 0;
  const auto key = beginning_of(text);
  if (!beginnings_.test(hash_of(key))) return token;
  const auto found = by_beginning_.find(key);
  if (found == by_beginning_.end()) return token;
  for (const auto i : found->second) {
    if (text.starts_with(patterns_[i])) return std::max(token, patterns_[i].size());
  }
  return token;
}

std::string Redactor::redact(std::string_view text) const {
  RedactedStream stream{*this};
  auto shown = stream.push(text);
  return shown + stream.finish();
}

// Decides on the bytes before `until`; all patterns that begin there must be wholly in `pending_`.
std::string RedactedStream::advance(std::size_t until) {
  std::string shown;
  shown.reserve(until);
  for (std::size_t i = 0; i < until; ++i) {
    if (const auto length = redactor_.match(std::string_view(pending_).substr(i)); length > 0) {
      covered_ = std::max(covered_, i + length);
    }
    const bool secret = i < covered_;
    if (!secret) shown += pending_[i];
    if (secret && !in_secret_) shown += mark;
    in_secret_ = secret;
  }
  pending_.erase(0, until);
  covered_ -= std::min(covered_, until);
  return shown;
}

std::string RedactedStream::push(std::string_view piece) {
  const auto longest = redactor_.longest_pattern_bytes();
  pending_ += piece;
  return pending_.size() < longest ? std::string() : advance(pending_.size() - longest + 1);
}

std::string RedactedStream::finish() {
  auto shown = advance(pending_.size());
  in_secret_ = false;
  return shown;
}

}  // namespace headgate::reconciler
