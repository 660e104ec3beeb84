// What an http check expects of a JSON body.
#pragma once

#include <string>
#include <string_view>

#include "engine/domain/documents.h"

namespace headgate::reconciler {

// Whether it is "" or a sequence of /tokens with ~ only as ~0 and ~1 (RFC 6901).
bool is_json_pointer(std::string_view text);

// Why the body is not as expected; empty when it is.
std::string json_problem(const JsonExpectation& expected, std::string_view body);

}  // namespace headgate::reconciler
