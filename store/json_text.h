// What may stand in a record as it is.
#pragma once

#include <string_view>

namespace headgate::store {

inline constexpr int kMaxJsonDepth = 64;

// A JSON object (RFC 8259) in UTF-8 on one line, nested at most kMaxJsonDepth deep. Numbers may be of any size.
bool is_json_object_line(std::string_view text);

}  // namespace headgate::store
