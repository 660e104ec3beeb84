#include "store/entry_bundle.h"

#include <fmt/core.h>

namespace headgate::store {

void append_entry(std::string& bundle, std::string_view record) {
  HEADGATE_CHECK(record.size() <= 0xffff);
  bundle.push_back(static_cast<char>(record.size() >> 8));
  bundle.push_back(static_cast<char>(record.size() & 0xff));
  bundle += record;
}

Result<void> read_entries(std::string_view bundle, std::uint64_t count,
                          const std::function<Result<void>(std::string_view record)>& visit) {
  for (std::uint64_t i = 0; i < count; ++i) {
    if (bundle.size() < 2) return fail(ErrorCode::corrupt, fmt::format("it ends after {} of {} records", i, count));
    const auto length = static_cast<std::size_t>(static_cast<std::uint8_t>(bundle[0])) << 8 |
                        static_cast<std::size_t>(static_cast<std::uint8_t>(bundle[1]));
    if (bundle.size() - 2 < length) return fail(ErrorCode::corrupt, fmt::format("its record {} is cut off", i));
    HEADGATE_TRY_VOID(visit(bundle.substr(2, length)));
    bundle.remove_prefix(2 + length);
  }
  if (!bundle.empty()) return fail(ErrorCode::corrupt, fmt::format("more follows its {} records", count));
  return {};
}

}  // namespace headgate::store
