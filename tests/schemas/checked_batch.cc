// Takes the place of store/batch.cc in every test program that has a log, whatever its kind: each record that is about
// to be appended is held against the published schema of its type first.
#include <cstdio>
#include <cstdlib>

#include "store/codec.h"
#include "tests/schemas/record_checker.h"

namespace headgate::store {
namespace {

void checked_encode(std::string& out, std::string_view origin, const Recorded<Event>& record) {
  const auto begin = out.size();
  encode(out, origin, record);
  const auto text = std::string_view(out).substr(begin);
  if (const auto problem = schemas::problem_of(text); !problem.empty()) {
    std::fprintf(stderr, "a record is not what its schema says: %s\n%.*s\n", problem.c_str(),
                 static_cast<int>(text.size()), text.data());
    std::abort();
  }
}

}  // namespace
}  // namespace headgate::store

#define encode checked_encode
#include "store/batch.cc"  // NOLINT(bugprone-suspicious-include): the same code, over the function above
