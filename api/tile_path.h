// Names of hash tiles as c2sp.org/tlog-tiles writes them: <level>/<number>[.p/<width>], the number in groups of three
// digits, all but the last beginning with x: 1234067 is x001/x234/067.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace headgate::api {

struct TilePath {
  unsigned level = 0;
  std::uint64_t number = 0;
  unsigned width = 256;  // less than that: a partial tile
};

std::optional<TilePath> parse_tile_path(std::string_view path);  // what follows /tile/; one text per tile

}  // namespace headgate::api
