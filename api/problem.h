// Refusals as RFC 9457 application/problem+json.
//
//   {"type": "/problems/not-found", "title": "Not found", "status": 404, "detail": "…",
//    "errors": [{"pointer": "/service", "found": "…", "expected": "…"}]}
//
// `type` is a relative reference, stable across versions: it identifies the problem without claiming a host name that
// an installation does not have, and resolves to a page of the same server. `errors` is there only for bad input.
#pragma once

#include <string_view>

#include "api/http.h"
#include "engine/domain/error.h"

namespace headgate::api {

// invalid_input is 400; who knows that the text was well-formed and only its meaning refused passes 422 to problem().
int status_of(ErrorCode code);

Response problem(const Error& error);
Response problem(const Error& error, int status);
Response problem(int status, std::string_view detail);

// The phrase of a status: "Not found". "Unknown" for a status this server never sends.
std::string_view title_of(int status);

}  // namespace headgate::api
