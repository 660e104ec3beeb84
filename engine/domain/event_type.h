// What every event type declares of itself.
#pragma once

#include <string>
#include <string_view>

namespace headgate {

struct EventType {
  std::string_view name;  // <noun>.<past participle>; stored as dev.headgate.<name>.v<version>
  int version = 1;
};

// A JSON object as text, minified, as it was read; its numbers are never touched.
struct Json {
  std::string text = "{}";
  bool operator==(const Json&) const = default;
};

}  // namespace headgate
