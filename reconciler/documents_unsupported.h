// Fields that the notation of the documents has and this version does not carry out. They are refused, never ignored: a
// protection that is read over would let a release through.
#pragma once

#include <span>
#include <string_view>

namespace headgate::reconciler {

// `section` as given to Fields.
bool is_unsupported_field(std::string_view section, std::string_view field);

struct UnsupportedFields {
  std::string_view section;
  std::span<const std::string_view> fields;
};
std::span<const UnsupportedFields> unsupported_fields();

}  // namespace headgate::reconciler
