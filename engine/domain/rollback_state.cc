// What the state remembers for going back, and what can be asked of it.
#include <algorithm>

#include "engine/domain/locations.h"
#include "engine/domain/rollback.h"
#include "engine/domain/rollout_plan.h"

namespace headgate {
namespace {

constexpr std::size_t max_verified = 16;
constexpr std::size_t max_barred = 16;

}  // namespace

void remember_verified(TargetState& t, const Wish& wish, Position position) {
  auto& by = t.back.verified_by;
  auto& positions = t.back.verified_at;
  by.resize(t.verified.size());
  positions.resize(t.verified.size());
  const auto forget = [&](std::vector<Wish>::iterator at) {
    by.erase(by.begin() + (at - t.verified.begin()));
    positions.erase(positions.begin() + (at - t.verified.begin()));
    t.verified.erase(at);
  };
  if (const auto at = std::ranges::find(t.verified, wish); at != t.verified.end()) forget(at);
  t.verified.push_back(wish);
  by.push_back(t.last_number);
  positions.push_back(position);
  if (t.verified.size() > max_verified) forget(t.verified.begin());
}

namespace {

// The event by which exactly this was verified here last; 0 where it was at most adopted.
Position verified_at(const TargetState& t, const Wish& wish) {
  const auto at = static_cast<std::size_t>(std::ranges::find(t.verified, wish) - t.verified.begin());
  return at < t.back.verified_at.size() ? t.back.verified_at[at] : 0;
}

}  // namespace

// What was verified here once vouches for itself.
void remember_adopted(TargetState& t, const Wish& wish) {
  remember_verified(t, wish, verified_at(t, wish));
}

void remember_brought_back(TargetState& t, const Wish& wish, Position position) {
  const bool known = std::ranges::find(t.verified, wish) != t.verified.end();
  remember_verified(t, wish, known && verified_at(t, wish) == 0 ? 0 : position);
}

std::optional<Position> last_verified(const TargetState& there, const Release& release) {
  for (auto i = there.verified.size(); i-- > 0;) {
    if (!there.verified[i].release.same_candidate(release)) continue;
    if (const auto position = there.back.verified_at[i]; position > 0) return position;
  }
  return std::nullopt;
}

void remember_end(TargetState& t, const Promotion& p) {
  auto& back = t.back;
  if (p.trigger == Trigger::rollback) {
    if (p.phase == Phase::succeeded) back.restore_point.reset();
  } else if (p.phase == Phase::rolled_back) {
    back.restore_point.reset();
  } else if (p.deployed() || irreversible_step_begun(p)) {
    back.restore_point.reset();
    for (const auto& s : p.steps) {
      if (s.step->keeps.empty() || s.activity != ActivityStatus::succeeded) continue;
      back.restore_point =
          RestorePoint{s.step->keeps, p.from ? p.from->release : Release{}, s.evidence, p.last_position};
    }
  }
  // What left the target half done stays so, whatever else was tried and came to nothing.
  const bool changed_nothing = p.trigger != Trigger::rollback && !p.deployed() && !irreversible_step_begun(p) &&
                               !(p.retires() && p.phase == Phase::failed);
  if (back.failed && !t.held.empty() && changed_nothing) return;
  back.failed.reset();
  if (p.phase == Phase::failed) back.failed = p;
}

void somebody_wishes(TargetState& t, const Release& release) {
  std::erase_if(t.back.barred, [&](const Release& barred) { return barred.same_candidate(release); });
}

bool is_barred(const State& state, const TargetId& id, const Release& release) {
  const auto* t = state.find(id);
  return t && std::ranges::any_of(t->back.barred, [&](const Release& r) { return r.same_candidate(release); });
}

bool wishes_what_was_left(const State& state, const TargetId& id) {
  const auto* t = state.find(id);
  return t && !t->pinned.empty() && t->desired && is_barred(state, id, t->desired->release);
}

std::vector<Condition> judge_barred(const State& state, const Promotion& p, Timestamp) {
  const bool wished = p.trigger == Trigger::desired || p.trigger == Trigger::manual || p.trigger == Trigger::rollback;
  if (wished || !is_barred(state, p.id.target, p.to.release)) return {};
  Condition c;
  c.guard = "barred";
  c.text = "release " + p.to.release.version + " was taken back by a person, or by a monitor, at " +
           to_string(p.id.target) + ": no automatic trigger brings it back there";
  c.remedy = "wish it in the target's document, or headgate promote " + p.id.target.service + " --to " +
             p.id.target.environment + " --release " + p.to.release.version;
  const auto* target = state.find(p.id.target);
  c.events = {target && target->current_at > 0 ? target->current_at : p.planned_at};
  return {std::move(c)};
}

void leave(TargetState& t, const Release& release) {
  somebody_wishes(t, release);
  t.back.barred.push_back(release);
  if (t.back.barred.size() > max_barred) t.back.barred.erase(t.back.barred.begin());
}

std::string step_between(const TargetState& t, const Wish& verified) {
  if (!t.back.irreversible) return {};
  const auto& last = *t.back.irreversible;
  const auto at = std::ranges::find(t.verified, verified);
  const auto index = static_cast<std::size_t>(at - t.verified.begin());
  const bool later =
      at != t.verified.end() && index < t.back.verified_by.size() && t.back.verified_by[index] >= last.number;
  return later ? std::string() : last.step;
}

const LiveStep* irreversible_step_begun(const Promotion& p) {
  const auto at = std::ranges::find_if(p.steps, [](const LiveStep& s) {
    return s.step->irreversible == true && !s.step->rollback && (s.attempt > 0 || s.activity != ActivityStatus::none);
  });
  return at == p.steps.end() ? nullptr : &*at;
}

bool may_give_way(const Promotion& p) {
  return p.phase == Phase::waiting && !p.deployed() && !irreversible_step_begun(p);
}

std::string how_far(const Promotion& p) {
  return p.phase == Phase::waiting ? "has begun, and waits to go on" : "is " + std::string(name_of(p.phase));
}

std::optional<std::string> slot_seen_with(const TargetState& t, const Release& release, std::string_view location) {
  const auto& before = location.empty() ? t.stable_slot : at_location(t, location).stable_slot;
  if (t.held.empty() || !t.back.failed) return before;
  const auto& p = *t.back.failed;
  if (!p.deployed() && p.trigger != Trigger::rollback) return before;
  std::string left;  // where that is which the promotion brings, or which a rollback by hand leaves
  std::string back;  // where that is which its way back brings
  bool both = false;
  for (const auto& s : p.steps) {
    const auto& slot = s.step->slot;
    if (slot.empty() || s.step->location != location) continue;
    if (s.step->kind == StepKind::traffic) both = true;
    if (s.step->rollback && s.step->deploys) back = slot;
    if (s.step->kind == (s.step->rollback ? StepKind::retire : StepKind::deploy)) left = slot;
  }
  if (left.empty() && back.empty()) return before;
  if (left.empty()) left = both ? candidate_slot(back) : back;
  if (back.empty()) back = before;
  if (left == back) return left;
  auto comes_back = brought_back_at(p, location);
  if (!comes_back && p.trigger != Trigger::rollback) comes_back = p.from;
  const bool in_left = left_by(p).release.same_candidate(release);
  const bool in_back = comes_back && comes_back->release.same_candidate(release);
  if (in_left == in_back) return std::nullopt;
  return in_left ? left : back;
}

Json restore_point_of(const TargetState& t, const Promotion& p, const std::string& name) {
  for (const auto& s : p.steps) {
    if (s.step->keeps == name && s.activity == ActivityStatus::succeeded) return s.evidence;
  }
  const auto& point = t.back.restore_point;
  return point && point->name == name ? point->evidence : Json{};
}

const Wish& left_by(const Promotion& p) {
  return p.trigger == Trigger::rollback && p.from ? *p.from : p.to;
}

std::optional<Wish> brought_back_by(const Promotion& p) {
  std::optional<Wish> back;  // of a location that was never touched, where nothing better is
  for (const auto& s : p.steps) {
    if (!s.step->rollback || !s.step->deploys) continue;
    if (s.step->location.empty() || p.touched(s.step->location)) return s.step->deploys;
    if (!back) back = s.step->deploys;
  }
  return back;
}

bool has_open_incident(const State& state, const TargetId& id) {
  if (id.service.empty()) {
    return std::ranges::any_of(state.incidents, [&](const auto& entry) { return entry.second.target == id; });
  }
  const auto* t = state.find(id);
  return t && t->open_incidents > 0;
}

const std::pair<const std::string, Incident>* open_incident(const State& state, const TargetId& id) {
  if (!has_open_incident(state, id)) return nullptr;
  const auto at = std::ranges::find_if(state.incidents, [&](const auto& entry) { return entry.second.target == id; });
  return at == state.incidents.end() ? nullptr : &*at;
}

}  // namespace headgate
