#include "api/names_view.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace headgate::api {

std::string Names::name_of(std::string_view id) const {
  if (!visible_) return {};
  if (id.starts_with("person:")) {
    auto person = people_.find(id);
    return person ? std::move(person->name) : std::string();
  }
  if (id.starts_with("token:")) return people_.token_name(id).value_or(std::string());
  return {};
}

std::vector<std::string> Names::ids_of(std::string_view name, const std::vector<std::string>& tokens) const {
  std::vector<std::string> ids;
  if (!visible_ || name.empty()) return ids;
  for (auto& person : people_.list()) {
    if (person.name == name) ids.push_back(std::move(person.id));
  }
  if (!ids.empty()) return ids;
  std::ranges::copy_if(tokens, std::back_inserter(ids),
                       [&](const std::string& id) { return people_.token_name(id) == name; });
  return ids;
}

void Names::write(JsonWriter& json, std::string_view id) const {
  if (id.empty()) {
    json.value(nullptr);
    return;
  }
  json.begin_object().field("id", id);
  if (const auto name = name_of(id); !name.empty()) json.field("name", name);
  json.end_object();
}

std::string Names::in_text(std::string_view text) const {
  if (!visible_) return std::string(text);
  std::string out;
  while (!text.empty()) {
    const auto at = std::min(text.find("person:"), text.find("token:"));
    if (at == std::string_view::npos) break;
    out += text.substr(0, at);
    text.remove_prefix(at);
    const auto colon = text.find(':');
    const auto end = text.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyz", colon + 1);
    const auto id = text.substr(0, end);
    const auto name = name_of(id);
    out += name.empty() ? id : std::string_view(name);
    text.remove_prefix(id.size());
  }
  out += text;
  return out;
}

}  // namespace headgate::api
