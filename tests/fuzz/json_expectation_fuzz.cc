// Any bytes as a JSON body that an http check has something to expect of: a line with the pointer, a line with what
// should stand there, and the body.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/utf8.h"
#include "reconciler/json_expectation.h"

namespace {

std::string_view take_line(std::string_view& text) {
  const auto line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate;
  std::string_view body(reinterpret_cast<const char*>(data), size);
  const std::string pointer(take_line(body));
  const std::string equals(take_line(body));
  if (!is_utf8(pointer) || !is_utf8(equals)) return 0;  // a document holds nothing else
  const auto problem = reconciler::json_problem({pointer, equals}, body);
  if (!is_utf8(problem) || problem.size() > pointer.size() + equals.size() + 500) __builtin_trap();
  if (!problem.empty()) return 0;
  if (!reconciler::is_json_pointer(pointer)) __builtin_trap();
  // What stands there is one value: it is not the same text with more behind it.
  if (reconciler::json_problem({pointer, equals + "x"}, body).empty()) __builtin_trap();
  return 0;
}
