// check_records: reads records from standard input, one a line, and holds each against the schema of its type. Exit
// code 0 when there is at least one and all of them fit.
#include <cstdio>
#include <iostream>
#include <string>

#include "tests/schemas/record_checker.h"

int main() {
  std::size_t records = 0;
  std::size_t wrong = 0;
  for (std::string line; std::getline(std::cin, line);) {
    if (line.empty()) continue;
    ++records;
    const auto problem = headgate::schemas::problem_of(line);
    if (problem.empty()) continue;
    ++wrong;
    std::fprintf(stderr, "%s\n%s", line.c_str(), problem.c_str());
  }
  std::printf("%zu records, %zu of them not what their schemas say\n", records, wrong);
  return records > 0 && wrong == 0 ? 0 : 1;
}
