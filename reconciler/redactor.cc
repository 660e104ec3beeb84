#include "reconciler/redactor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "engine/base/base64.h"
#include "engine/base/hex.h"
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

// Writers of JSON differ in what they escape beside what they must: slashes, what HTML knows, all but ASCII.
struct JsonStyle {
  bool slashes;
  bool html;
  std::string_view beyond_ascii;  // digits of \uXXXX; empty: as it is
};

void append_json_unit(std::string& text, std::uint32_t unit, std::string_view digits) {
  text += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) text += digits[(unit >> shift) & 0xF];
}

std::uint32_t code_point(std::string_view character) {
  if (character.size() == 1) return static_cast<unsigned char>(character[0]);
  auto point = static_cast<unsigned char>(character[0]) & (0xFFU >> (character.size() + 1));
  for (const char c : character.substr(1)) point = point << 6 | (static_cast<unsigned char>(c) & 0x3FU);
  return point;
}

// `value` is UTF-8.
std::string json_escaped(std::string_view value, const JsonStyle& style) {
  std::string usual;
  append_json_escaped(usual, value);
  std::string text;
  for (std::string_view rest = usual; !rest.empty();) {
    const auto character = rest.substr(0, utf8_character(rest));
    rest.remove_prefix(character.size());
    const auto point = code_point(character);
    if (style.slashes && point == '/') {
      text += "\\/";
    } else if (style.html && (point == '<' || point == '>' || point == '&')) {
      append_json_unit(text, point, style.beyond_ascii.empty() ? kLowerHexDigits : style.beyond_ascii);
    } else if (point < 0x80 || style.beyond_ascii.empty()) {
      text += character;
    } else if (point < 0x10000) {
      append_json_unit(text, point, style.beyond_ascii);
    } else {
      append_json_unit(text, 0xD800 + ((point - 0x10000) >> 10), style.beyond_ascii);
      append_json_unit(text, 0xDC00 + ((point - 0x10000) & 0x3FF), style.beyond_ascii);
    }
  }
  return text;
}

// Bytes of the line break that `text` begins with, as it is or as JSON writes it; 0 for none.
std::size_t line_break_bytes(std::string_view text) {
  for (const std::string_view line_break : {"\n", "\r\n", "\\n", "\\r\\n"}) {
    if (text.starts_with(line_break)) return line_break.size();
  }
  return 0;
}
constexpr std::size_t longest_line_break = 4;

// How much of `text` is `pattern` with line breaks between its characters; 0 when it does not begin so.
std::size_t wrapped_bytes(std::string_view pattern, std::string_view text) {
  std::size_t at = 0;
  for (const char c : pattern) {
    if (at > 0) at += line_break_bytes(text.substr(at));
    if (at >= text.size() || text[at] != c) return 0;
    ++at;
  }
  return at;
}

// The first four characters but for line breaks; nullopt where there are none among them.
std::optional<std::uint32_t> beginning_without_breaks(std::string_view text) {
  if (text.substr(0, sizeof(std::uint32_t)).find_first_of("\r\n\\") == std::string_view::npos) return std::nullopt;
  std::string beginning;
  for (std::size_t at = 0; beginning.size() < sizeof(std::uint32_t); ++at) {
    if (at > 0) at += line_break_bytes(text.substr(at));
    if (at >= text.size()) return std::nullopt;
    beginning += text[at];
  }
  return beginning_of(beginning);
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
  for (std::size_t i = 0; i < patterns_.size(); ++i) {
    const auto& [text, wraps] = patterns_[i];
    const auto key = beginning_of(text);
    by_beginning_[key].push_back(i);
    beginnings_.set(hash_of(key));
    longest_ = std::max(longest_, text.size() * (wraps ? 1 + longest_line_break : 1));
  }
}

void Redactor::add_pattern(std::string text, bool wraps) {
  if (text.size() >= shortest_secret_bytes) patterns_.push_back({std::move(text), wraps});
}

void Redactor::add_forms(std::string_view value) {
  add_pattern(std::string(value));
  if (is_utf8(value)) {  // what is not has no form in JSON
    for (const bool slashes : {false, true}) {
      for (const bool html : {false, true}) {
        for (const std::string_view digits : {std::string_view(), kLowerHexDigits, kUpperHexDigits}) {
          add_pattern(json_escaped(value, {slashes, html, digits}));
        }
      }
    }
  }
  for (const Encode encode : {&encode_base64, &encode_base64url}) {
    auto whole = encode(value);
    while (whole.ends_with('=')) whole.pop_back();
    add_pattern(whole, true);
    add_pattern(whole + std::string((4 - whole.size() % 4) % 4, '='), true);
    for (const std::size_t before : {0U, 1U, 2U}) add_pattern(base64_within(value, before, encode), true);
  }
  add_pattern(percent_encoded(value));
  add_pattern(percent_encoded(value, kUnreservedMarks, kLowerHexDigits));
  add_pattern(percent_encoded(value, "-._~!'()*"));  // as encodeURIComponent does
  add_pattern(form_encoded(value));
}

std::size_t Redactor::match(std::string_view text) const {
  if (text.size() < shortest_secret_bytes) return 0;
  std::size_t longest = begins_with_token(text) ? token_bytes : 0;
  const auto look = [&](std::uint32_t key) {
    if (!beginnings_.test(hash_of(key))) return;
    const auto found = by_beginning_.find(key);
    if (found == by_beginning_.end()) return;
    for (const auto i : found->second) {
      const auto& [pattern, wraps] = patterns_[i];
      if (wraps) {
        longest = std::max(longest, wrapped_bytes(pattern, text));
      } else if (text.starts_with(pattern)) {
        longest = std::max(longest, pattern.size());
      }
    }
  };
  look(beginning_of(text));
  if (const auto wrapped = beginning_without_breaks(text)) look(*wrapped);
  return longest;
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
