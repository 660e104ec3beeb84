#include "api/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <unordered_set>

#include "engine/base/utf8.h"

namespace headgate::api {

namespace {

using boost::json::error_code;
using JsonView = boost::json::string_view;

// Builds the tree from the parser's events. A false return stops the parser there; `reason` then says why.
class TreeBuilder {
 public:
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);

  explicit TreeBuilder(std::size_t max_values) : max_values_(max_values) {}

  struct Reason {
    std::string found;
    std::string expected;
  };
  Reason reason;
  JsonValue root;

  std::string pointer() const {
    std::string text;
    for (const Level& level : levels_) {
      const auto* array = level.value.array();
      if (array != nullptr) {
        text += '/' + std::to_string(array->size());
      } else if (level.has_key) {
        text += pointer_token(level.key);
      }
    }
    return text;
  }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code& ec) { return open(JsonObject{}, ec); }
  bool on_array_begin(error_code& ec) { return open(JsonArray{}, ec); }
  bool on_object_end(std::size_t, error_code& ec) { return close(ec); }
  bool on_array_end(std::size_t, error_code& ec) { return close(ec); }

  bool on_key_part(JsonView part, std::size_t, error_code&) { return keep(part); }
  bool on_key(JsonView part, std::size_t, error_code& ec) {
    keep(part);
    Level& level = levels_.back();
    level.key = std::exchange(text_, {});
    level.has_key = true;
    if (level.keys.insert(level.key).second) return true;
    return refuse({fmt::format("the key '{}' for the second time", utf8_prefix(level.key, 100)), "every key once"}, ec);
  }

  bool on_string_part(JsonView part, std::size_t, error_code&) { return keep(part); }
  bool on_string(JsonView part, std::size_t, error_code& ec) {
    keep(part);
    return add(JsonValue{std::exchange(text_, {})}, ec);
  }

  bool on_number_part(JsonView part, error_code&) { return keep(part); }
  bool on_int64(std::int64_t, JsonView part, error_code& ec) { return number(part, ec); }
  bool on_uint64(std::uint64_t, JsonView part, error_code& ec) { return number(part, ec); }
  bool on_double(double, JsonView part, error_code& ec) { return number(part, ec); }

  bool on_bool(bool flag, error_code& ec) { return add(JsonValue{flag}, ec); }
  bool on_null(error_code& ec) { return add(JsonValue{nullptr}, ec); }
  bool on_comment_part(JsonView, error_code&) { return true; }
  bool on_comment(JsonView, error_code&) { return true; }

 private:
  struct Level {
    JsonValue value;  // an array or object that is not complete yet
    std::string key{};
    bool has_key = false;
    std::unordered_set<std::string> keys{};
  };

  bool keep(JsonView part) {
    text_.append(part.data(), part.size());
    return true;
  }

  bool number(JsonView part, error_code& ec) {
    keep(part);
    return add(JsonValue{Decimal{std::exchange(text_, {})}}, ec);
  }

  bool refuse(Reason why, error_code& ec) {
    reason = std::move(why);
    ec = boost::json::error::syntax;  // any error stops the parser; `reason` is what is reported
    return false;
  }

  bool count(error_code& ec) {
    if (++values_ <= max_values_) return true;
    return refuse({"more values than that", fmt::format("at most {} values", max_values_)}, ec);
  }

  bool open(JsonValue::Data container, error_code& ec) {
    if (!count(ec)) return false;
    levels_.push_back(Level{JsonValue{std::move(container)}});
    return true;
  }

  bool close(error_code& ec) {
    JsonValue value = std::move(levels_.back().value);
    levels_.pop_back();
    --values_;  // it was counted when it was opened
    return add(std::move(value), ec);
  }

  bool add(JsonValue value, error_code& ec) {
    if (!count(ec)) return false;
    if (levels_.empty()) {
      root = std::move(value);
      return true;
    }
    Level& level = levels_.back();
    if (auto* array = std::get_if<JsonArray>(&level.value.data)) {
      array->push_back(std::move(value));
    } else {
      std::get<JsonObject>(level.value.data).emplace_back(std::exchange(level.key, {}), std::move(value));
      level.has_key = false;
    }
    return true;
  }

  std::vector<Level> levels_;
  std::string text_;  // of a string, key or number that comes in parts
  std::size_t values_ = 0;
  std::size_t max_values_;
};

struct Place {
  std::size_t line;
  std::size_t column;
};

Place place_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto line = static_cast<std::size_t>(std::ranges::count(before, '\n')) + 1;
  const std::size_t newline = before.rfind('\n');
  return {line, newline == std::string_view::npos ? before.size() + 1 : before.size() - newline};
}

std::string found_at(std::string_view text, std::size_t offset) {
  if (offset >= text.size()) return "the end of the text";
  const std::string_view rest = text.substr(offset);
  const std::size_t size = utf8_character(rest);
  if (size == 0 || static_cast<unsigned char>(rest[0]) < 0x20 || rest[0] == 0x7F) {
    return fmt::format("the byte 0x{:02x}", static_cast<unsigned char>(rest[0]));
  }
  return fmt::format("'{}'", rest.substr(0, size));
}

}  // namespace

const JsonValue* JsonValue::find(std::string_view key) const {
  const JsonObject* members = object();
  if (members == nullptr) return nullptr;
  const auto it = std::ranges::find(*members, key, [](const JsonMember& m) { return std::string_view(m.first); });
  return it == members->end() ? nullptr : &it->second;
}

std::string pointer_token(std::string_view key) {
  std::string token = "/";
  for (const char c : key) {
    if (c == '~') {
      token += "~0";
    } else if (c == '/') {
      token += "~1";
    } else {
      token += c;
    }
  }
  return token;
}

Result<JsonValue> parse_json(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.bytes) {
    return fail(ErrorCode::too_large,
                fmt::format("the JSON text has {} bytes, expected at most {}", text.size(), limits.bytes));
  }
  boost::json::parse_options options;
  options.max_depth = limits.depth;
  boost::json::basic_parser<TreeBuilder> parser(options, limits.values);
  error_code ec;
  std::size_t offset = parser.write_some(false, text.data(), text.size(), ec);
  TreeBuilder& builder = parser.handler();
  if (!ec && offset == text.size()) return std::move(builder.root);

  TreeBuilder::Reason reason = builder.reason;
  if (reason.expected.empty()) {
    reason.found = found_at(text, offset);
    reason.expected = "JSON";
    if (!ec) {
      reason.expected = "nothing after the JSON value";
    } else if (ec == boost::json::error::too_deep) {
      reason.found = "a deeper nesting";
      reason.expected = fmt::format("at most {} levels", limits.depth);
    } else if (ec == boost::json::error::incomplete) {
      offset = text.size();
      reason.found = "the end of the text";
      reason.expected = "the rest of the JSON value";
    } else if (ec != boost::json::error::syntax) {
      reason.expected = fmt::format("JSON ({})", ec.message());
    }
  }
  const Place place = place_of(text, offset);
  std::string message =
      fmt::format("line {}, column {}: found {}, expected {}", place.line, place.column, reason.found, reason.expected);
  return fail(ErrorCode::invalid_input, std::move(message),
              {{builder.pointer(), std::move(reason.found), std::move(reason.expected)}});
}

}  // namespace headgate::api
