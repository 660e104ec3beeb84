#include "reconciler/documents_flow.h"

#include <fmt/core.h>

#include <algorithm>

namespace headgate::reconciler {
namespace {

constexpr std::size_t kMaxTriggers = 8;
constexpr std::size_t kMaxPaths = 64;
constexpr std::size_t kMaxDependencies = 64;

void read_path(YamlReader& r, const YamlNode& node, std::string& path) {
  std::string text;
  if (!r.line_of_text(node, text)) return;
  if (text.starts_with('/') || text.starts_with("./") || text.ends_with('/') || text.find("//") != std::string::npos) {
    r.wrong_value(node, "a pattern of paths inside the repository, such as gateway/**");
    return;
  }
  path = std::move(text);
}

void read_pattern(YamlReader& r, const YamlNode& node, std::string& pattern) {
  std::string text;
  if (!r.line_of_text(node, text)) return;
  if (text.find_first_of(" \t~^:\\[") != std::string::npos || text.size() > 200) {
    r.wrong_value(node, "a pattern of tags, such as \"v*.*.*\"");
    return;
  }
  pattern = std::move(text);
}

void read_branch(YamlReader& r, const YamlNode& node, std::string& branch) {
  std::string text;
  if (!r.line_of_text(node, text)) return;
  if (text.find_first_of(" \t~^:\\[*?") != std::string::npos || text.size() > 200) {
    r.wrong_value(node, "the name of one branch, such as main");
    return;
  }
  branch = std::move(text);
}

void read_trigger(YamlReader& r, const YamlNode& node, StageTrigger& trigger) {
  trigger.line = node.place.line;
  if (node.kind == YamlNode::Kind::scalar && node.text == "desired") return;
  Fields f(r, node, "a trigger");
  f.exactly_one_of({"branch", "tag", "after", "manual", "schedule"});
  if (f.optional("branch", read_branch, trigger.branch)) trigger.kind = Trigger::branch;
  if (f.optional("tag", read_pattern, trigger.tag)) trigger.kind = Trigger::tag;
  if (f.optional("after", &YamlReader::name, trigger.after)) trigger.kind = Trigger::after;
  if (f.optional("schedule", read_schedule, trigger.schedule)) trigger.kind = Trigger::schedule;
  const bool manual = f.optional("manual", [](YamlReader& reader, const YamlNode& value) {
    bool by_hand = true;
    if (reader.boolean(value, by_hand) && !by_hand) reader.wrong_value(value, "true, or no trigger at all");
  });
  if (manual) trigger.kind = Trigger::manual;
  if (f.optional("soak", &YamlReader::duration, trigger.soak) && f.value_of("after") == nullptr && f.is_map()) {
    r.at(*f.value_of("soak"), "nothing to soak", "", "'after' beside it: {after: staging, soak: 1h}");
  }
}

}  // namespace

void read_source(YamlReader& r, const YamlNode& node, std::optional<ServiceSource>& source) {
  ServiceSource read;
  read.line = node.place.line;
  Fields f(r, node, "a source");
  f.required("repository", &YamlReader::name, read.repository);
  f.optional("paths", [&](YamlReader& reader, const YamlNode& list) {
    if (!reader.list(list, read.paths, read_path)) return;
    if (read.paths.empty() || read.paths.size() > kMaxPaths) {
      reader.wrong_value(list, fmt::format("1 to {} patterns, or no 'paths' for everything", kMaxPaths));
    }
  });
  source = std::move(read);
}

void read_depends_on(YamlReader& r, const YamlNode& node, std::vector<Dependency>& depends_on) {
  std::vector<std::string> names;
  std::vector<const YamlNode*> nodes;
  if (!r.names(node, names, &nodes)) return;
  if (names.size() > kMaxDependencies) r.wrong_value(node, fmt::format("at most {} services", kMaxDependencies));
  for (std::size_t i = 0; i < names.size(); ++i) depends_on.push_back({names[i], nodes[i]->place.line});
}

void read_triggers(YamlReader& r, const YamlNode& node, std::vector<StageTrigger>& triggers) {
  if (node.kind != YamlNode::Kind::list) {
    read_trigger(r, node, triggers.emplace_back());
    return;
  }
  if (!r.list(node, triggers, read_trigger)) return;
  if (triggers.empty() || triggers.size() > kMaxTriggers) {
    r.wrong_value(node, fmt::format("1 to {} triggers", kMaxTriggers));
    return;
  }
  std::size_t i = 0;
  for (const auto& item : YamlItems(node)) {
    const auto& trigger = triggers[i];
    if (trigger.kind == Trigger::manual) {
      r.at(item, "'manual' among other triggers: nothing else would be a wish", "",
           "it alone, or the others without it");
    }
    const auto same = std::ranges::find_if(
        triggers.begin(), triggers.begin() + static_cast<std::ptrdiff_t>(i), [&](const StageTrigger& other) {
          return other.kind == trigger.kind && other.branch == trigger.branch && other.tag == trigger.tag &&
                 other.after == trigger.after && other.schedule == trigger.schedule;
        });
    if (same != triggers.begin() + static_cast<std::ptrdiff_t>(i)) {
      r.at(item, "a trigger that is there twice", "", fmt::format("it once; line {} has it already", same->line));
    }
    if (trigger.kind == Trigger::schedule && std::ranges::count(triggers, Trigger::schedule, &StageTrigger::kind) > 1) {
      r.at(item, "more than one schedule for this stage", "",
           "one; a schedule may hold several times: \"0 6,18 * * 1\"");
    }
    ++i;
  }
}

void read_supersede(YamlReader& r, const YamlNode& node, std::optional<Supersede>& supersede) {
  Supersede read{};
  if (r.word(node, read)) supersede = read;
}

void read_concurrency(YamlReader& r, const YamlNode& node, std::optional<ConcurrencyRule>& rule) {
  ConcurrencyRule read;
  read.line = node.place.line;
  r.number(node, read.max, 1, 10'000);
  rule = read;
}

}  // namespace headgate::reconciler
