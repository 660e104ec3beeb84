#include "api/tile_path.h"

#include <charconv>
#include <string>

namespace headgate::api {
namespace {

// Digits without a leading zero, at most `max`.
std::optional<unsigned> small_number(std::string_view text, unsigned max) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (number > max || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  return number;
}

}  // namespace

std::optional<TilePath> parse_tile_path(std::string_view path) {
  TilePath tile;
  const auto slash = path.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto level = small_number(path.substr(0, slash), 63);
  if (!level) return std::nullopt;
  tile.level = *level;
  path.remove_prefix(slash + 1);

  if (const auto partial = path.find(".p/"); partial != std::string_view::npos) {
    const auto width = small_number(path.substr(partial + 3), 255);
    if (!width || *width == 0) return std::nullopt;
    tile.width = *width;
    path = path.substr(0, partial);
  }

  std::string digits;
  while (true) {
    const auto end = path.find('/');
    const bool last = end == std::string_view::npos;
    auto group = path.substr(0, end);
    if (!last) {
      if (!group.starts_with('x')) return std::nullopt;
      group.remove_prefix(1);
    }
    if (group.size() != 3 || group.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
    if (!last && digits.empty() && group == "000") return std::nullopt;
    digits += group;
    if (last) break;
    path.remove_prefix(end + 1);
  }
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), tile.number);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return tile;
}

}  // namespace headgate::api
