#include "api/target.h"

#include <fmt/format.h>

#include "engine/base/hex.h"
#include "engine/base/utf8.h"

namespace headgate::api {

namespace {

Result<Fields> parse_query(std::string_view text) {
  Fields query(Fields::Names::exact);
  while (!text.empty()) {
    const std::size_t end = text.find('&');
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    HEADGATE_TRY(std::string name, percent_decode(part.substr(0, equals), true));
    std::string value;
    if (equals != std::string_view::npos) {
      HEADGATE_TRY(value, percent_decode(part.substr(equals + 1), true));
    }
    query.add(std::move(name), std::move(value));
  }
  return query;
}

}  // namespace

Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 1 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        const auto found = utf8_prefix(text.substr(i), 3);
        return fail(ErrorCode::invalid_input,
                    fmt::format("'{}' in the request target: expected two hexadecimal digits after '%'",
                                is_utf8(found) ? found : "%"));
      }
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    // Line ends and tabs belong into texts of a query, never into a path (and neither does NUL anywhere).
    const bool text_control = plus_is_space && (c == '\n' || c == '\r' || c == '\t');
    if ((static_cast<unsigned char>(c) < 0x20 && !text_control) || c == 0x7F) {
      return fail(ErrorCode::invalid_input, fmt::format("the request target holds the control character 0x{:02x}",
                                                        static_cast<unsigned char>(c)));
    }
    decoded += c;
  }
  if (!is_utf8(decoded)) return fail(ErrorCode::invalid_input, "the request target is not UTF-8 when it is decoded");
  return decoded;
}

Result<Target> parse_target(std::string_view text) {
  if (!text.starts_with('/')) {
    for (const std::string_view scheme : {"http://", "https://"}) {
      if (!text.starts_with(scheme)) continue;
      const std::size_t slash = text.find('/', scheme.size());
      if (slash != std::string_view::npos) return parse_target(text.substr(slash));
    }
    return fail(ErrorCode::invalid_input, "the request target must be a path that begins with '/'");
  }
  Target target;
  text = text.substr(0, text.find('#'));
  const std::size_t question = text.find('?');
  target.path = std::string(text.substr(0, question));
  if (question != std::string_view::npos) {
    HEADGATE_TRY(target.query, parse_query(text.substr(question + 1)));
  }
  std::string_view rest = std::string_view(target.path).substr(1);
  if (rest.empty()) return target;
  while (true) {
    const std::size_t end = rest.find('/');
    HEADGATE_TRY(std::string segment, percent_decode(rest.substr(0, end), false));
    if (segment == "." || segment == "..") {
      return fail(ErrorCode::invalid_input, "the request path holds '.' or '..' as a segment");
    }
    target.segments.push_back(std::move(segment));
    if (end == std::string_view::npos) return target;
    rest.remove_prefix(end + 1);
  }
}

}  // namespace headgate::api
