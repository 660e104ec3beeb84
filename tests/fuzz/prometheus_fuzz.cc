// Any bytes as what Prometheus answers to a query.
#include <cstddef>
#include <cstdint>
#include <string>

#include "reconciler/prometheus.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate;
  const auto value = reconciler::parse_query_answer(std::string(reinterpret_cast<const char*>(data), size));
  if (!value) {
    if (!value.error().message.starts_with("Prometheus ")) __builtin_trap();
    return 0;
  }
  if (!value->has_value()) return 0;
  if (!is_decimal((*value)->text)) __builtin_trap();
  // The same number as a scalar.
  const auto again = reconciler::parse_query_answer(
      R"({"status":"success","data":{"resultType":"scalar","result":[0,")" + (*value)->text + R"("]}})");
  if (!again || *again != *value) __builtin_trap();
  return 0;
}
