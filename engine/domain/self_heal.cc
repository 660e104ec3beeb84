#include "engine/domain/self_heal.h"

#include <algorithm>

#include "engine/domain/locations.h"
#include "engine/domain/promote.h"

namespace headgate {
namespace {

// "v0 in place of v1", by location where there are several.
std::string found_instead(const State& state, const TargetId& id, const TargetState& t) {
  const auto differs = [](const std::optional<Observation>& seen, const Wish& wish) {
    if (!seen) return std::string("something else");
    if (!seen->shows(wish.release)) return seen->version.empty() ? std::string("nothing") : "release " + seen->version;
    std::string names;
    for (const auto& [name, value] : variables_that_differ(wish, seen->variables)) {
      names += (names.empty() ? "" : ", ") + name + "=" + value;
    }
    return "release " + seen->version + (names.empty() ? "" : " with " + names);
  };
  const auto instead = " in place of release " + t.current->release.version;
  if (locations_of(state, id).empty()) return differs(t.observed, *t.current) + instead;
  std::string text;
  for (const auto& [name, there] : t.locations) {
    if (there.drifted) text += (text.empty() ? "" : ", ") + differs(there.observed, *t.current) + " in " + name;
  }
  return text + instead;
}

}  // namespace

StringMap variables_that_count(const State& state, const TargetId& id, const Wish* expected,
                               const StringMap& observed) {
  StringMap counted;
  if (!expected) return counted;
  const auto at = state.environments.find(id.environment);
  for (const auto& [name, value] : observed) {
    if (!expected->variables.contains(name)) continue;
    if (at != state.environments.end() && std::ranges::find(at->second.document.ignore_differences, name) !=
                                              at->second.document.ignore_differences.end()) {
      continue;
    }
    counted.emplace(name, value);
  }
  return counted;
}

StringMap variables_that_differ(const Wish& expected, const StringMap& counted) {
  StringMap differing;
  for (const auto& [name, value] : counted) {
    const auto wished = expected.variables.find(name);
    if (wished != expected.variables.end() && wished->second != value) differing.emplace(name, value);
  }
  return differing;
}

bool has_drifted(const State& state, const TargetId& id) {
  const auto* t = state.find(id);
  if (!t || !t->current || !t->drifted) return false;
  const auto locations = locations_of(state, id);
  if (locations.empty()) return true;
  return std::ranges::any_of(
      locations, [&](const Location& location) { return !location.standby && at_location(*t, location.name).drifted; });
}

std::optional<Condition> bar_to_mending(const State& state, const TargetId& id) {
  const auto* t = state.find(id);
  Condition c;
  c.guard = "drift";
  const auto because = [&](std::string text, std::string remedy) {
    c.text = std::move(text);
    c.remedy = std::move(remedy);
    return c;
  };
  const auto by_hand = "headgate promote " + id.service + " --to " + id.environment +
                       (t && t->current ? " --release " + t->current->release.version : "") + ", or headgate adopt " +
                       to_string(id);
  if (!has_drifted(state, id)) {
    if (t && t->drifted && t->current) return because("it has drifted in a location on standby alone", by_hand);
    return because("it runs what it should", {});
  }
  if (t->orphaned || t->retiring) return because("its Target document has gone", "write a Target document for it");
  if (!t->held.empty()) return because("it is held: " + t->held, by_hand);
  if (!t->pinned.empty()) return because("it is pinned: " + t->pinned, by_hand);
  if (t->document) {
    const auto& document = t->document->document;
    if (document.suspend) return because("the target is suspended", "set suspend: false in its document");
    const auto wish = resolve_wish(state, id, document.release, document.variables);
    if (!wish) return because("its document's wish cannot be followed yet: " + wish.error().message, by_hand);
    if (*wish != *t->current) return because("its document wishes release " + wish->release.version, by_hand);
  } else if (t->desired && t->desired != t->current) {
    return because("release " + t->desired->release.version + " is wished", by_hand);
  }
  if (t->flow && !t->flow->wishes.empty()) {
    return because("release " + t->flow->wishes.front().to.release.version + " is wished", by_hand);
  }
  const auto environment = state.environments.find(id.environment);
  if (!state.stage(id) || environment == state.environments.end()) {
    return because("no stage of service " + id.service + " leads to " + id.environment + " any more", by_hand);
  }
  const auto& [document, source, commit, since] = environment->second;
  if (document.self_heal && !document.self_heal->mends) {
    c.file = source.file;
    c.line = document.self_heal->line;
    c.commit = commit;
    return because("selfHeal is off in environment " + id.environment, by_hand);
  }
  if (!runs_everywhere(state, id, *t->current)) {
    return because("its locations are not meant to run the same release", by_hand);
  }
  if (t->mendings >= max_mendings) {
    return because(
        "it was mended " + std::to_string(t->mendings) + " times in a row and drifted again: something else changes it",
        "find out what else deploys there, then " + by_hand);
  }
  return std::nullopt;
}

std::vector<Event> mend_drift(const State& state, const TargetId& id, const Context& context) {
  // Who restored a log looks at what differs first, and adopts what it does not know.
  if (state.effects_paused || !has_drifted(state, id) || bar_to_mending(state, id)) return {};
  const auto& t = *state.find(id);
  const auto& wish = *t.current;
  if (t.failed && t.failed->wish == wish && would_fail_again(state, id, *t.failed, context.digest)) return {};
  const PromotionId next{id, t.last_number + 1};
  const auto plan = plan_for(state, next, wish, way_back_from(state, id, wish), context.digest);
  if (!plan) return {};
  std::vector<Event> events;
  plan_events(events, next, Trigger::drift, *plan, {}, "drift: " + found_instead(state, id, t));
  return events;
}

std::vector<Condition> explain_drift(const State& state, const TargetId& id) {
  const auto* t = state.find(id);
  if (!t || !t->current || !t->drifted) return {};
  auto bar = bar_to_mending(state, id);
  if (!bar) {
    bar.emplace();
    bar->guard = "drift";
    if (state.effects_paused) {
      bar->text = "effects are paused: " + state.effects_paused->reason;
      bar->remedy = "headgate adopt " + to_string(id) + ", or headgate effects resume --reason TEXT";
    } else if (t->failed && t->failed->wish == *t->current) {
      bar->text = "the last promotion that should mend it did not succeed";
      bar->remedy = "mend the cause, then headgate promote " + id.service + " --to " + id.environment + " --release " +
                    t->current->release.version;
    } else {
      bar->text = "a promotion that mends it is about to be planned";
      bar->remedy = "wait";
    }
  }
  bar->text = "it has drifted: it runs " + found_instead(state, id, *t) + "; that is not mended: " + bar->text;
  bar->events = {t->current_at};
  return {std::move(*bar)};
}

void remember_mended(TargetState& t, const Promotion& p, Timestamp elapsed) {
  if (p.trigger != Trigger::drift) {
    t.mendings = 0;
    return;
  }
  t.mendings = elapsed - t.mended < mendings_in_a_row ? t.mendings + 1 : 1;
  t.mended = elapsed;
}

void drift_has_gone(TargetState& t) {
  if (t.drifted) return;
  t.mendings = 0;
  // What failed to mend it is tried again for other drift.
  if (!t.retiring && t.failed && t.failed->wish == t.current) t.failed.reset();
}

}  // namespace headgate
