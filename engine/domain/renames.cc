#include "engine/domain/renames.h"

#include <algorithm>

#include "engine/domain/flow.h"
#include "engine/domain/promote.h"

namespace headgate {
namespace {

void add_quarantine(ServiceState& service, const Quarantine& entry) {
  const bool known = std::ranges::any_of(
      service.quarantined, [&](const Quarantine& other) { return other.release.same_candidate(entry.release); });
  if (!known) service.quarantined.push_back(entry);
}

// Its releases and gates; the quarantine stays with the old name too, for what is under way there.
void carry_service(State& state, const std::string& from, const std::string& to) {
  const auto old = state.services.find(from);
  if (old == state.services.end() || old->second.document) return;
  auto& service = state.services[to];
  for (const auto& version : old->second.release_order) {
    const auto known = old->second.releases.find(version);
    if (service.releases.emplace(version, known->second).second) service.release_order.push_back(version);
  }
  for (const auto& key : old->second.gate_order) {
    const auto known = old->second.gates.find(key);
    if (service.gates.emplace(key, known->second).second) service.gate_order.push_back(key);
  }
  service.forgotten.merge(old->second.forgotten);
  while (service.release_order.size() > ServiceState::max_releases) {
    service.forget_release(service.release_order.begin());
  }
  for (; service.gate_order.size() > ServiceState::max_gate_results; service.gate_order.pop_front()) {
    service.gates.erase(service.gate_order.front());
  }
  for (const auto& entry : old->second.quarantined) add_quarantine(service, entry);
  if (!service.source) service.source = std::exchange(old->second.source, std::nullopt);
  old->second.releases.clear();
  old->second.forgotten.clear();
  old->second.release_order.clear();
  old->second.gates.clear();
  old->second.gate_order.clear();
}

bool has_history(const TargetState& t) {
  return t.current || t.promotion || t.desired || !t.verified.empty() || !t.held.empty() || !t.pinned.empty();
}

}  // namespace

std::optional<TargetId> Renames::of(const TargetId& old) const {
  if (const auto named = targets.find(old); named != targets.end()) return named->second;
  const auto service = services.find(old.service);
  const auto environment = environments.find(old.environment);
  if (service == services.end() && environment == environments.end()) return std::nullopt;
  return TargetId{service == services.end() ? old.service : service->second,
                  environment == environments.end() ? old.environment : environment->second};
}

void Renames::add(const Document& document) {
  if (const auto* service = std::get_if<Service>(&document); service && !service->formerly.empty()) {
    services.emplace(service->formerly, service->name);
  } else if (const auto* environment = std::get_if<Environment>(&document);
             environment && !environment->formerly.empty()) {
    environments.emplace(environment->formerly, environment->name);
  } else if (const auto* target = std::get_if<Target>(&document); target && target->formerly) {
    targets.emplace(*target->formerly, target->id);
  }
}

Renames renames_of(std::span<const Staged> staged) {
  Renames renames;
  for (const auto& entry : staged) {
    if (entry.document) renames.add(entry.document->document);
  }
  return renames;
}

void begin_renames(State& state, const Renames& renames, std::set<TargetId>* touched) {
  if (renames.empty()) return;
  for (const auto& [from, to] : renames.services) carry_service(state, from, to);
  for (auto& [id, freeze] : state.freezes) {
    if (const auto at = renames.environments.find(freeze.environment); at != renames.environments.end()) {
      freeze.environment = at->second;
    }
    for (auto& service : freeze.services) {
      if (const auto at = renames.services.find(service); at != renames.services.end()) service = at->second;
    }
  }
  std::map<TargetId, TargetId> pairs;
  std::set<TargetId> skipped;
  for (const auto& [old, t] : state.targets) {
    const auto to = renames.of(old);
    if (!to || *to == old || t.document) continue;
    // Renamed again before the first renaming was done: it skips the name in between.
    const auto earlier = state.renamed_from.find(old);
    if (earlier == state.renamed_from.end() && !has_history(t)) continue;
    const auto there = state.targets.find(*to);
    if (there != state.targets.end() && (there->second.current || there->second.promotion)) continue;
    pairs.emplace(earlier == state.renamed_from.end() ? old : earlier->second, *to);
    if (earlier == state.renamed_from.end()) continue;
    skipped.insert(old);
    state.renamed_to.erase(earlier->second);
    state.renamed_from.erase(earlier);
  }
  for (const auto& [from, to] : pairs) {
    state.renamed_to.insert_or_assign(from, to);
    state.renamed_from.insert_or_assign(to, from);
    if (touched) touched->insert(from);
  }
  for (const auto& id : skipped) reckon_flow(state, id);
  for (const auto& [from, to] : state.renamed_to) {
    reckon_flow(state, from);
    reckon_flow(state, to);
  }
}

const TargetId& called_now(const State& state, const TargetId& target) {
  const auto renamed = state.renamed_to.find(target);
  return renamed == state.renamed_to.end() ? target : renamed->second;
}

const TargetId& called_before(const State& state, const TargetId& target) {
  const auto renamed = state.renamed_from.find(target);
  return renamed == state.renamed_from.end() ? target : renamed->second;
}

std::optional<TargetId> called_since(const State& state, const TargetId& old) {
  const auto* known = state.find(old);
  if (known && !is_left_behind(state, old, *known)) return std::nullopt;
  Renames renames;
  for (const auto& [name, service] : state.services) {
    if (service.document) renames.services.emplace(service.document->document.formerly, name);
  }
  for (const auto& [name, environment] : state.environments) {
    renames.environments.emplace(environment.document.formerly, name);
  }
  for (const auto& [id, t] : state.targets) {
    if (t.document && t.document->document.formerly) renames.targets.emplace(*t.document->document.formerly, id);
  }
  std::set<TargetId> names{old};
  for (auto to = renames.of(old); to && names.insert(*to).second; to = renames.of(*to)) {
    const auto* there = state.find(*to);
    if (there && !is_left_behind(state, *to, *there)) return to;
  }
  return std::nullopt;
}

bool is_left_behind(const State& state, const TargetId& id, const TargetState& t) {
  return !t.document && !has_history(t) && !t.orphaned && !t.retiring && !t.failed && !t.back.failed &&
         t.open_incidents == 0 && !state.stage(id);
}

std::set<std::string> names_of(const State& state, const std::string& service) {
  std::set<std::string> names{service};
  for (const auto& [from, to] : state.renamed_to) {
    if (from.service == service) names.insert(to.service);
    if (to.service == service) names.insert(from.service);
  }
  return names;
}

Result<void> check_not_being_renamed(const State& state, const TargetId& target) {
  if (const auto from = state.renamed_from.find(target); from != state.renamed_from.end()) {
    return fail(ErrorCode::conflict, to_string(target) + " was called " + to_string(from->second) +
                                         ", where something is under way: wait for its end");
  }
  if (const auto to = state.renamed_to.find(target); to != state.renamed_to.end()) {
    return fail(ErrorCode::conflict, to_string(target) + " is called " + to_string(to->second) + " now");
  }
  return {};
}

void carry_over(State& state, const TargetRenamed& renamed) {
  state.renamed_to.erase(renamed.from);
  state.renamed_from.erase(renamed.target);
  auto& old = state.targets[renamed.from];
  auto known = std::move(old);
  old = {};
  // What is left of the old one: its numbers, which name promotions for ever, and a document that came since.
  old.last_number = known.last_number;
  old.document = std::exchange(known.document, std::nullopt);
  auto& t = state.targets[renamed.target];
  known.document = std::move(t.document);
  // Numbers go on: the way back tells by them what lies behind an irreversible step.
  known.last_number = std::max(known.last_number, t.last_number);
  known.orphaned = known.orphaned && !known.document;
  known.retiring = false;
  // Retries under the old name are over; what was left half done is not.
  if (known.held.empty()) known.back.failed.reset();
  for (const auto& person : people_inside(t)) add_unique(known.document_people, person);
  if (!known.observed) known.observed = std::move(t.observed);
  known.open_incidents += t.open_incidents;
  for (auto& [id, incident] : state.incidents) {
    if (incident.target == renamed.from) incident.target = renamed.target;
  }
  t = std::move(known);
}

}  // namespace headgate
