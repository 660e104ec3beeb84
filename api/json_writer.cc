#include "api/json_writer.h"

#include <utility>

#include "api/utf8.h"

namespace headgate::api {

void append_json_string(std::string& out, std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  out += '"';
  std::size_t plain = 0;  // start of the run that can be copied as it stands
  std::size_t i = 0;
  const auto flush = [&] { out.append(text.substr(plain, i - plain)); };
  while (i < text.size()) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
      ++i;
      continue;
    }
    if (c >= 0x80) {
      const std::size_t size = utf8_character(text.substr(i));
      if (size > 0) {
        i += size;
        continue;
      }
    }
    flush();
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (c < 0x20) {
          out += "\\u00";
          out += hex[c >> 4];
          out += hex[c & 15];
        } else {
          out += "\xEF\xBF\xBD";
        }
    }
    plain = ++i;
  }
  flush();
  out += '"';
}

void JsonWriter::separate() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  HEADGATE_CHECK(open_.empty() || open_.back() == '[');  // a value of an object needs its key first
  if (!first_) out_ += ',';
  first_ = false;
}

JsonWriter& JsonWriter::begin_object() {
  separate();
  out_ += '{';
  open_ += '{';
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::end_object() {
  HEADGATE_CHECK(!open_.empty() && open_.back() == '{' && !after_key_);
  open_.pop_back();
  out_ += '}';
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::begin_array() {
  separate();
  out_ += '[';
  open_ += '[';
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::end_array() {
  HEADGATE_CHECK(!open_.empty() && open_.back() == '[');
  open_.pop_back();
  out_ += ']';
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  HEADGATE_CHECK(!open_.empty() && open_.back() == '{' && !after_key_);
  if (!first_) out_ += ',';
  first_ = false;
  append_json_string(out_, name);
  out_ += ':';
  after_key_ = true;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  separate();
  append_json_string(out_, text);
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  separate();
  out_.append(json);
  return *this;
}

std::string JsonWriter::take() {
  HEADGATE_CHECK(open_.empty() && !after_key_);
  first_ = true;
  return std::exchange(out_, {});
}

}  // namespace headgate::api
