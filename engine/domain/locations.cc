#include "engine/domain/locations.h"

#include <algorithm>

#include "engine/domain/planner.h"
#include "engine/domain/promote.h"
#include "engine/domain/rollout.h"
#include "engine/domain/rollout_plan.h"

namespace headgate {
namespace {

Error refusal(const std::string& name, const std::string& why) {
  return {ErrorCode::conflict, "location " + name + ' ' + why, {{"/locations", name, "another one"}}};
}

// Whether what the location runs may come back to it after `to`.
bool may_come_back(const State& state, const TargetId& id, const TargetState& t, const Wish& wish, const Wish& to) {
  return wish != to && !state.quarantine(id.service, wish.release) && !is_barred(state, id, wish.release) &&
         step_between(t, wish).empty();
}

Place place_at(const State& state, const TargetId& id, const Location& location) {
  const auto& there = at_location(*state.find(id), location.name);
  const auto* stage = state.stage(id);
  Place place;
  place.location = &location;
  place.from = there.current;
  place.stable_slot = there.current ? there.stable_slot : std::string();
  if (!place.stable_slot.empty()) place.stable = there.current;
  place.left_slot = stage && uses_slots(*stage) ? candidate_slot(place.stable_slot) : place.stable_slot;
  return place;
}

// Wave by wave, in the document's order within one; those on standby last.
void by_wave(std::vector<Place>& places) {
  const auto rank = [](const Place& place) {
    return place.location->standby ? std::uint32_t(-1) : place.location->wave;
  };
  std::ranges::stable_sort(places, {}, rank);
}

Result<void> may_be_named(const State& state, const TargetId& id, const Wish& to,
                          const std::vector<std::string>& named) {
  const auto& t = *state.find(id);
  const auto locations = locations_of(state, id);
  if (locations.empty()) {
    return fail(ErrorCode::invalid_input, "environment " + id.environment + " has no locations: it is one place",
                {{"/locations", names_of(named), "nothing"}});
  }
  std::string known;
  for (const auto& location : locations) known += (known.empty() ? "" : ", ") + location.name;
  for (const auto& name : named) {
    if (std::ranges::find(locations, name, &Location::name) == locations.end()) {
      return fail(ErrorCode::invalid_input, "environment " + id.environment + " has no location '" + name + "'",
                  {{"/locations", name, "one of: " + known}});
    }
    if (std::ranges::count(named, name) > 1) {
      return fail(ErrorCode::invalid_input, "location " + name + " is named twice",
                  {{"/locations", name, "each once"}});
    }
    const auto& there = at_location(t, name);
    if (there.current == to && !there.drifted && t.held.empty()) {
      return std::unexpected(refusal(name, "of " + to_string(id) + " runs release " + to.release.version + " already"));
    }
  }
  for (const auto& location : locations) {
    if (location.standby || std::ranges::find(named, location.name) != named.end()) continue;
    const auto& there = at_location(t, location.name);
    if (there.current == to && !there.drifted) continue;
    return std::unexpected(refusal(
        location.name, (there.current == to ? "of " + to_string(id) + " has drifted from release "
                                            : "of " + to_string(id) + " does not run release ") +
                           to.release.version +
                           ": a release comes to a location by itself once it is verified in the others; promote it "
                           "there first, or name no locations"));
  }
  return {};
}

}  // namespace

std::span<const Location> locations_of(const State& state, const TargetId& id) {
  const auto at = state.environments.find(id.environment);
  return at == state.environments.end() ? std::span<const Location>() : at->second.document.locations;
}

const LocationState& at_location(const TargetState& t, std::string_view location) {
  static const LocationState nothing;
  const auto at = t.locations.find(location);
  return at == t.locations.end() ? nothing : at->second;
}

std::optional<std::optional<Wish>> runs_as_a_whole(const State& state, const TargetId& id) {
  const auto* t = state.find(id);
  std::optional<std::optional<Wish>> whole;
  for (const auto& location : locations_of(state, id)) {
    if (!t || location.standby) continue;
    const auto& there = at_location(*t, location.name);
    if (whole && *whole != there.current) return std::nullopt;
    whole = there.current;
  }
  return whole;
}

bool runs_everywhere(const State& state, const TargetId& id, const Wish& wish) {
  const auto* t = state.find(id);
  if (!t || t->current != wish) return false;
  if (locations_of(state, id).empty()) return true;
  const auto whole = runs_as_a_whole(state, id);
  return whole && *whole == wish;
}

std::string unknown_in_locations(const State& state, const TargetId& id, const Wish& wish) {
  const auto& t = *state.find(id);
  std::string why;
  for (const auto& location : locations_of(state, id)) {
    const auto& there = at_location(t, location.name);
    if (location.standby || there.current) continue;
    const auto name = (why.empty() ? "location " : "; location ") + location.name;
    if (!there.observed) {
      why += name + " was not observed yet: nobody knows what runs there";
    } else if (!there.observed->version.empty() && !there.observed->shows(wish.release)) {
      why += name + " runs " + there.observed->version + ", which Headgate did not bring there";
    }
  }
  return why;
}

bool unknown_at_first_sight(const State& state, const TargetId& id, const Wish& wish) {
  if (!locations_of(state, id).empty()) return !unknown_in_locations(state, id, wish).empty();
  const auto& t = *state.find(id);
  if (t.current) return false;
  return !t.observed || (!t.observed->version.empty() && !t.observed->shows(wish.release));
}

bool shown_in_locations(const State& state, const TargetId& id, const Wish& wish) {
  const auto& t = *state.find(id);
  bool any = false;
  for (const auto& location : locations_of(state, id)) {
    const auto& there = at_location(t, location.name);
    if (location.standby || there.current == wish) continue;
    if (there.current || !there.observed || !there.observed->shows(wish.release)) return false;
    any = true;
  }
  return any;
}

Result<std::vector<Place>> places_to_promote(const State& state, const TargetId& id, const Wish& to,
                                             const std::optional<Wish>& way_back,
                                             const std::vector<std::string>& named) {
  if (!named.empty()) HEADGATE_TRY_VOID(may_be_named(state, id, to, named));
  const auto& t = *state.find(id);
  const auto* stage = state.stage(id);
  const auto is_there = [&](const Location& location) {
    const auto& there = at_location(t, location.name);
    return there.current == to && !there.drifted;
  };
  const auto in_a_wave = [](const Location& location) { return !location.standby; };
  const auto locations = locations_of(state, id);
  const bool all_there = std::ranges::none_of(
      locations, [&](const Location& location) { return in_a_wave(location) && !is_there(location); });
  std::vector<Place> places;
  for (const auto& location : locations) {
    const bool asked = named.empty() ? in_a_wave(location) && (all_there || !is_there(location))
                                     : std::ranges::find(named, location.name) != named.end();
    if (!asked) continue;
    auto place = place_at(state, id, location);
    const auto& from = place.from;
    if (from && may_come_back(state, id, t, *from, to)) {
      place.way_back = from;
    } else if (t.current != to) {
      place.way_back = way_back;
    }
    // What runs beside the candidate is the way back, whatever else was verified here.
    if (stage && uses_slots(*stage) && place.stable) place.way_back = place.stable;
    places.push_back(std::move(place));
  }
  by_wave(places);
  return places;
}

std::vector<Condition> judge_locations(const State& state, const Promotion& p, Timestamp) {
  std::vector<Condition> all;
  if (p.locations.empty()) return all;
  const auto& t = *state.find(p.id.target);
  for (const auto& location : locations_of(state, p.id.target)) {
    if (location.standby || std::ranges::find(p.locations, location.name) != p.locations.end()) continue;
    const auto& [document, source, commit, since] = state.environments.at(p.id.target.environment);
    const auto& there = at_location(t, location.name);
    const auto name = "release " + p.to.release.version;
    Condition c;
    c.guard = "locations";
    c.met = there.current == p.to && !there.drifted;
    c.text = "location " + location.name +
             (c.met                   ? " runs " + name
              : there.current == p.to ? " has drifted from " + name
                                      : " does not run " + name);
    if (!c.met) c.remedy = "bring " + name + " back there, or headgate cancel " + to_string(p.id);
    c.file = source.file;
    c.line = location.line;
    c.commit = commit;
    if (there.current_at > 0) c.events = {there.current_at};
    all.push_back(std::move(c));
  }
  return all;
}

std::vector<Place> places_to_go_back(const State& state, const TargetId& id, const RollbackWay& way) {
  const auto& t = *state.find(id);
  const auto brought = [&](const Boxed<Promotion>& p) { return p && left_by(*p) == way.leaves ? &*p : nullptr; };
  const Promotion* before = brought(t.promotion);  // that brought what is left
  if (!before && !t.held.empty()) before = brought(t.back.failed);
  std::vector<Place> places;
  for (const auto& location : locations_of(state, id)) {
    const auto& there = at_location(t, location.name);
    const bool holds_it = there.current == way.leaves;
    const bool may_hold_it = before && before->touched(location.name);
    const bool differs = !location.standby && there.current != way.to;
    if (!holds_it && !may_hold_it && !differs) continue;
    auto place = place_at(state, id, location);
    if (holds_it || (!may_hold_it && !place.stable_slot.empty())) place.left_slot = place.stable_slot;
    place.from = way.leaves;
    place.way_back = way.to;
    places.push_back(std::move(place));
  }
  by_wave(places);
  return places;
}

Result<std::vector<Place>> places_to_retire(const State& state, const TargetId& id) {
  const auto& t = *state.find(id);
  const auto locations = locations_of(state, id);
  const bool none_known =
      std::ranges::none_of(locations, [&](const Location& l) { return at_location(t, l.name).current.has_value(); });
  std::vector<Place> places;
  for (const auto& location : locations) {
    const bool half_done = !t.held.empty() && t.back.failed && t.back.failed->touched(location.name);
    const bool is_empty = none_known ? location.standby : !at_location(t, location.name).current;
    if (is_empty && !half_done) continue;
    const auto* stage = state.stage(id);
    HEADGATE_CHECK(stage);
    if (!driver_of(*stage, state.environments.at(id.environment).document, &location).retire) {
      return fail(ErrorCode::not_found,
                  stage->driver
                      ? "the driver of the stage to " + id.environment + " has no retire command"
                      : "the driver of location " + location.name + " of " + id.environment + " has no retire command");
    }
    places.push_back(place_at(state, id, location));
  }
  by_wave(places);
  return places;
}

std::string names_of(const std::vector<std::string>& locations) {
  std::string names;
  for (const auto& name : locations) names += (names.empty() ? "" : ", ") + name;
  return names;
}

bool has_locations(const Promotion& p) {
  return std::ranges::any_of(p.steps, [](const LiveStep& s) { return !s.step->location.empty(); });
}

std::optional<Wish> brought_back_at(const Promotion& p, std::string_view location) {
  for (const auto& s : p.steps) {
    if (s.step->rollback && s.step->deploys && s.step->location == location) return s.step->deploys;
  }
  return std::nullopt;
}

bool cleans_up(const Promotion& p, const Step& step) {
  return base_name(step) == retire_old ||
         (step.rollback && step.kind == StepKind::retire && brought_back_at(p, step.location).has_value());
}

std::string no_way_back_in(const Promotion& p, std::string_view failing) {
  std::vector<std::string> without;
  for (const auto& s : p.steps) {
    const auto& location = s.step->location;
    if (s.step->rollback || location.empty() || !p.touched(location)) continue;
    if (p.rules.on_location_failure == OnLocationFailure::rollback_location && !failing.empty() &&
        location != failing) {
      continue;
    }
    const bool leads_back = std::ranges::any_of(
        p.steps, [&](const LiveStep& other) { return other.step->rollback && other.step->location == location; });
    if (!leads_back && std::ranges::find(without, location) == without.end()) without.push_back(location);
  }
  return names_of(without);
}

std::vector<std::string> locations_that_stand(const State& state, const Promotion& p) {
  std::vector<std::string> names;
  if (!p.takes_back_one_location()) return names;
  const auto* t = state.find(p.id.target);
  for (const auto& location : locations_of(state, p.id.target)) {
    if (t && p.touched(location.name) && at_location(*t, location.name).current == p.to) names.push_back(location.name);
  }
  return names;
}

std::vector<std::string> locations_without(const State& state, const TargetId& id, const Wish& wish) {
  std::vector<std::string> names;
  for (const auto& location : locations_of(state, id)) {
    if (!location.standby && at_location(*state.find(id), location.name).current != wish)
      names.push_back(location.name);
  }
  return names;
}

PolicySince policy_of(const State& state, const TargetId& id) {
  const auto owner = state.services.find(id.service);
  const auto environment = state.environments.find(id.environment);
  const bool served = owner != state.services.end() && owner->second.document;
  return {served ? owner->second.document->since : 0,
          environment == state.environments.end() ? 0 : environment->second.since};
}

}  // namespace headgate
