// Any bytes as an entry bundle: what can be read is what its records make again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "store/entry_bundle.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate::store;
  if (size == 0) return 0;
  const auto count = std::min<std::uint64_t>(data[0], 256);
  const std::string_view bundle(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string again;
  std::uint64_t records = 0;
  const auto read = read_entries(bundle, count, [&](std::string_view record) -> headgate::Result<void> {
    append_entry(again, record);
    ++records;
    return {};
  });
  // As far as it was read it is what stands there, and all of it when nothing was wrong.
  if (!bundle.starts_with(again) || records > count) __builtin_trap();
  if (read && (again != bundle || records != count)) __builtin_trap();
  return 0;
}
