// How a stage brings a release in, and what is measured meanwhile.
#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "reconciler/documents_kinds.h"
#include "reconciler/documents_text.h"

namespace headgate::reconciler {
namespace {

constexpr std::size_t kMaxCanarySteps = 32;
constexpr std::size_t kMaxMetrics = 32;
constexpr std::size_t kMaxAnalysis = 8;  // metrics of one strategy: each pause holds them all
constexpr std::size_t kMaxQueryBytes = 2048;
constexpr std::size_t kMaxPreviewChecks = 16;

void read_pause(YamlReader& r, const YamlNode& node, std::optional<Duration>& out) {
  Fields f(r, node, "a pause");
  Duration duration{};
  if (f.optional("duration", &YamlReader::positive_duration, duration)) out = duration;
}

void read_canary_step(YamlReader& r, const YamlNode& node, CanaryStep& step) {
  Fields f(r, node, "a canary step");
  step.line = node.place.line;
  f.optional("setWeight", [&](YamlReader& reader, const YamlNode& value) {
    std::uint32_t weight = 0;
    if (reader.number(value, weight, 1, 100)) step.weight = weight;
  });
  f.optional("pause", read_pause, step.pause);
  f.exactly_one_of({"setWeight", "pause"});
}

const YamlNode* field_of(const YamlNode& map, std::string_view field) {
  for (const auto [key, value] : YamlEntries(map)) {
    if (key.text == field) return &value;
  }
  return nullptr;
}

// Weights are absolute: each is more than the one before, and the last one gives all traffic to the candidate. A pause
// may come after it: what ran before is retired only when that is over.
void check_weights(YamlReader& r, const YamlNode& node, const std::vector<CanaryStep>& steps) {
  std::uint32_t before = 0;
  std::size_t i = 0;
  const YamlNode* last = &node;
  for (const auto& item : YamlItems(node)) {
    const auto& step = steps[i++];
    last = &item;
    if (!step.weight) continue;
    if (*step.weight <= before) {
      r.at(*field_of(item, "setWeight"), "weights must rise", fmt::format("{} after {}", *step.weight, before),
           fmt::format("more than {}", before));
    }
    before = std::max(before, *step.weight);
  }
  if (steps.empty()) {
    r.wrong_value(node, "at least one step");
  } else if (before < 100 && (steps.back().weight || field_of(*last, "pause") != nullptr)) {
    r.at(*last, "the steps do not bring all traffic", "", "setWeight: 100 as the last weight");
  }
  if (steps.size() > kMaxCanarySteps) r.wrong_value(node, fmt::format("at most {} steps", kMaxCanarySteps));
}

void read_analysis_names(YamlReader& r, const YamlNode& node, std::vector<std::string>& names, StageNodes& nodes) {
  r.names(node, names, &nodes.analysis);
  if (names.size() > kMaxAnalysis) r.wrong_value(node, fmt::format("at most {} metrics", kMaxAnalysis));
}

void read_canary(YamlReader& r, const YamlNode& node, Canary& canary, StageNodes& nodes) {
  Fields f(r, node, "a canary strategy");
  f.required("steps", [&](YamlReader& reader, const YamlNode& value) {
    if (reader.list(value, canary.steps, read_canary_step)) check_weights(reader, value, canary.steps);
  });
  f.optional("analysis", read_analysis_names, canary.analysis, nodes);
  const bool pauses = std::ranges::any_of(canary.steps, [](const CanaryStep& step) { return !step.weight; });
  if (!canary.analysis.empty() && !pauses) {
    r.at(*f.value_of("analysis"), "nothing is measured: no step pauses", "", "a pause among the steps");
  }
}

void read_blue_green(YamlReader& r, const YamlNode& node, BlueGreen& blue_green, Stage& stage, StageNodes& nodes) {
  Fields f(r, node, "a blueGreen strategy");
  blue_green.line = node.place.line;
  f.optional("verifyPreview", [&](YamlReader& reader, const YamlNode& value) {
    if (!reader.list(value, stage.verify_preview, read_check)) return;
    std::size_t i = 0;
    for (const auto& item : YamlItems(value)) {
      const auto* name = field_of(item, "name");
      nodes.steps.emplace_back(stage.verify_preview[i++].name, name != nullptr ? name : &item);
    }
    if (i > kMaxPreviewChecks) reader.wrong_value(value, fmt::format("at most {} checks", kMaxPreviewChecks));
  });
  f.optional("approveSwitch", &YamlReader::boolean, blue_green.approve_switch);
  nodes.approve_switch = blue_green.approve_switch ? f.value_of("approveSwitch") : nullptr;
  f.optional("observe", &YamlReader::positive_duration, blue_green.observe);
  f.optional("analysis", read_analysis_names, blue_green.analysis, nodes);
  f.optional("keepOld", &YamlReader::positive_duration, blue_green.keep_old);
  if (!blue_green.analysis.empty() && blue_green.observe == Duration::zero()) {
    r.at(*f.value_of("analysis"), "nothing is measured without a time to observe", "", "observe: 10m, or another time");
  }
}

void read_rolling(YamlReader& r, const YamlNode& node, Rolling& rolling) {
  Fields f(r, node, "a rolling strategy");
  rolling.line = node.place.line;
  f.required("batch", [&](YamlReader& reader, const YamlNode& value) {
    if (!reader.is_scalar(value, "a percentage such as 25%")) return;
    if (!value.text.empty() && std::ranges::all_of(value.text, [](char c) { return c >= '0' && c <= '9'; })) {
      reader.at(value, "a count of instances is not supported by this version", quoted(value.text),
                "a percentage such as 25%: the command driver does not say how many instances there are");
      return;
    }
    std::uint32_t percent = 0;
    const auto digits = value.text.substr(0, value.text.size() - std::min<std::size_t>(1, value.text.size()));
    const bool good = value.text.ends_with('%') && !digits.empty() && digits.size() <= 3 &&
                      std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
    for (const char c : digits) percent = good ? percent * 10 + static_cast<std::uint32_t>(c - '0') : 0;
    if (percent < 5 || percent > 100) {
      reader.wrong_value(value, "5% to 100%");
      return;
    }
    rolling.percent = percent;
  });
  f.optional("pause", &YamlReader::positive_duration, rolling.pause);
}

// Values are escaped for literals in double and single quotes. Elsewhere they would be a piece of the query.
bool check_literals(YamlReader& r, const YamlNode& node, std::string_view query) {
  char literal = 0;  // the quote that it began with
  bool comment = false;
  for (std::size_t i = 0; i < query.size(); ++i) {
    const char c = query[i];
    if (query.substr(i).starts_with("${") && literal != '"' && literal != '\'') {
      const auto name = query.substr(i, query.find('}', i) - i + 1);
      r.at(node, literal == '`' ? "a placeholder between backquotes" : "a placeholder outside of quotes", quoted(name),
           "it within a text in double or single quotes, where its value is escaped");
      return false;
    }
    if (comment) {
      comment = c != '\n';
    } else if (literal == 0) {
      comment = c == '#';
      if (c == '"' || c == '\'' || c == '`') literal = c;
    } else if (c == '\\' && literal != '`') {
      ++i;
    } else if (c == literal) {
      literal = 0;
    }
  }
  return true;
}

void read_query(YamlReader& r, const YamlNode& node, std::string& query) {
  std::string text;
  if (!read_template(r, node, text) || !check_literals(r, node, text)) return;
  if (text.empty() || text.size() > kMaxQueryBytes) {
    r.wrong_value(node, fmt::format("a query of at most {} bytes", kMaxQueryBytes));
    return;
  }
  query = std::move(text);
}

void read_bound(YamlReader& r, const YamlNode& node, std::optional<Decimal>& out) {
  Decimal decimal;
  if (r.decimal(node, decimal)) out = std::move(decimal);
}

void read_baseline(YamlReader& r, const YamlNode& node, std::optional<Baseline>& out) {
  auto& baseline = out.emplace();
  Fields f(r, node, "a baseline");
  f.optional("against", [](YamlReader& reader, const YamlNode& value) { reader.only(value, "stable"); });
  f.optional("window", [&](YamlReader& reader, const YamlNode& value) {
    Duration window{};
    if (reader.positive_duration(value, window)) baseline.window = window;
  });
  f.exactly_one_of({"against", "window"});
  f.optional("maxDelta", read_bound, baseline.max_delta);
  f.optional("maxRatio", read_bound, baseline.max_ratio);
  f.at_least_one_of({"maxDelta", "maxRatio"});
}

void read_metric(YamlReader& r, const YamlNode& node, Metric& metric) {
  Fields f(r, node, "a metric");
  metric.line = node.place.line;
  f.required("name", &YamlReader::name, metric.name);
  f.required("prometheus", [&](YamlReader& reader, const YamlNode& value) {
    Fields p(reader, value, "a prometheus query");
    p.required("query", read_query, metric.query);
  });
  f.optional("interval", &YamlReader::positive_duration, metric.interval);
  f.optional("minSamples", [&](YamlReader& reader, const YamlNode& value) {
    auto& rule = metric.min_samples.emplace();
    Fields s(reader, value, "a rule of samples");
    s.required("query", read_query, rule.query);
    s.required("min", &YamlReader::decimal, rule.min);
  });
  f.optional("threshold", [&](YamlReader& reader, const YamlNode& value) {
    Fields t(reader, value, "a threshold");
    t.optional("min", read_bound, metric.min);
    t.optional("max", read_bound, metric.max);
    t.at_least_one_of({"min", "max"});
    if (metric.min && metric.max && compare(*metric.min, *metric.max) > 0) {
      reader.at(*t.value_of("max"), "no value can pass", quoted(metric.max->text),
                "at least the min, " + metric.min->text);
    }
  });
  f.optional("baseline", read_baseline, metric.baseline);
  f.at_least_one_of({"threshold", "baseline"});
  const auto limit = [&](std::string_view field, std::uint32_t& out) {
    f.optional(field, [&](YamlReader& reader, const YamlNode& value) { reader.number(value, out, 0, 1000); });
  };
  limit("failureLimit", metric.failure_limit);
  limit("inconclusiveLimit", metric.inconclusive_limit);
  limit("consecutiveErrorLimit", metric.consecutive_error_limit);
  if (f.is_map() && metric.interval < std::chrono::seconds(1)) {
    r.at(*f.value_of("interval"), "metrics are not measured more often than once a second", "", "1s or more");
  }
}

}  // namespace

void read_strategy(YamlReader& r, const YamlNode& node, Stage& stage, StageNodes& nodes) {
  Fields f(r, node, "a strategy");
  nodes.strategy = &node;
  Strategy strategy;
  f.optional("direct", [](YamlReader& reader, const YamlNode& value) { Fields none(reader, value, "direct"); });
  f.optional("canary", [&](YamlReader& reader, const YamlNode& value) {
    read_canary(reader, value, strategy.canary.emplace(), nodes);
  });
  f.optional("blueGreen", [&](YamlReader& reader, const YamlNode& value) {
    read_blue_green(reader, value, strategy.blue_green.emplace(), stage, nodes);
  });
  f.optional("rolling", [&](YamlReader& reader, const YamlNode& value) {
    read_rolling(reader, value, strategy.rolling.emplace());
  });
  f.exactly_one_of({"direct", "canary", "blueGreen", "rolling"});
  if (strategy != Strategy{}) stage.strategy = std::move(strategy);
}

void read_metrics_of_analysis(YamlReader& r, const YamlNode& node, std::vector<Metric>& metrics) {
  if (!r.list(node, metrics, read_metric)) return;
  std::map<std::string_view, std::uint32_t> seen;
  std::size_t i = 0;
  for (const auto& item : YamlItems(node)) {
    const auto& metric = metrics[i++];
    if (metric.name.empty()) continue;
    if (const auto [first, is_new] = seen.emplace(metric.name, metric.line); !is_new) {
      r.at(*field_of(item, "name"), fmt::format("duplicate metric {}", quoted(metric.name)), "",
           fmt::format("a name of its own; line {} has it already", first->second));
    }
  }
  if (metrics.size() > kMaxMetrics) r.wrong_value(node, fmt::format("at most {} metrics", kMaxMetrics));
}

bool pauses_at_the_end(const Stage& stage) {
  return stage.strategy && stage.strategy->canary && !stage.strategy->canary->steps.empty() &&
         !stage.strategy->canary->steps.back().weight;
}

// Once the candidate has all traffic, the stable slot has none to compare with.
void check_baseline(YamlReader& r, const Metric& metric, const YamlNode& name) {
  if (!metric.baseline || metric.baseline->window) return;
  r.at(name,
       fmt::format("metric {} is compared with the stable slot, which has no traffic in the pause after setWeight: 100",
                   quoted(metric.name)),
       "", "a baseline with a window, such as {window: 1h, …}, or no pause there");
}

void check_strategies(YamlReader& r, const Service& service, const std::vector<StageNodes>& stages) {
  std::vector<std::string_view> known;
  for (const auto& metric : service.analysis) {
    if (metric.name.empty()) return;  // that is reported already
    known.push_back(metric.name);
  }
  for (std::size_t i = 0; i < service.stages.size(); ++i) {
    const auto& stage = service.stages[i];
    for (const auto* node : stages[i].analysis) {
      if (const auto at = std::ranges::find(known, node->text); at != known.end()) {
        const auto& metric = service.analysis[static_cast<std::size_t>(at - known.begin())];
        if (pauses_at_the_end(service.stages[i])) check_baseline(r, metric, *node);
        continue;
      }
      r.at(*node, fmt::format("unknown metric {}{}", quoted(node->text), r.suggestion(node->text, known)), "",
           "a metric of this service's analysis");
    }
    if (stages[i].approve_switch != nullptr && stage.approvals.empty()) {
      r.at(*stages[i].approve_switch, "nobody approves in this stage, so that nobody can approve the switch", "",
           "approvals in the stage's protection");
    }
  }
}

void read_prometheus(YamlReader& r, const YamlNode& node, Environment& environment) {
  Fields f(r, node, "prometheus");
  f.required("address", [&](YamlReader& reader, const YamlNode& value) {
    std::string address;
    if (!reader.line_of_text(value, address)) return;
    const std::string_view text = address;
    const std::size_t scheme = text.starts_with("https://") ? 8 : text.starts_with("http://") ? 7 : 0;
    const bool plain = text.find_first_of(" ?#@$", scheme) == std::string_view::npos;
    if (scheme == 0 || !plain || text.size() > 500 || text.size() == scheme || text[scheme] == '/') {
      reader.wrong_value(value, "the base of a URL such as http://127.0.0.1:9090, without user, query or placeholders");
      return;
    }
    while (address.ends_with('/')) address.pop_back();
    environment.prometheus = std::move(address);
  });
}

}  // namespace headgate::reconciler
