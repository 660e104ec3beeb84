// Reads the query of a request into typed values and remembers everything that is wrong with it, parameters that nobody
// asked for among them, so that a mistyped filter is an error and not a longer answer.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http.h"
#include "engine/domain/time.h"

namespace headgate::api {

class QueryReader {
 public:
  // `query` must outlive the reader. min_position, which every route takes, is known to it.
  explicit QueryReader(const Fields& query);

  // A parameter that is sent empty counts as absent.
  std::optional<std::string> text(std::string_view name);
  std::optional<std::uint64_t> number(std::string_view name, std::uint64_t min = 0,
                                      std::uint64_t max = std::numeric_limits<std::uint64_t>::max());
  std::optional<bool> flag(std::string_view name);
  std::optional<Timestamp> time(std::string_view name);

  void refuse(std::string_view name, std::string found, std::string expected);
  Result<void> finish() const;  // invalid_input with every error

 private:
  const Fields& query_;
  std::vector<std::string> asked_{"min_position"};
  std::vector<FieldError> errors_;
};

}  // namespace headgate::api
