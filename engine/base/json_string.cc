#include "engine/base/json_string.h"

#include <cstdint>

#include "engine/base/hex.h"
#include "engine/base/utf8.h"

namespace headgate {
namespace {

void append_escape(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\u00";
      append_hex(out, static_cast<std::uint8_t>(c));
  }
}

}  // namespace

void append_json_escaped_from(std::string& out, std::string_view text, std::size_t plain) {
  std::size_t run = 0;  // begin of what is copied as it stands
  std::size_t at = plain;
  while (at < text.size()) {
    if (static_cast<std::uint8_t>(text[at]) >= 0x80) {
      if (const auto length = utf8_character(text.substr(at)); length > 0) {
        at += length;
        at += plain_length(text.substr(at));
        continue;
      }
      out.append(text, run, at - run);
      out += kReplacementCharacter;
    } else {
      out.append(text, run, at - run);
      append_escape(out, text[at]);
    }
    run = ++at;
    at += plain_length(text.substr(at));
  }
  out.append(text, run, at - run);
}

}  // namespace headgate
