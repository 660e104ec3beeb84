// Any bytes as the name of a tile: each tile has one.
#include <cstddef>
#include <cstdint>
#include <string>

#include "engine/base/tile_path.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate;
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto tile = parse_tile_path(text); tile && tile_path(*tile) != "tile/" + text) __builtin_trap();
  if (const auto entries = parse_entries_path(text); entries && entries_path(*entries) != "tile/entries/" + text) {
    __builtin_trap();
  }
  return 0;
}
