// Names and contents of a mirror's files. Only mirror*.cc include this.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "store/merkle_tree.h"

namespace headgate::store {

// x001/x234/067 for 1234067.
std::string tile_number(std::uint64_t number);
// tile/<level or "entries">/<number>, and .p/<width> behind it when it is not full.
std::string tile_file(std::string_view level, std::uint64_t number, std::uint64_t width);

void append_entry(std::string& bundle, std::string_view record);
// Calls `visit` for each record of a bundle. corrupt unless there are exactly `count`.
Result<void> read_entries(std::string_view bundle, std::uint64_t count,
                          const std::function<Result<void>(std::string_view record)>& visit);

}  // namespace headgate::store
