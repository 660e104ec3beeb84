#include "api/json_writer.h"

#include <utility>

#include "engine/base/json_string.h"

namespace headgate::api {

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
