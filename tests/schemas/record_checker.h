// Holds records against the published JSON Schema of their type and version (schemas/events/).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace headgate::schemas {

// What is wrong with the record's text, or nothing. Thread-safe.
std::string problem_of(std::string_view record);
// How many records this thread has asked about.
std::size_t records_checked();

}  // namespace headgate::schemas
