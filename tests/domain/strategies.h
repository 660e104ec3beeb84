// What the tests of strategies share: an environment that can shift traffic, a service that is measured.
#pragma once

#include <string>

#include "tests/domain/fixture.h"

namespace headgate::test {

inline Metric error_rate() {
  Metric metric;
  metric.name = "error-rate";
  metric.query = "errors{slot=\"${slot}\"}";
  metric.max = Decimal{"0.05"};
  metric.baseline = Baseline{{}, Decimal{"0.01"}, {}, {}};
  metric.min_samples = MinSamples{"requests{slot=\"${slot}\"}", Decimal{"50"}};
  metric.line = 90;
  return metric;
}

inline CanaryStep weight(std::uint32_t percent) {
  return {percent, {}, 50 + percent};
}
inline CanaryStep pause(std::optional<Duration> duration = {}) {
  return {{}, duration, 50};
}

inline Stage canary(std::vector<CanaryStep> steps, std::vector<std::string> analysis = {"error-rate"}) {
  auto s = stage("production");
  s.strategy = Strategy{Canary{std::move(steps), std::move(analysis)}, {}, {}};
  s.verify = {health("smoke")};
  return s;
}

inline Environment slotted() {
  auto e = environment("production", true);
  e.shift = script({"hooks/shift.sh", "${slot}"});
  e.prometheus = "http://127.0.0.1:9090";
  return e;
}

inline Service measured_service(const Stage& s, std::vector<Metric> metrics = {error_rate()}) {
  auto result = service({s});
  result.analysis = std::move(metrics);
  return result;
}

inline Measured good(const std::string& value = "0.01") {
  return {Decimal{value}, Decimal{"100"}, Decimal{"0.01"}};
}

inline bool measuring(const World& world, const TargetId& id = production) {
  const auto effect = pending_effect(world.state, id);
  return effect && effect->measure.has_value();
}

inline Lines measure(World& world, const Measured& seen, Outcome::Kind kind = Outcome::Kind::succeeded) {
  const auto activity = world.effect(production);
  Outcome outcome{kind, kind == Outcome::Kind::succeeded ? "" : "no answer", {}, {}};
  outcome.measured = seen;
  return world.when(CompleteActivity{activity.id, activity.attempt, outcome}, "engine");
}

// Everything succeeds and time goes by until nothing is under way, or `stop_at` is the step that begins.
inline Lines roll(World& world, const std::string& stop_at = {}) {
  Lines happened;
  for (int i = 0; i < 2000 && world.at(production).promotion; ++i) {
    const auto* step = world.live(production).current();
    if (step && step->step->name == stop_at && step->status != StepStatus::pending) return happened;
    Lines lines;
    if (measuring(world)) {
      lines = measure(world, good());
    } else if (pending_effect(world.state, production)) {
      lines = world.finish(production);
    } else {
      HEADGATE_CHECK(!world.state.wakeups.empty());  // else it waits for somebody
      lines = world.pass(world.state.wakeups.begin()->first - world.now);
    }
    happened.insert(happened.end(), lines.begin(), lines.end());
  }
  return happened;
}

// v1 runs in blue, brought there by the stage's own strategy.
inline World given_v1(const Stage& s, std::vector<Metric> metrics = {error_rate()}) {
  World world;
  world.push({{access_policy(), slotted(), measured_service(s, std::move(metrics)), target(production, release("v1"))},
              {},
              "person:frank"});
  world.observe(production, "");
  roll(world);
  return world;
}
inline World given_v2(const Stage& s, std::vector<Metric> metrics = {error_rate()}) {
  auto world = given_v1(s, std::move(metrics));
  world.push(target(production, release("v2")));
  return world;
}

// What traffic was told, in its order, as "green 5".
inline Lines weights(const World& world) {
  Lines lines;
  for (const auto& record : world.log) {
    const auto* begun = std::get_if<ActivityStarted>(&record.event);
    if (!begun || begun->id.promotion.number < 2) continue;
    for (const auto& other : world.log) {
      const auto* planned = std::get_if<StepPlanned>(&other.event);
      if (planned && planned->id == begun->id && planned->step->kind == StepKind::traffic) {
        lines.push_back(planned->step->slot + " " + std::to_string(*planned->step->weight));
      }
    }
  }
  return lines;
}

}  // namespace headgate::test
