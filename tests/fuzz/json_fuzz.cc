// Any bytes as a request's body: what is read can be written, and reads the same again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "api/json.h"
#include "api/json_reader.h"
#include "api/json_writer.h"

namespace {

using namespace headgate;
using namespace headgate::api;

void write(JsonWriter& json, const JsonValue& value) {
  if (const auto* object = value.object()) {
    json.begin_object();
    for (const auto& [key, member] : *object) write(json.key(key), member);
    json.end_object();
  } else if (const auto* array = value.array()) {
    json.begin_array();
    for (const auto& element : *array) write(json, element);
    json.end_array();
  } else if (const auto* text = value.string()) {
    json.value(*text);
  } else if (const auto* number = value.number()) {
    json.value(*number);
  } else if (const auto* boolean = value.boolean()) {
    json.value(*boolean);
  } else {
    json.value(nullptr);
  }
}

std::string written(const JsonValue& value) {
  JsonWriter json;
  write(json, value);
  return json.take();
}

// Fields as routes ask for them.
void read(const JsonValue& value) {
  JsonReader body(value);
  static_cast<void>(body.required_string("service"));
  static_cast<void>(body.optional_integer("count", 1, 100));
  static_cast<void>(body.optional_boolean("dry"));
  static_cast<void>(body.optional_strings("roles"));
  static_cast<void>(body.optional_string_map("artifacts"));
  static_cast<void>(body.optional_decimal_map("metrics"));
  static_cast<void>(body.required_object("release").optional_string("version"));
  if (const auto read = body.finish(); !read && read.error().fields.empty()) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = parse_json(text);
  if (!parsed) {
    if (parsed.error().message.empty()) __builtin_trap();
    return 0;
  }
  read(*parsed);
  const auto once = written(*parsed);
  const auto again = parse_json(once);
  // Escapes may make it longer than a body may be.
  if (!again && again.error().code != ErrorCode::too_large) __builtin_trap();
  if (again && written(*again) != once) __builtin_trap();
  return 0;
}
