// Entry bundles (c2sp.org/tlog-tiles): the records of one tile, each after its length (uint16, big-endian).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "engine/domain/error.h"

namespace headgate::store {

void append_entry(std::string& bundle, std::string_view record);
// Calls `visit` for each record of a bundle. corrupt unless there are exactly `count`.
Result<void> read_entries(std::string_view bundle, std::uint64_t count,
                          const std::function<Result<void>(std::string_view record)>& visit);

}  // namespace headgate::store
