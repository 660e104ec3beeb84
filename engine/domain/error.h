// What can go wrong in the world, as a value. A bug is not an Error: it is a HEADGATE_CHECK.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <expected>
#include <string>
#include <utility>
#include <vector>

namespace headgate {

enum class ErrorCode : std::uint8_t {
  invalid_input,    // the caller's text or arguments are wrong: HTTP 400/422, exit 2
  unauthenticated,  // HTTP 401, exit 4
  forbidden,        // HTTP 403, exit 4
  not_found,        // HTTP 404
  conflict,         // the thing is in another state than the caller believes: HTTP 409
  too_large,        // over a stated limit: HTTP 413
  unavailable,      // try again later: HTTP 503, exit 3
  timed_out,        // a stated time ran out
  io,               // the operating system or a peer failed
  corrupt,          // stored bytes are not what was written
};

// One place in the input that is wrong. `pointer` is a JSON pointer (RFC 6901) or a field name.
struct FieldError {
  std::string pointer;
  std::string found;
  std::string expected;
  bool operator==(const FieldError&) const = default;
};

struct Error {
  ErrorCode code = ErrorCode::invalid_input;
  std::string message;  // what was found, what was expected, what to do next; no trailing full stop
  std::vector<FieldError> fields{};
  bool operator==(const Error&) const = default;
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(ErrorCode code, std::string message, std::vector<FieldError> fields = {}) {
  return std::unexpected(Error{code, std::move(message), std::move(fields)});
}

[[noreturn]] inline void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: check failed: %s\n", file, line, condition);
  std::abort();
}

}  // namespace headgate

// Always on: only a bug in Headgate can make it fail.
#define HEADGATE_CHECK(condition) \
  (static_cast<bool>(condition) ? static_cast<void>(0) : ::headgate::check_failed(#condition, __FILE__, __LINE__))

#define HEADGATE_CONCAT_(a, b) a##b
#define HEADGATE_CONCAT(a, b) HEADGATE_CONCAT_(a, b)
#define HEADGATE_TRY_(result, declaration, expression)            \
  auto result = (expression);                                     \
  if (!result) return std::unexpected(std::move(result).error()); \
  declaration = std::move(*result)

// HEADGATE_TRY(auto page, log.read(after, limit)): the value, or return the error to the caller.
#define HEADGATE_TRY(declaration, ...) HEADGATE_TRY_(HEADGATE_CONCAT(try_result_, __LINE__), declaration, (__VA_ARGS__))

// HEADGATE_TRY_VOID(file.sync()): for Result<void>.
#define HEADGATE_TRY_VOID(...) \
  if (auto try_void_ = (__VA_ARGS__); !try_void_) return std::unexpected(std::move(try_void_).error())
