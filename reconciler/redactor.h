// Takes known secrets out of text before it is stored or shown: as they are, line by line where they have several,
// and in the forms in which tools print them (base64 also inside a longer text and over line breaks, URL-encoded,
// JSON-escaped as writers of JSON differ). And what
// has the form of a token of Headgate's own, of which nobody knows the text.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace headgate::reconciler {

struct NamedSecret {
  std::string name;
  std::string value;
};

// Immutable once made, so it may be shared between threads; changed secrets take a new one.
class Redactor {
 public:
  static constexpr std::size_t shortest_secret_bytes = 4;  // shorter ones would blot out ordinary text
  static constexpr std::size_t token_bytes = 46;           // hg_ and 43 characters of base64url

  struct Refused {
    std::string name;
    std::string reason;  // never holds the value
  };

  explicit Redactor(const std::vector<NamedSecret>& secrets);

  const std::vector<Refused>& refused() const { return refused_; }

  // The whole of a text; [redacted] stands for each stretch that secrets cover, overlapping or adjacent ones together.
  std::string redact(std::string_view text) const;

  // Length of the longest secret that `text` begins with, 0 for none.
  std::size_t match(std::string_view text) const;
  std::size_t longest_pattern_bytes() const { return longest_; }  // line breaks within it included

 private:
  struct Pattern {
    std::string text;
    bool wraps = false;  // line breaks may stand between its characters
    auto operator<=>(const Pattern&) const = default;
  };

  void add_pattern(std::string text, bool wraps = false);
  void add_forms(std::string_view value);

  std::vector<Pattern> patterns_;
  std::unordered_map<std::uint32_t, std::vector<std::size_t>> by_beginning_;  // first 4 bytes
  std::bitset<65536> beginnings_;  // hashes of the keys above, to pass over ordinary text quickly
  std::size_t longest_ = token_bytes;
  std::vector<Refused> refused_;
};

// The same over pieces of a stream: a secret that is cut by the border of two pieces is found. Holds back at most as
// many bytes as the longest pattern has. The redactor must outlive it.
class RedactedStream {
 public:
  explicit RedactedStream(const Redactor& redactor) : redactor_(redactor) {}
  std::string push(std::string_view piece);  // what may be shown by now
  std::string finish();                      // the rest

 private:
  std::string advance(std::size_t until);

  const Redactor& redactor_;
  std::string pending_;
  std::size_t covered_ = 0;  // bytes at the front of `pending_` that belong to a secret already marked
  bool in_secret_ = false;   // the last byte that left belonged to one
};

}  // namespace headgate::reconciler
