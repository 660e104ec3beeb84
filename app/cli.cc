#include "app/cli.h"

#include <cstdio>

namespace headgate::app {

int exit_code_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::invalid_input:
    case ErrorCode::too_large:
      return exit_usage;
    case ErrorCode::unauthenticated:
    case ErrorCode::forbidden:
      return exit_forbidden;
    case ErrorCode::not_found:
    case ErrorCode::conflict:
    case ErrorCode::corrupt:
      return exit_no;
    case ErrorCode::unavailable:
    case ErrorCode::timed_out:
    case ErrorCode::io:
      return exit_unreachable;
  }
  return exit_usage;
}

int report(const Error& error) {
  std::fprintf(stderr, "headgate: %s\n", error.message.c_str());
  for (const auto& field : error.fields) {
    if (!field.pointer.empty() && error.message.find(field.pointer) != std::string::npos)
      continue;  // the message says it already
    std::fprintf(stderr, "  %s: found %s, expected %s\n", field.pointer.c_str(), field.found.c_str(),
                 field.expected.c_str());
  }
  return exit_code_of(error);
}

}  // namespace headgate::app
