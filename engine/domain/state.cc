#include "engine/domain/state.h"

#include <algorithm>

#include "engine/domain/rollout.h"

namespace headgate {

State::State() = default;
State::State(const State&) = default;
State::State(State&&) noexcept = default;
State& State::operator=(const State&) = default;
State& State::operator=(State&&) noexcept = default;
State::~State() = default;
bool State::operator==(const State&) const = default;

const LiveStep* Promotion::current() const {
  if (ended) return nullptr;
  const bool rollback = phase == Phase::rolling_back;
  const auto at = std::ranges::find_if(steps, [&](const LiveStep& s) {
    return s.step->rollback == rollback && s.status != StepStatus::succeeded && (!rollback || takes_back(s.step));
  });
  return at == steps.end() ? nullptr : &*at;
}

LiveStep* Promotion::find(std::string_view step) {
  const auto at = std::ranges::find_if(steps, [&](const LiveStep& s) { return s.step->name == step; });
  return at == steps.end() ? nullptr : &*at;
}

const LiveStep* Promotion::find(std::string_view step) const {
  return const_cast<Promotion*>(this)->find(step);
}

bool Promotion::deployed() const {
  return std::ranges::any_of(steps, [](const LiveStep& s) {
    return !s.step->rollback && s.step->kind == StepKind::deploy &&
           (s.attempt > 0 || s.activity != ActivityStatus::none);
  });
}

bool Promotion::retires() const {
  const auto forward = [&](StepKind kind) {
    return std::ranges::any_of(steps, [&](const LiveStep& s) { return !s.step->rollback && s.step->kind == kind; });
  };
  return forward(StepKind::retire) && !forward(StepKind::deploy);
}

std::optional<Timestamp> Promotion::next_due(bool effects_paused) const {
  if (ended) return std::nullopt;
  std::optional<Timestamp> next;
  const auto sooner = [&](const std::optional<Timestamp>& due) {
    if (due && (!next || *due < *next)) next = due;
  };
  if (const auto* step = current()) {
    if (!step->fired) sooner(step->due);
    if (!effects_paused || phase == Phase::waiting) sooner(step->until);
    // What a retry waits for besides is judged when that changes.
    if (!effects_paused && step->unmet.empty()) sooner(step->retry_due);
    if (const auto* look = effects_paused ? nullptr : next_measurement(*this, *step)) sooner(look->due);
  }
  if (phase == Phase::waiting) {
    for (const auto& approval : approvals) sooner(approval.expires);
  }
  return next;
}

bool Freeze::covers(const TargetId& target) const {
  return environment == target.environment &&
         (services.empty() || std::ranges::find(services, target.service) != services.end());
}

GateKey gate_key(const std::string& commit, const std::string& version, const std::string& gate) {
  return {commit.empty() ? "version:" + version : commit, gate};
}

namespace {

// FNV-1a: it keeps builds from being mixed up. A release that is made to collide gains nothing that a new version would
// not give it.
std::uint64_t fingerprint_of(const Release& release) {
  std::uint64_t hash = 14695981039346656037ULL;
  const auto add = [&](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    hash = (hash ^ 0xFF) * 1099511628211ULL;  // in no text
  };
  add(release.commit);
  for (const auto& [name, reference] : release.artifacts) {
    add(name);
    add(reference);
  }
  return hash;
}

}  // namespace

void ServiceState::forget_release(std::deque<std::string>::iterator at) {
  const auto known = releases.find(*at);
  forgotten.insert_or_assign(*at, fingerprint_of(known->second.release));
  releases.erase(known);
  release_order.erase(at);
}

const GateResult* ServiceState::gate(const Release& release, const std::string& name) const {
  const auto at = gates.find(gate_key(release.commit, release.version, name));
  const auto* latest = at == gates.end() ? nullptr : &at->second;
  const auto tree = source ? source->trees.find(release.commit) : decltype(source->trees.find(release.commit)){};
  if (!source || tree == source->trees.end()) return latest;
  for (const auto& [commit, other] : source->trees) {
    if (other != tree->second) continue;
    const auto reported = gates.find({commit, name});
    if (reported == gates.end() || (latest && reported->second.position <= latest->position)) continue;
    latest = &reported->second;
  }
  return latest;
}

const TargetState* State::find(const TargetId& id) const {
  const auto at = targets.find(id);
  return at == targets.end() ? nullptr : &at->second;
}

const Promotion* State::live(const PromotionId& id) const {
  const auto* target = find(id.target);
  return target && target->promotion && target->promotion->id == id ? &*target->promotion : nullptr;
}

const Service* State::service(std::string_view name) const {
  const auto at = services.find(name);
  return at == services.end() || !at->second.document ? nullptr : &at->second.document->document;
}

const Stage* State::stage(const TargetId& id) const {
  const auto* policy = service(id.service);
  if (!policy) return nullptr;
  const auto at = std::ranges::find(policy->stages, id.environment, &Stage::environment);
  return at == policy->stages.end() ? nullptr : &*at;
}

const RegisteredRelease* State::release(const ReleaseId& id) const {
  const auto owner = services.find(id.service);
  if (owner == services.end()) return nullptr;
  const auto at = owner->second.releases.find(id.version);
  return at == owner->second.releases.end() ? nullptr : &at->second;
}

bool State::was_another(const std::string& name, const Release& release) const {
  const auto owner = services.find(name);
  if (owner == services.end()) return false;
  const auto at = owner->second.forgotten.find(release.version);
  return at != owner->second.forgotten.end() && at->second != fingerprint_of(release);
}

const Quarantine* State::quarantine(std::string_view name, const Release& release) const {
  const auto owner = services.find(name);
  if (owner == services.end()) return nullptr;
  for (const auto& entry : owner->second.quarantined) {
    if (entry.release.same_candidate(release)) return &entry;
  }
  return nullptr;
}

const AccessPolicy* State::access() const {
  return configuration.access ? &configuration.access->document : nullptr;
}

Timestamp State::record_time(const Event& event, Timestamp now) const {
  // The jump itself is at the end of the time before it.
  const auto* step = std::get_if<ClockStepped>(&event);
  if (step && (step->delta < Duration::zero() || behind > Duration::zero())) now -= step->delta;
  const auto jumped_to = slowed_since - behind;
  if (now >= jumped_to && now < slowed_since + behind) now = slowed_since + (now - jumped_to + Duration(1)) / 2;
  return std::max(now, last_time);
}

Timestamp State::wall_time(Timestamp record) const {
  if (record < slowed_since || record >= slowed_since + behind) return record;
  return slowed_since - behind + (record - slowed_since) * 2;
}

}  // namespace headgate
