// What an Environment says of drift.
#include <fmt/core.h>

#include <algorithm>

#include "reconciler/documents_kinds.h"
#include "reconciler/documents_text.h"

namespace headgate::reconciler {
namespace {

constexpr std::size_t kMaxIgnored = 64;

}  // namespace

void read_self_heal(YamlReader& r, const YamlNode& node, std::optional<SelfHealRule>& out) {
  bool mends = true;
  if (r.boolean(node, mends)) out = SelfHealRule{mends, node.place.line};
}

void read_ignore_differences(YamlReader& r, const YamlNode& node, std::vector<std::string>& out) {
  if (!r.is_list(node, "a list of the names of variables")) return;
  for (const auto& item : YamlItems(node)) {
    std::string name;
    if (!r.line_of_text(item, name)) continue;
    if (!is_variable_name(name)) {
      r.wrong_value(item, "the name of a variable: a letter, then letters, digits, '_' and '-'");
    } else if (std::ranges::find(out, name) != out.end()) {
      r.at(item, fmt::format("the variable {} is there twice", quoted(name)));
    } else {
      out.push_back(std::move(name));
    }
  }
  if (node.size > kMaxIgnored) r.wrong_value(node, fmt::format("at most {} variables", kMaxIgnored));
}

}  // namespace headgate::reconciler
