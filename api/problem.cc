#include "api/problem.h"

#include <algorithm>
#include <array>
#include <string>

#include "api/json_writer.h"

namespace headgate::api {

namespace {

struct Kind {
  int status;
  std::string_view slug;  // last part of `type`: never changed once published
  std::string_view title;
};

constexpr std::array kinds{
    Kind{400, "invalid-input", "Invalid input"},
    Kind{401, "unauthenticated", "Authentication required"},
    Kind{403, "forbidden", "Not allowed"},
    Kind{404, "not-found", "Not found"},
    Kind{405, "method-not-allowed", "Method not allowed"},
    Kind{406, "not-acceptable", "Not acceptable"},
    Kind{408, "request-timeout", "Request took too long to arrive"},
    Kind{409, "conflict", "Conflict with the present state"},
    Kind{410, "gone", "Gone"},
    Kind{413, "too-large", "Too large"},
    Kind{415, "unsupported-media-type", "Unsupported media type"},
    Kind{417, "expectation-failed", "Expectation failed"},
    Kind{422, "unprocessable", "Cannot be processed"},
    Kind{429, "too-many-requests", "Too many requests"},
    Kind{431, "header-too-large", "Request header too large"},
    Kind{500, "internal", "Internal error"},
    Kind{501, "not-implemented", "Not implemented"},
    Kind{503, "unavailable", "Unavailable, try again later"},
    Kind{504, "timed-out", "Timed out"},
    Kind{505, "http-version", "HTTP version not supported"},
};

const Kind* kind_of(int status) {
  const auto it = std::ranges::find(kinds, status, &Kind::status);
  return it == kinds.end() ? nullptr : &*it;
}

Response write(int status, std::string_view slug, std::string_view title, std::string_view detail,
               const std::vector<FieldError>& fields) {
  JsonWriter json;
  json.begin_object();
  json.field("type", "/problems/" + std::string(slug));
  json.field("title", title);
  json.field("status", status);
  json.field("detail", detail);
  if (!fields.empty()) {
    json.key("errors").begin_array();
    for (const FieldError& field : fields) {
      json.begin_object();
      json.field("pointer", field.pointer).field("found", field.found).field("expected", field.expected);
      json.end_object();
    }
    json.end_array();
  }
  json.end_object();
  Response response = Response::of(status, "application/problem+json", json.take());
  if (status == 401) response.set("WWW-Authenticate", "Bearer realm=\"headgate\"");
  if (status == 503) response.set("Retry-After", "1");
  return response;
}

}  // namespace

int status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_input:
      return 400;
    case ErrorCode::unauthenticated:
      return 401;
    case ErrorCode::forbidden:
      return 403;
    case ErrorCode::not_found:
      return 404;
    case ErrorCode::conflict:
      return 409;
    case ErrorCode::too_large:
      return 413;
    case ErrorCode::unavailable:
      return 503;
    case ErrorCode::timed_out:
      return 504;
    case ErrorCode::io:
      return 500;
    case ErrorCode::corrupt:
      return 500;
  }
  return 500;
}

std::string_view title_of(int status) {
  const Kind* kind = kind_of(status);
  return kind == nullptr ? "Unknown" : kind->title;
}

Response problem(const Error& error, int status) {
  if (status == 500 && error.code == ErrorCode::io) {
    return write(status, "io", "The system or a peer failed", error.message, error.fields);
  }
  if (status == 500 && error.code == ErrorCode::corrupt) {
    return write(status, "corrupt", "Stored data is damaged", error.message, error.fields);
  }
  const Kind* kind = kind_of(status);
  HEADGATE_CHECK(kind != nullptr);
  return write(status, kind->slug, kind->title, error.message, error.fields);
}

Response problem(const Error& error) {
  return problem(error, status_of(error.code));
}

Response problem(int status, std::string_view detail) {
  const Kind* kind = kind_of(status);
  HEADGATE_CHECK(kind != nullptr);
  return write(status, kind->slug, kind->title, detail, {});
}

}  // namespace headgate::api
