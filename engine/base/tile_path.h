// Names of tiles as c2sp.org/tlog-tiles writes them: <level>/<number>[.p/<width>] of hashes,
// entries/<number>[.p/<width>] of records; the number in groups of three digits, all but the last beginning with x:
// 1234067 is x001/x234/067.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headgate {

struct TilePath {
  unsigned level = 0;  // 0 to 63; of entry bundles 0
  std::uint64_t number = 0;
  unsigned width = 256;  // less than that: a partial tile
  bool operator==(const TilePath&) const = default;
};

// One text a tile: nothing for any other.
std::optional<TilePath> parse_tile_path(std::string_view path);     // what follows /tile/
std::optional<TilePath> parse_entries_path(std::string_view path);  // what follows /tile/entries/

std::string tile_path(const TilePath& tile);     // tile/…
std::string entries_path(const TilePath& tile);  // tile/entries/…

}  // namespace headgate
