// Target and Environment.
#include <fmt/core.h>

#include <algorithm>

#include "reconciler/documents_flow.h"
#include "reconciler/documents_kinds.h"
#include "reconciler/documents_text.h"
#include "reconciler/documents_variables.h"

namespace headgate::reconciler {
namespace {

constexpr std::size_t kMaxValueBytes = kMaxVariableBytes;

void read_commit(YamlReader& r, const YamlNode& node, std::string& out) {
  if (!r.is_scalar(node, "a commit")) return;
  const bool hex =
      std::ranges::all_of(node.text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (!hex || (node.text.size() != 40 && node.text.size() != 64)) {
    r.wrong_value(node, "the full id of a commit: 40 or 64 lower-case hexadecimal digits");
    return;
  }
  out = node.text;
}

void read_bounded_value(YamlReader& r, const YamlNode& node, std::string& out) {
  if (node.text.size() > kMaxValueBytes) {
    r.wrong_value(node, fmt::format("at most {} bytes", kMaxValueBytes));
    return;
  }
  read_value(r, node, out);
}

void read_artifacts(YamlReader& r, const YamlNode& node, StringMap& artifacts) {
  if (!r.is_map(node, "artifacts by name (a map)")) return;
  for (const auto [key, value] : YamlEntries(node)) {
    if (!is_variable_name(key.text)) {
      r.at(key, "wrong name of an artifact", quoted(key.text), "a letter, then up to 62 letters, digits, '_' and '-'");
      continue;
    }
    auto& reference = artifacts[std::string(key.text)];
    read_bounded_value(r, value, reference);
    if (reference.empty() && value.kind == YamlNode::Kind::scalar && value.text.empty()) {
      r.at(value, fmt::format("the artifact {} has no reference", quoted(key.text)));
    }
  }
}

void read_variables(YamlReader& r, const YamlNode& node, StringMap& variables) {
  if (!r.is_map(node, "variables by name (a map)")) return;
  std::map<std::string, std::string_view> folded;
  for (const auto [key, value] : YamlEntries(node)) {
    if (!is_variable_name(key.text)) {
      r.at(key, "wrong name of a variable", quoted(key.text), "a letter, then up to 62 letters, digits, '_' and '-'");
      continue;
    }
    const auto [first, is_new] = folded.emplace(environment_name(key.text), key.text);
    if (!is_new && first->second != key.text) {
      r.at(key,
           fmt::format("the variables {} and {} have the same name in the environment of a command",
                       quoted(first->second), quoted(key.text)),
           "", "names that differ by more than case and '-'");
    }
    read_bounded_value(r, value, variables[std::string(key.text)]);
  }
}

void read_release(YamlReader& r, const YamlNode& node, Release& release) {
  Fields f(r, node, "a release");
  f.required("version", &YamlReader::version, release.version);
  f.optional("commit", read_commit, release.commit);
  f.optional("artifacts", read_artifacts, release.artifacts);
}

}  // namespace

void read_target(YamlReader& r, const YamlNode& spec, Target& target) {
  Fields f(r, spec, "a target's spec");
  f.required("service", &YamlReader::name, target.id.service);
  f.required("environment", &YamlReader::name, target.id.environment);
  f.required("release", read_release, target.release);
  f.optional("variables", read_variables, target.variables);
  f.optional("variablesFrom", read_variables_from, target);
  f.optional("suspend", &YamlReader::boolean, target.suspend);
  f.optional("onDelete", [&](YamlReader& reader, const YamlNode& value) {
    OnDelete on_delete{};
    if (reader.word(value, on_delete)) target.on_delete = on_delete;
  });
}

void read_environment(YamlReader& r, const YamlNode& spec, Environment& environment) {
  Fields f(r, spec, "an environment's spec");
  f.required("driver", read_driver, environment.driver);
  f.optional("observeEvery", &YamlReader::positive_duration, environment.observe_every);
  f.optional("traffic", read_traffic, environment);
  f.optional("prometheus", read_prometheus, environment);
  f.optional("windows", read_windows, environment.windows);
  f.optional("maintenance", read_maintenance, environment.maintenance);
  f.optional("monitors", read_monitors, environment.monitors);
  f.optional("maxConcurrent", read_concurrency, environment.max_concurrent);
  f.optional("selfHeal", read_self_heal, environment.self_heal);
  f.optional("ignoreDifferences", read_ignore_differences, environment.ignore_differences);
  const bool located = f.optional("locations", read_locations, environment.locations);
  f.optional("onLocationFailure", [&](YamlReader& reader, const YamlNode& value) {
    OnLocationFailure rule{};
    if (reader.word(value, rule)) environment.on_location_failure = rule;
    if (!located) reader.at(value, "onLocationFailure of an environment without locations", "", "locations beside it");
  });
  if (!located) {
    for (const auto* field : {"driver", "traffic"}) {
      refuse_location(r, f.value_of(field), "this environment has no locations");
    }
  }
  f.optional("overrun", [&](YamlReader& reader, const YamlNode& value) {
    bool overrun = true;
    if (reader.boolean(value, overrun)) environment.overrun = overrun;
  });
  f.optional("retention", [&](YamlReader& reader, const YamlNode& node) {
    Fields retention(reader, node, "a retention");
    retention.optional("blobs", [&](YamlReader& inner, const YamlNode& value) {
      Duration blobs{};
      if (inner.positive_duration(value, blobs)) environment.blob_retention = blobs;
    });
    retention.at_least_one_of({"blobs"});
  });
}

}  // namespace headgate::reconciler
