#include "engine/base/tile_path.h"

#include <charconv>

namespace headgate {
namespace {

// Digits without a leading zero, at most `max`.
std::optional<unsigned> small_number(std::string_view text, unsigned max) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (number > max || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  return number;
}

// <number>[.p/<width>] into `tile`.
bool read_number(std::string_view path, TilePath& tile) {
  if (const auto partial = path.find(".p/"); partial != std::string_view::npos) {
    const auto width = small_number(path.substr(partial + 3), 255);
    if (!width || *width == 0) return false;
    tile.width = *width;
    path = path.substr(0, partial);
  }
  std::string digits;
  while (true) {
    const auto end = path.find('/');
    const bool last = end == std::string_view::npos;
    auto group = path.substr(0, end);
    if (!last) {
      if (!group.starts_with('x')) return false;
      group.remove_prefix(1);
    }
    if (group.size() != 3 || group.find_first_not_of("0123456789") != std::string_view::npos) return false;
    if (!last && digits.empty() && group == "000") return false;
    digits += group;
    if (last) break;
    path.remove_prefix(end + 1);
  }
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), tile.number);
  return error == std::errc{} && end == digits.data() + digits.size();
}

std::string number_text(const TilePath& tile) {
  auto digits = std::to_string(tile.number);
  digits.insert(0, (3 - digits.size() % 3) % 3, '0');
  std::string text;
  for (; digits.size() > 3; digits.erase(0, 3)) text += "x" + digits.substr(0, 3) + "/";
  text += digits;
  return tile.width == 256 ? text : text + ".p/" + std::to_string(tile.width);
}

}  // namespace

std::optional<TilePath> parse_tile_path(std::string_view path) {
  const auto slash = path.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto level = small_number(path.substr(0, slash), 63);
  TilePath tile;
  if (!level || !read_number(path.substr(slash + 1), tile)) return std::nullopt;
  tile.level = *level;
  return tile;
}

std::optional<TilePath> parse_entries_path(std::string_view path) {
  TilePath tile;
  return read_number(path, tile) ? std::optional(tile) : std::nullopt;
}

std::string tile_path(const TilePath& tile) {
  return "tile/" + std::to_string(tile.level) + "/" + number_text(tile);
}

std::string entries_path(const TilePath& tile) {
  return "tile/entries/" + number_text(tile);
}

}  // namespace headgate
