// Why the triggers of a stage have not led to a promotion.
#include <algorithm>
#include <ranges>

#include "engine/base/glob.h"
#include "engine/domain/flow.h"
#include "engine/domain/locations.h"
#include "engine/domain/rollback.h"

namespace headgate {
namespace {

struct Waits {
  std::string text;
  std::string remedy;
  std::vector<Position> events;
  std::optional<Timestamp> due;
};

// Of a release that the trigger has brought up before: what became of that, where something else runs.
Waits dealt_with(const TargetId& id, const TargetState& target, const std::string& what, const std::string& remedy,
                 Position position, auto is) {
  Waits waits{what + " was dealt with", remedy, {position}, {}};
  if (!target.flow || !target.flow->dropped) return waits;
  const auto& dropped = *target.flow->dropped;
  if (!is(dropped.release) || (target.current && target.current->release.same_candidate(dropped.release))) return waits;
  waits.text += ", and dropped: " + dropped.reason;
  waits.remedy = "headgate promote " + id.service + " --to " + id.environment + " --release " +
                 dropped.release.version + ", or " + remedy;
  waits.events.push_back(dropped.position);
  return waits;
}

Waits for_ref(const State& state, const TargetId& id, const TargetState& target, const StageTrigger& trigger) {
  const auto& service = state.services.find(id.service)->second;
  const auto* document = state.service(id.service);
  const bool tag = trigger.kind == Trigger::tag;
  if (!service.source) {
    const auto repository = document->source ? document->source->repository : std::string("its source");
    return {"nothing of " + repository + " was observed yet", "see headgate get repositories", {}, {}};
  }
  const auto& refs = tag ? service.source->tags : service.source->branches;
  const auto upto = followed_upto(target, trigger);
  for (const auto& ref : refs | std::views::reverse) {
    const bool mine = tag ? matches_pattern(trigger.tag, ref.name) : ref.name == trigger.branch;
    if (!mine) continue;
    const auto commit = "commit " + ref.commit.substr(0, 12) + (tag ? " of tag " + ref.name : "");
    if (ref.position <= upto) {
      return dealt_with(id, target, commit, "push another one", ref.position, [&](const Release& release) {
        return release.commit == ref.commit || release.commit == ref.head;
      });
    }
    for (const auto& [version, registered] : service.releases) {
      const auto& release = registered.release;
      if (release.commit != ref.commit && release.commit != ref.head) continue;
      const auto* entry = state.quarantine(id.service, release);
      if (!entry) continue;
      return {commit + " is release " + version + ", which is quarantined: " + entry->reason,
              "push another one, or lift it: headgate reinstate " + id.service + " " + entry->release.version +
                  " --reason TEXT",
              {ref.position, entry->position},
              {}};
    }
    if (const auto* taken = tag ? state.release({id.service, ref.name}) : nullptr) {
      return {commit + ": version " + ref.name + " is that of another commit, and a release never changes",
              "give it another tag",
              {ref.position, taken->position},
              {}};
    }
    return {commit + " has no release: none is registered",
            "headgate release register --service " + id.service + " --version VERSION --commit " + ref.commit,
            {ref.position},
            {}};
  }
  return {tag ? "no tag fits yet" : "nothing under the service's paths came on that branch yet", "push one", {}, {}};
}

Waits for_soak(const State& state, const TargetId& id, const TargetState& target, const StageTrigger& trigger) {
  const TargetId other{id.service, trigger.after};
  const auto* there = state.find(other);
  if (!there || !there->current) return {"nothing is verified in " + trigger.after, "promote it there first", {}, {}};
  const auto name = "release " + there->current->release.version;
  if (const auto* bad = state.quarantine(id.service, there->current->release)) {
    return {name + " is in " + trigger.after + ", and is quarantined: " + bad->reason,
            "headgate reinstate " + id.service + " " + bad->release.version +
                " --reason TEXT, or promote another one there",
            {there->current_at, bad->position},
            {}};
  }
  if (const auto* incident = open_incident(state, other)) {
    return {name + " is in " + trigger.after + ", where incident " + incident->first + " is open",
            "headgate incident resolve " + incident->first + " --review TEXT",
            {there->current_at, incident->second.position},
            {}};
  }
  if (!last_verified(*there, there->current->release)) {
    return {name + " was adopted in " + trigger.after + ", and is not verified there",
            "verify it there: headgate promote " + id.service + " --to " + trigger.after + " --release " +
                there->current->release.version,
            {there->current_at},
            {}};
  }
  if (!soaks(state, id.service, *there)) {
    return {name + " is in " + trigger.after + ", where it has drifted",
            "see headgate explain " + to_string(other),
            {there->current_at},
            {}};
  }
  if (there->brought_at <= followed_upto(target, trigger)) {
    return dealt_with(id, target, name + " of " + trigger.after, "promote another one there", there->current_at,
                      [&](const Release& release) { return release.same_candidate(there->current->release); });
  }
  const auto due = there->current_since + state.stepped + trigger.soak;
  return {name + " soaks in " + trigger.after + " until " + format_timestamp(due), "wait", {there->current_at}, due};
}

Waits for_time(const TargetState& target, const StageTrigger& trigger) {
  if (!target.flow || !target.flow->due || target.flow->schedule != trigger.schedule) {
    return {"it is not known yet when that is", "wait", {}, {}};
  }
  const auto due = *target.flow->due;
  return {"the next time is " + format_timestamp(due), "wait, or headgate promote", {}, due};
}

std::string why_not_planned(const State& state, const TargetId& id, const TargetState& target, const Wish& wish) {
  if (!target.held.empty()) return "; held: " + target.held;
  if (target.document && target.document->document.suspend) return "; the target is suspended";
  if (!locations_of(state, id).empty()) {
    const auto why = unknown_in_locations(state, id, wish);
    return why.empty() ? why : "; " + why;
  }
  if (target.current) return {};
  if (!target.observed) return "; nobody knows yet what runs there";
  return target.observed->version.empty() ? ""
                                          : "; it runs " + target.observed->version + ", which Headgate did not bring";
}

}  // namespace

std::vector<Condition> explain_triggers(const State& state, const TargetId& id) {
  std::vector<Condition> all;
  const auto* target = state.find(id);
  const auto* stage = state.stage(id);
  if (!target || !stage || target->promotion) return all;
  const auto& document = *state.services.find(id.service)->second.document;
  if (target->flow) {
    for (const auto& wish : target->flow->wishes) {
      Condition c;
      c.guard = "trigger";
      c.text = "release " + wish.to.release.version + " is wished by " + wish.rule +
               why_not_planned(state, id, *target, wish.to);
      c.remedy = "see the other conditions, or headgate promote";
      c.file = document.source.file;
      c.line = stage->line;
      c.commit = document.commit;
      c.events = {wish.position};
      all.push_back(std::move(c));
    }
  }
  for (const auto& trigger : stage->triggers) {
    Waits waits;
    if (trigger.kind == Trigger::branch || trigger.kind == Trigger::tag) waits = for_ref(state, id, *target, trigger);
    if (trigger.kind == Trigger::after) waits = for_soak(state, id, *target, trigger);
    if (trigger.kind == Trigger::schedule) waits = for_time(*target, trigger);
    if (trigger.kind == Trigger::manual) waits = {"promoted by hand", "headgate promote " + id.service, {}, {}};
    if (waits.text.empty()) continue;
    Condition c;
    c.guard = "trigger";
    c.text = rule_text(trigger) + ": " + waits.text;
    c.remedy = std::move(waits.remedy);
    c.file = document.source.file;
    c.line = trigger.line;
    c.commit = document.commit;
    c.events = std::move(waits.events);
    c.due = waits.due;
    all.push_back(std::move(c));
  }
  return all;
}

}  // namespace headgate
