// The places of an environment that has several.
#include <fmt/core.h>

#include <algorithm>

#include "engine/domain/locations.h"
#include "reconciler/documents_kinds.h"
#include "reconciler/documents_text.h"

namespace headgate::reconciler {
namespace {

constexpr std::uint32_t kMaxWave = 100;

void read_location(YamlReader& r, const YamlNode& node, Location& location) {
  Fields f(r, node, "a location");
  location.line = node.place.line;
  f.required("name", &YamlReader::name, location.name);
  f.optional("standby", &YamlReader::boolean, location.standby);
  const bool in_wave = f.optional(
      "wave", [&](YamlReader& reader, const YamlNode& value) { reader.number(value, location.wave, 1, kMaxWave); });
  f.optional("driver",
             [&](YamlReader& reader, const YamlNode& value) { read_driver(reader, value, location.driver.emplace()); });
  if (location.standby && in_wave) {
    r.at(*f.value_of("wave"), fmt::format("location {} is on standby and in a wave", quoted(location.name)), "",
         "one of wave and standby: a location on standby is promoted on demand");
  } else if (!location.standby && !in_wave) {
    r.at(node, fmt::format("location {} is in no wave", quoted(location.name)), "",
         "wave: 1 or more, or standby: true");
  }
}

}  // namespace

const YamlNode* mention_of_location(const YamlNode& node) {
  if (node.kind == YamlNode::Kind::scalar) {
    return node.text.find("${location}") == std::string_view::npos ? nullptr : &node;
  }
  for (const auto& item : YamlItems(node)) {
    if (const auto* found = mention_of_location(item)) return found;
  }
  for (const auto [key, value] : YamlEntries(node)) {
    if (const auto* found = mention_of_location(value)) return found;
  }
  return nullptr;
}

void refuse_location(YamlReader& r, const YamlNode* node, std::string_view why) {
  const auto* found = node == nullptr ? nullptr : mention_of_location(*node);
  if (found != nullptr) r.at(*found, std::string(why), quoted(found->text), "a text without ${location}");
}

void read_locations(YamlReader& r, const YamlNode& node, std::vector<Location>& locations) {
  std::vector<const YamlNode*> nodes;
  const bool is_list = r.list(node, locations, [&](YamlReader& reader, const YamlNode& item, Location& location) {
    nodes.push_back(&item);
    read_location(reader, item, location);
  });
  if (!is_list) return;
  if (locations.empty() || locations.size() > max_locations) {
    r.wrong_value(node, fmt::format("1 to {} locations", max_locations));
    return;
  }
  for (std::size_t i = 0; i < locations.size(); ++i) {
    const auto first = std::ranges::find(locations, locations[i].name, &Location::name);
    if (locations[i].name.empty() || first == locations.begin() + static_cast<std::ptrdiff_t>(i)) continue;
    r.at(*nodes[i], fmt::format("location {} is there twice", quoted(locations[i].name)), "",
         fmt::format("it once; the other is in line {}", first->line));
  }
  if (std::ranges::all_of(locations, &Location::standby)) {
    r.at(node, "every location is on standby, so that nothing would ever be promoted", "",
         "a wave for one location at least");
  }
}

}  // namespace headgate::reconciler
