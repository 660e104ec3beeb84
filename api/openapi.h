// schemas/openapi.json, as it was when the program was built.
#pragma once

#include <string_view>

namespace headgate::api {

std::string_view openapi_text();

}  // namespace headgate::api
