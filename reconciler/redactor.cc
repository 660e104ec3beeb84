#include "reconciler/redactor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace headgate::reconciler {
namespace {

constexpr std::string_view mark = "[redacted]";
constexpr std::size_t shortest_line_bytes = 8;
constexpr std::string_view base64_standard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view base64_url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::uint32_t beginning_of(std::string_view text) {
  std::uint32_t key = 0;
  std::memcpy(&key, text.data(), sizeof key);
  return key;
}

std::size_t hash_of(std::uint32_t key) {
  return (key * 0x9E3779B1U) >> 16;
}

std::string base64(std::string_view bytes, std::string_view alphabet) {
  std::string text;
  std::uint32_t bits = 0;
  int count = 0;
  for (const auto c : bytes) {
    bits = (bits << 8) | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6) text += alphabet[(bits >> (count - 6)) & 63];
  }
  if (count > 0) text += alphabet[(bits << (6 - count)) & 63];
  return text;
}

// The characters that `value` alone decides when `before` bytes (0 to 2, modulo 3) precede it in what was encoded, as
// the user name does in basic authentication.
std::string base64_within(std::string_view value, std::size_t before, std::string_view alphabet) {
  const auto text = base64(std::string(before, '\0') + std::string(value), alphabet);
  const auto first = (before * 8 + 5) / 6;
  const auto last = (before + value.size()) * 8 / 6;
  return text.substr(first, last - first);
}

bool begins_with_token(std::string_view text) {
  constexpr std::string_view prefix = "hg_";
  if (text.size() < Redactor::token_bytes || !text.starts_with(prefix)) return false;
  const auto secret = text.substr(prefix.size(), Redactor::token_bytes - prefix.size());
  return secret.find_first_not_of(base64_url) == std::string_view::npos;
}

std::string percent_encoded(std::string_view value, std::string_view unreserved, bool upper, bool plus_for_space) {
  std::string text;
  for (const auto c : value) {
    const bool letter_or_digit = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    const auto byte = static_cast<unsigned char>(c);
    if (letter_or_digit || unreserved.find(c) != std::string_view::npos) {
      text += c;
    } else if (plus_for_space && c == ' ') {
      text += '+';
    } else {
      text += upper ? fmt::format("%{:02X}", byte) : fmt::format("%{:02x}", byte);
    }
  }
  return text;
}

std::string json_escaped(std::string_view value) {
  std::string text;
  for (const auto c : value) {
    switch (c) {
      case '"':
        text += "\\\"";
        break;
      case '\\':
        text += "\\\\";
        break;
      case '\n':
        text += "\\n";
        break;
      case '\r':
        text += "\\r";
        break;
      case '\t':
        text += "\\t";
        break;
      default:
        text += c;
    }
  }
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
  add_pattern(json_escaped(value));
  for (const auto alphabet : {base64_standard, base64_url}) {
    auto whole = base64(value, alphabet);
    add_pattern(whole);
    add_pattern(whole + std::string((4 - whole.size() % 4) % 4, '='));
    for (const std::size_t before : {0U, 1U, 2U}) add_pattern(base64_within(value, before, alphabet));
  }
  add_pattern(percent_encoded(value, "-._~", true, false));
  add_pattern(percent_encoded(value, "-._~", false, false));
  add_pattern(percent_encoded(value, "-._~!'()*", true, false));  // as encodeURIComponent does
  add_pattern(percent_encoded(value, "-._*", true, true));        // as forms do
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
