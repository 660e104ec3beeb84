#include "engine/domain/evolve_release.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/domain/flow.h"
#include "engine/domain/gate_runs.h"
#include "engine/domain/renames.h"

namespace headgate {
namespace {

// Whether a target of the service wants, runs or is about to get such a release.
bool any_in_use(const State& state, const std::string& name, const ServiceState& service, auto is) {
  const auto is_wished = [&](const auto& wish) { return wish && is(wish->release); };
  return std::ranges::any_of(service.environments, [&](const std::string& environment) {
    const auto& t = state.targets.at({name, environment});
    return is_wished(t.desired) || is_wished(t.current) || (t.document && is(t.document->document.release)) ||
           (t.promotion && is(t.promotion->to.release)) || (t.back.failed && is(t.back.failed->to.release)) ||
           (t.flow && std::ranges::any_of(t.flow->wishes, [&](const auto& wish) { return is(wish.to.release); }));
  });
}

}  // namespace

bool ReleaseEvolver::in_use(const std::string& name, const ServiceState& service, const std::string& version) const {
  const auto is = [&](const Release& release) { return release.version == version; };
  return any_in_use(state, name, service, is) ||
         std::ranges::any_of(service.environments, [&](const auto& environment) {
           const auto& verified = state.targets.at({name, environment}).verified;
           return std::ranges::any_of(verified, [&](const Wish& wish) { return is(wish.release); });
         });
}

// What targets want, run or may go back to is kept. The newest one is never the one to go.
void ReleaseEvolver::forget_oldest_release(const std::string& name, ServiceState& service) {
  const auto at = std::find_if(service.release_order.begin(), service.release_order.end() - 1,
                               [&](const std::string& version) { return !in_use(name, service, version); });
  if (at == service.release_order.end() - 1) return;
  service.forget_release(at);
}

// Whether the report counts for what a target wants, runs or is about to get.
bool ReleaseEvolver::is_needed(const std::string& name, const ServiceState& service, const GateKey& key) const {
  const auto tree_of = [&](const std::string& commit) -> const std::string* {
    if (!service.source) return nullptr;
    const auto at = service.source->trees.find(commit);
    return at == service.source->trees.end() ? nullptr : &at->second;
  };
  const auto* tree = tree_of(key.first);
  return any_in_use(state, name, service, [&](const Release& release) {
    if (gate_key(release.commit, release.version, key.second) == key) return true;
    const auto* other = tree ? tree_of(release.commit) : nullptr;
    return other && *other == *tree;
  });
}

// The oldest report that nobody needs: those that come before it are the last ones to be looked at again.
void ReleaseEvolver::forget_oldest_report(const std::string& name, ServiceState& service) {
  auto& order = service.gate_order;
  for (auto left = order.size() - 1; left > 0; --left) {
    if (!is_needed(name, service, order.front())) {
      service.gates.erase(order.front());
      order.pop_front();
      return;
    }
    order.push_back(std::move(order.front()));
    order.pop_front();
  }
}

void ReleaseEvolver::gates_changed(const std::string& service) {
  reckon_gates(state, service);
  touch_gates(service);
}

void ReleaseEvolver::operator()(const SourceObserved& e) {
  auto& source = state.services[e.service.text].source;
  if (!source) source.emplace();
  remember_source(*source, e, meta().position);
  touch_service(e.service.text);
}

void ReleaseEvolver::operator()(const ReleaseRegistered& e) {
  auto& service = state.services[e.id.service];
  const auto [at, fresh] = service.releases.try_emplace(e.id.version);
  at->second = {{e.id.version, e.commit, e.artifacts}, e.branch, e.tags, meta().position, meta().time};
  if (fresh) service.release_order.push_back(e.id.version);
  if (service.release_order.size() > ServiceState::max_releases) forget_oldest_release(e.id.service, service);
  touch_service(e.id.service);
}

void ReleaseEvolver::operator()(const ReleaseQuarantined& e) {
  for (const auto& service : names_of(state, e.id.service)) {
    state.services[service].quarantined.push_back({{e.id.version, e.commit, e.artifacts}, e.reason, meta().position});
    touch_service(service);
  }
}

void ReleaseEvolver::operator()(const ReleaseReinstated& e) {
  auto names = names_of(state, e.id.service);
  // Those that it had: what is known of them is carried over with each commit that has the document's formerly.
  for (auto name = e.id.service; const auto* service = state.service(name); name = service->formerly) {
    if (service->formerly.empty() || !names.insert(service->formerly).second) break;
  }
  for (const auto& service : names) reinstate(service, e.id.version);
}

void ReleaseEvolver::reinstate(const std::string& service, const std::string& version) {
  auto& list = state.services[service].quarantined;
  const auto at = std::ranges::find_if(list, [&](const Quarantine& q) { return q.release.version == version; });
  if (at != list.end()) {
    const auto release = at->release;
    std::erase_if(list, [&](const Quarantine& q) { return q.release.same_candidate(release); });
    for (const auto& environment : state.services[service].environments) {
      auto& t = target({service, environment});
      const auto failed_with_it = [&](const Boxed<FailedAttempt>& failed) {
        return failed && failed->wish.release.same_candidate(release);
      };
      if (failed_with_it(t.failed)) t.failed.reset();
      if (t.flow && failed_with_it(t.flow->failed)) {
        t.flow->failed->plan_digest.clear();  // another plan, as it were
        t.flow->failed->policy.reset();
      }
    }
  }
  touch_service(service);
}

void ReleaseEvolver::operator()(const GateReported& e) {
  auto& service = state.services[e.service.text];
  const auto key = gate_key(e.commit, e.version, e.gate);
  const auto [at, fresh] = service.gates.try_emplace(key);
  at->second = {e.status,        e.metrics,   e.url,     e.report,  e.after,
                meta().position, meta().time, elapsed(), e.summary, e.run};
  if (!fresh) {  // from the newest one on: a gate is mostly reported again soon
    const auto known = std::find(service.gate_order.rbegin(), service.gate_order.rend(), key);
    service.gate_order.erase(std::next(known).base());
  }
  service.gate_order.push_back(key);
  if (service.gate_order.size() > ServiceState::max_gate_results) forget_oldest_report(e.service.text, service);
  remember_run_reported(service.runs, e);
  gates_changed(e.service.text);
  touch_live(e.service.text);
}

void ReleaseEvolver::operator()(const GateScheduled& e) {
  remember_scheduled(state.services[e.service.text].runs, e, meta().time);
  gates_changed(e.service.text);
}

void ReleaseEvolver::operator()(const GateDue& e) {
  remember_due(state.services[e.service.text].runs, e, meta().position);
  gates_changed(e.service.text);
}

void ReleaseEvolver::operator()(const GateStarted& e) {
  remember_started(state.services[e.service.text].runs, e, meta().position);
  gates_changed(e.service.text);
}

void ReleaseEvolver::operator()(const GateRetried& e) {
  remember_retried(state.services[e.service.text].runs, e);
  gates_changed(e.service.text);
}

}  // namespace headgate
