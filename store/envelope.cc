#include "store/envelope.h"

#include <charconv>
#include <cstdint>
#include <cstring>

#include "engine/base/json_string.h"
#include "engine/base/utf8.h"

namespace headgate::store {
namespace {

class Reader {
 public:
  Reader(std::string_view record, Envelope& out) : record_(record), rest_(record), out_(out) {}

  // Of a length that the compiler knows: a comparison of a few registers, eight bytes at a time, where memcmp would be
  // called.
  template <std::size_t N>
  bool literal(const char (&text)[N]) {
    constexpr std::size_t length = N - 1;
    if (rest_.size() < length) return false;
    if constexpr (length < 8) {
      if (std::memcmp(rest_.data(), text, length) != 0) return false;
    } else {
      const auto differs = [&](std::size_t at) {
        std::uint64_t found = 0;
        std::uint64_t expected = 0;
        std::memcpy(&found, rest_.data() + at, 8);
        std::memcpy(&expected, text + at, 8);
        return found != expected;
      };
      for (std::size_t at = 0; at + 8 <= length; at += 8) {
        if (differs(at)) return false;
      }
      if (differs(length - 8)) return false;
    }
    rest_.remove_prefix(length);
    return true;
  }

  // A text after its opening quote, and the closing quote.
  bool text(std::string_view& out) {
    const auto length = plain_length(rest_);
    if (length < rest_.size() && rest_[length] == '"') [[likely]] {
      out = rest_.substr(0, length);
      rest_.remove_prefix(length + 1);
      return true;
    }
    return escaped_text(out);
  }

  bool number(std::uint64_t& out) {
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), out);
    if (error != std::errc{} || end == rest_.data() + rest_.size() || *end != '"') return false;
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()) + 1);
    return true;
  }

  std::string_view rest() const { return rest_; }

 private:
  bool escaped_text(std::string_view& out) {
    // Never longer than the record, so that earlier views into it stay good.
    if (out_.unescaped.capacity() < record_.size()) out_.unescaped.reserve(record_.size());
    const auto begin = out_.unescaped.size();
    while (!rest_.empty() && rest_.front() != '"') {
      if (rest_.front() == '\\') {
        if (!escape()) return false;
        continue;
      }
      if (static_cast<unsigned char>(rest_.front()) < 0x20) return false;
      out_.unescaped += rest_.front();
      rest_.remove_prefix(1);
    }
    if (!literal("\"")) return false;
    out = std::string_view(out_.unescaped).substr(begin);
    return is_utf8(out);
  }

  // Those that encode writes: others never stand in a record.
  bool escape() {
    static constexpr std::string_view kShort = "\"\\bfnrt";
    static constexpr std::string_view kMeaning = "\"\\\b\f\n\r\t";
    if (rest_.size() < 2) return false;
    if (const auto at = kShort.find(rest_[1]); at != std::string_view::npos) {
      out_.unescaped += kMeaning[at];
      rest_.remove_prefix(2);
      return true;
    }
    unsigned code = 0;
    if (!rest_.starts_with("\\u00") || rest_.size() < 6) return false;
    const auto [end, error] = std::from_chars(rest_.data() + 4, rest_.data() + 6, code, 16);
    if (error != std::errc{} || end != rest_.data() + 6 || code >= 0x20) return false;
    out_.unescaped += static_cast<char>(code);
    rest_.remove_prefix(6);
    return true;
  }

  std::string_view record_;
  std::string_view rest_;
  Envelope& out_;
};

}  // namespace

std::string read_envelope(std::string_view record, Envelope& out) {
  Reader reader(record, out);
  if (!reader.literal(R"({"specversion":"1.0",)")) return "specversion: expected 1.0 in the first place";
  if (!reader.literal(R"("id":")") || !reader.number(out.position)) return "id: expected a position";
  out.numbered = true;
  if (!reader.literal(R"(,"source":")") || !reader.text(out.source)) return "source: missing or not a text";
  if (!reader.literal(R"(,"type":")") || !reader.text(out.type)) return "type: missing or not a text";
  if (!reader.literal(R"(,"time":")") || !reader.text(out.time)) return "time: missing or not a text";
  if (reader.literal(R"(,"subject":")") && !reader.text(out.subject)) return "subject: not a text";
  if (reader.literal(R"(,"actor":")") && !reader.text(out.actor)) return "actor: not a text";
  if (reader.literal(R"(,"cause":")") && !reader.number(out.cause.emplace())) return "cause: expected a position";
  if (reader.literal(R"(,"correlation":")") && !reader.text(out.correlation)) return "correlation: not a text";
  if (reader.literal(R"(,"service":")") && !reader.text(out.service)) return "service: not a text";
  if (reader.literal(R"(,"environment":")") && !reader.text(out.environment)) return "environment: not a text";
  if (reader.literal(R"(,"idempotencykey":")") && !reader.text(out.idempotency_key))
    return "idempotencykey: not a text";
  if (reader.literal(R"(,"requestdigest":")") && !reader.text(out.request_digest)) return "requestdigest: not a text";
  if (!reader.literal(R"(,"data":)")) {
    const auto next = reader.rest().substr(0, 24);
    return is_utf8(next) ? "an attribute is unknown or out of order at '" + std::string(next) + "'"
                         : "an attribute is unknown or out of order";
  }
  out.data = reader.rest();
  if (!out.data.starts_with('{') || !out.data.ends_with('}') || out.data.size() < 3) return "data: not an object";
  out.data.remove_suffix(1);
  return {};
}

}  // namespace headgate::store
