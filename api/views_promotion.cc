#include "api/views_promotion.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/described_json.h"
#include "engine/domain/guards.h"
#include "engine/domain/rollout.h"

namespace headgate::api {
namespace {

// Of what the promotion waits for, what the step had waited for and was done with: a gate may turn, an approval be
// lost.
std::vector<Condition> unmet_again(const LiveStep& step, const std::vector<Condition>& unmet) {
  const auto kind = step.step->kind;
  if (step.status != StepStatus::succeeded || (kind != StepKind::gates && kind != StepKind::approval)) return {};
  std::vector<Condition> all;
  for (const auto& condition : unmet) {
    const auto guard = std::ranges::find(all_guards(), condition.guard, &Guard::name);
    if (guard == all_guards().end() || guard->step != kind) continue;
    if (kind == StepKind::approval && guard->of_switch != (step.step->name == approve_switch)) continue;
    all.push_back(condition);
  }
  return all;
}

// `again`: what it waits for although it was done. Then it is not.
void write_step(JsonWriter& json, const LiveStep& step, const std::vector<Condition>& again, const Names& names) {
  json.begin_object();
  json.field("name", step.step->name);
  json.field("kind", name_of(step.step->kind));
  json.field("rollback", step.step->rollback);
  json.field("status", name_of(again.empty() ? step.status : StepStatus::started));
  write_time(json.key("started"), step.started);
  write_time(json.key("ended"), again.empty() ? step.ended : std::nullopt);
  write_time(json.key("due"), step.due);
  json.field("reason", names.in_text(step.reason));
  write_conditions(json.key("unmet"), again.empty() ? step.unmet : again, names);
  json.field("activity", name_of(step.activity));
  json.field("attempt", step.attempt);
  write_time(json.key("retry_due"), step.retry_due);
  json.field("unhealthy", step.unhealthy);
  json.key("evidence").raw(step.evidence.text.empty() ? "{}" : step.evidence.text);
  // What exactly is done, as it was recorded when it was planned.
  write_described(json.key("definition"), *step.step);
  json.end_object();
}

void write_approval(JsonWriter& json, const Approval& approval, const Names& names) {
  json.begin_object();
  names.write(json.key("approver"), approval.approver);
  json.field("team", approval.team);
  json.key("also").begin_array();
  for (const auto& team : approval.also) json.value(team);
  json.end_array();
  json.field("comment", approval.comment);
  json.field("position", approval.position);
  json.field("time", format_timestamp(approval.time));
  json.field("expires", format_timestamp(approval.expires));
  write_string_map(json.key("claims"), approval.claims);
  json.end_object();
}

void write_identity(JsonWriter& json, const Promotion& promotion) {
  json.field("id", to_string(promotion.id));
  json.field("target", to_string(promotion.id.target));
  json.field("service", promotion.id.target.service);
  json.field("environment", promotion.id.target.environment);
  json.field("number", promotion.id.number);
  json.field("phase", name_of(promotion.phase));
  json.field("trigger", name_of(promotion.trigger));
}

}  // namespace

void write_string_map(JsonWriter& json, const StringMap& map) {
  json.begin_object();
  for (const auto& [key, value] : map) json.field(key, value);
  json.end_object();
}

void write_time(JsonWriter& json, const std::optional<Timestamp>& time) {
  if (time) {
    json.value(format_timestamp(*time));
  } else {
    json.value(nullptr);
  }
}

void write_wish(JsonWriter& json, const std::optional<Wish>& wish) {
  if (!wish) {
    json.value(nullptr);
    return;
  }
  json.begin_object();
  json.field("version", wish->release.version);
  json.field("commit", wish->release.commit);
  write_string_map(json.key("artifacts"), wish->release.artifacts);
  write_string_map(json.key("variables"), wish->variables);
  json.end_object();
}

void write_condition(JsonWriter& json, const Condition& condition, const Names& names) {
  json.begin_object();
  json.field("guard", condition.guard);
  json.field("met", condition.met);
  json.field("text", names.in_text(condition.text));
  json.field("remedy", names.in_text(condition.remedy));
  json.field("file", condition.file);
  json.field("line", condition.line);
  json.field("commit", condition.commit);
  json.key("events").begin_array();
  for (const auto position : condition.events) json.value(position);
  json.end_array();
  write_time(json.key("due"), condition.due);
  json.end_object();
}

void write_conditions(JsonWriter& json, const std::vector<Condition>& conditions, const Names& names) {
  json.begin_array();
  for (const auto& condition : conditions) write_condition(json, condition, names);
  json.end_array();
}

std::vector<Condition> unmet_of(std::vector<Condition> conditions) {
  std::erase_if(conditions, [](const Condition& condition) { return condition.met; });
  return conditions;
}

void write_promotion_summary(JsonWriter& json, const Promotion& promotion) {
  const auto* step = promotion.current();
  json.begin_object();
  write_identity(json, promotion);
  json.key("step");
  if (step) {
    json.value(step->step->name);
  } else {
    json.value(nullptr);
  }
  json.field("version", promotion.to.release.version);
  json.field("plan_digest", promotion.plan_digest);
  json.field("planned", format_timestamp(promotion.planned));
  json.end_object();
}

void write_promotion(JsonWriter& json, const Promotion& promotion, const std::vector<Condition>& unmet,
                     const Names& names) {
  const auto* step = promotion.current();
  json.begin_object();
  write_identity(json, promotion);
  json.field("reason", names.in_text(promotion.asked_because));
  json.field("expedited", names.in_text(promotion.expedited));
  write_wish(json.key("from"), promotion.from);
  write_wish(json.key("to"), promotion.to);
  json.field("plan_digest", promotion.plan_digest);
  json.key("step");
  if (step) {
    json.value(step->step->name);
  } else {
    json.value(nullptr);
  }
  json.key("steps").begin_array();
  for (const auto& s : promotion.steps) write_step(json, s, unmet_again(s, unmet), names);
  json.end_array();
  json.key("approvals").begin_array();
  for (const auto& approval : promotion.approvals) write_approval(json, approval, names);
  json.end_array();
  json.field("approval_requested", promotion.approval_requested);
  // Whose work is inside, and who asked: they may not approve it unless the rules allow it.
  json.key("people").begin_array();
  for (const auto& person : promotion.people) names.write(json, person);
  json.end_array();
  write_described(json.key("rules"), promotion.rules);
  write_conditions(json.key("unmet"), unmet, names);
  json.field("planned_position", promotion.planned_at);
  json.field("last_position", promotion.last_position);
  json.field("planned", format_timestamp(promotion.planned));
  write_time(json.key("started"), promotion.effects_began);
  write_time(json.key("rollback_started"), promotion.rollback_began);
  write_time(json.key("ended"), promotion.ended);
  json.field("end_reason", names.in_text(promotion.end_reason));
  write_downtime(json.key("downtime"), promotion);
  json.end_object();
}

void write_downtime(JsonWriter& json, const Promotion& promotion) {
  const auto& downtime = promotion.downtime;
  if (!downtime) {
    json.value(nullptr);
    return;
  }
  json.begin_object().field("longest", format_duration(downtime->longest)).field("max", format_duration(downtime->max));
  json.field("exceeded", downtime->longest > downtime->max).field("step", downtime->step);
  json.field("position", downtime->position).end_object();
}

std::string summary_of(const Promotion& p, std::size_t unmet, const Names& names) {
  const bool back = p.trigger == Trigger::rollback;  // then its release is where it leads
  const auto what = fmt::format(fmt::runtime(back ? "the rollback to release {} for {}" : "release {} for {}"),
                                p.to.release.version, to_string(p.id.target));
  const auto because = [&](const std::string& reason) {
    return reason.empty() ? std::string() : ": " + names.in_text(reason);
  };
  const auto why = because(p.end_reason);
  const auto* step = p.current();
  const auto at = step ? fmt::format(" at step {}", step->step->name) : std::string();
  switch (p.phase) {
    case Phase::waiting:
      return fmt::format("{} waits{}: {} condition{} unmet", what, at, unmet, unmet == 1 ? "" : "s");
    case Phase::running:
      return fmt::format("{} is under way{}", what, at);
    case Phase::rolling_back:
      if (back) return fmt::format("{} is under way{}{}", what, at, because(p.asked_because));
      return fmt::format("{} is being rolled back{}{}", what, at, why);
    case Phase::succeeded:
      return fmt::format("{} succeeded", what);
    case Phase::failed:
      return fmt::format("{} failed{}", what, why);
    case Phase::rolled_back:
      return fmt::format("{} was rolled back{}", what, why);
    case Phase::rejected:
      return fmt::format("{} was rejected{}", what, why);
    case Phase::cancelled:
      return fmt::format("{} was cancelled{}", what, why);
    case Phase::superseded:
      return fmt::format("{} was superseded{}", what, why);
  }
  return what;
}

}  // namespace headgate::api
