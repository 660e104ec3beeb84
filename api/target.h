// The request target of RFC 9112, section 3.2, taken apart.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/http.h"

namespace headgate::api {

struct Target {
  std::string path;                   // not decoded, begins with '/'
  std::vector<std::string> segments;  // decoded one by one, so that an encoded '/' stays inside its segment
  Fields query{Fields::Names::exact};
};

// Takes origin form (/path?query) and absolute form (http://host/path?query, whose host is not looked at). Refused with
// invalid_input: other forms, bad percent-encoding, control characters, text that is not UTF-8, and the segments "."
// and
// "..", which clients resolve before they send.
Result<Target> parse_target(std::string_view text);

// "a%20b" -> "a b"; an Error names the bad place.
Result<std::string> percent_decode(std::string_view text, bool plus_is_space);

}  // namespace headgate::api
