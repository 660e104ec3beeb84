#include <algorithm>

#include "engine/domain/decide.h"
#include "engine/domain/evolve_configuration.h"
#include "engine/domain/evolve_promotion.h"
#include "engine/domain/evolve_release.h"
#include "engine/domain/evolve_target.h"
#include "engine/domain/flow.h"
#include "engine/domain/gate_runs.h"
#include "engine/domain/locations.h"
#include "engine/domain/monitors.h"
#include "engine/domain/notifications.h"
#include "engine/domain/renames.h"
#include "engine/domain/rollback.h"
#include "engine/domain/rollout.h"
#include "engine/domain/self_heal.h"

namespace headgate {
namespace {

const PromotionId& promotion_of(const PromotionId& id) {
  return id;
}
const PromotionId& promotion_of(const StepId& id) {
  return id.promotion;
}

std::string how_it_ended(const Promotion& p) {
  auto text = p.phase == Phase::failed        ? "failed"
              : p.phase == Phase::rolled_back ? "was rolled back"
                                              : "was " + std::string(name_of(p.phase));
  return p.end_reason.empty() ? text : text + ": " + p.end_reason;
}

template <class E>
const PromotionId& promotion_of_event(const E& e) {
  if constexpr (requires { e.promotion; }) {
    return promotion_of(e.promotion);
  } else {
    return promotion_of(e.id);
  }
}

// ------------------------------------------------------------------------------------------------------ the state

struct StateEvolver : Evolving {
  // Everything about a promotion: its own part first, then what its end means for the target.
  template <OfPromotion E>
  void operator()(const E& e) {
    const auto& id = promotion_of_event(e);
    auto& t = target(id.target);
    touch(id.target);
    if constexpr (std::is_same_v<E, PromotionRetried>) retried(t, id);
    if constexpr (std::is_same_v<E, PromotionPlanned>) {
      t.promotion.emplace();
      t.back.wanted.reset();
      if (t.held.empty()) t.back.failed.reset();
      if (e.trigger == Trigger::manual || e.trigger == Trigger::rollback) somebody_wishes(t, e.to.release);
      t.last_number = std::max(t.last_number, id.number);
      state.active.insert(id.target);
      remember_planned(t, e);
      touch_in_line(id.target.environment);
    } else if (!t.promotion || t.promotion->id != id) {
      return;  // a late outcome of a promotion that has ended
    }
    if constexpr (std::is_same_v<E, PromotionAttributed>) state.attributes = true;
    auto& p = *t.promotion;
    const bool paused = state.effects_paused.has_value();
    const auto due_before = p.next_due(paused);
    PromotionEvolver{p, meta()}(e);
    p.last_position = meta().position;
    if constexpr (std::is_same_v<E, PromotionStarted>) p.effects_since = elapsed();
    if constexpr (std::is_same_v<E, StepSucceeded>) step_done(state, t, p, *p.find(e.id.step), meta().position);
    if constexpr (std::is_same_v<E, ActivityStarted>) {
      const auto* step = p.find(e.id.step);
      if (step->step->irreversible == true) t.back.irreversible = Irreversible{id.number, step->step->name};
    }
    if constexpr (std::is_same_v<E, RollbackStarted>) {
      const bool asked_for = !e.automatic || p.trigger == Trigger::rollback;
      if (asked_for && e.to != left_by(p)) leave(t, left_by(p).release);
      if (remembers_fulfilled(state, id.target, t) && t.current != e.to) leave_fulfilled(t, e.to);
    }
    keep_line(p);
    if (p.ended) {
      ended(id.target, t, e);
      touch_in_line(id.target.environment);
      if (due_before) state.wakeups.erase({*due_before, id.target});
      t.promotion.reset();
      state.active.erase(id.target);
      return;
    }
    if (const auto due = p.next_due(paused); due != due_before) {
      if (due_before) state.wakeups.erase({*due_before, id.target});
      if (due) state.wakeups.insert({*due, id.target});
    }
  }

  // Who is under way, and who waits for that.
  void keep_line(const Promotion& p) {
    const auto& id = p.id.target;
    const bool begun = !p.ended && p.phase != Phase::waiting;
    if (begun) {
      state.under_way[id.environment].insert(id.service);
    } else if (const auto at = state.under_way.find(id.environment); at != state.under_way.end()) {
      at->second.erase(id.service);
      if (at->second.empty()) state.under_way.erase(at);
    }
    const auto* step = p.ended ? nullptr : p.current();
    const bool waits = step && std::ranges::any_of(step->unmet, waits_in_line);
    if (waits) {
      state.in_line.insert(id);
    } else {
      state.in_line.erase(id);
    }
  }
  // A promotion came to its end in its locations: whether the target as a whole runs another release now.
  void ended_in_locations(const TargetId& id, TargetState& t, bool anew, bool back) {
    const auto whole = runs_as_a_whole(state, id);
    if (whole && (anew || *whole != t.current)) {
      now_runs(id, t, *whole);
      const auto remember = back ? remember_brought_back : remember_verified;
      if (t.current) remember(t, *t.current, meta().position);
      return;
    }
    t.held.clear();
    t.drifted = any_drifted(t);
    if (whole) {
      for (auto& [name, there] : t.locations) there.missed.reset();
    } else if (anew && t.current) {
      ended_mixed(state, id, t, *t.current);
    }
  }
  template <class E>
  void ended(const TargetId& id, TargetState& t, const E& e) {
    const auto& p = *t.promotion;
    const bool in_locations = has_locations(p) && !locations_of(state, id).empty();
    const auto brought_at = t.brought_at;
    if constexpr (std::is_same_v<E, PromotionSucceeded>) {
      if (in_locations) {
        ended_in_locations(id, t, false, false);
      } else {
        now_runs(id, t, p.retires() ? std::nullopt : std::optional(p.to));
        t.stable_slot = p.retires() ? std::string() : slot_after(p, t.stable_slot);
        if (!p.retires()) remember_verified(t, p.to, meta().position);
      }
      const bool brought = t.current == p.to && t.current_at == meta().position;
      if (brought && keeps_order(state, id)) remember_turn(t, p.trigger == Trigger::desired);
      t.promoted = t.current == p.to;
      t.failed.reset();
      if (p.trigger == Trigger::drift) t.brought_at = brought_at;
      remember_mended(t, p, elapsed());
      touch_service(id.service);  // stages that need it healthy here
    } else if constexpr (std::is_same_v<E, RollbackSucceeded>) {
      if (in_locations) {
        ended_in_locations(id, t, t.current != p.to, true);
      } else {
        const auto back = brought_back_by(p);
        now_runs(id, t, back);
        if (back) remember_brought_back(t, *back, meta().position);
        t.stable_slot = slot_after(p, t.stable_slot);
      }
      touch_service(id.service);  // stages that come after it begin to wait anew
    } else if constexpr (std::is_same_v<E, RollbackFailed>) {
      t.held = "the rollback of " + to_string(p.id) + " failed: " + e.reason;
    } else if constexpr (std::is_same_v<E, PromotionFailed>) {
      if (in_locations && p.rollback_began) {  // one location was taken back, the others stand
        t.held.clear();
        ended_mixed(state, id, t, p.to);
      } else if (p.deployed()) {
        t.held = to_string(p.id) + " failed after it had begun to deploy: " + e.reason;
      }
      if (!p.deployed() && irreversible_step_begun(p)) t.held = to_string(p.id) + " failed: " + e.reason;
    }
    constexpr bool not_a_failure = std::is_same_v<E, PromotionSucceeded> || std::is_same_v<E, PromotionSuperseded>;
    // What the engine cancels by itself (its stage has gone) may be tried again when the stage is back.
    const bool withdrawn = std::is_same_v<E, PromotionCancelled> && meta().actor == "engine";
    // It waits for its turn: under the new name of its target, or until there is a stage again.
    const bool renamed = std::is_same_v<E, PromotionSuperseded> && state.renamed_to.contains(id);
    const bool no_stage = withdrawn && follows_a_trigger(p.trigger) && !t.orphaned && !t.retiring && !t.back.wanted;
    if (renamed || no_stage) wish_again(t, p);
    remember_end(t, p);
    if (not_a_failure || withdrawn || p.trigger == Trigger::rollback) return;
    FailedAttempt failed{p.to,          p.trigger, p.asked_because, p.planned_at,   p.id.number,
                         p.plan_digest, {},        how_it_ended(p), meta().position};
    // Where no location was changed or named, the plan itself tells whether it is another one.
    if (in_locations && (p.deployed() || !p.locations.empty())) failed.policy = policy_of(state, id);
    remember_not_promoted(t, failed);
    if (t.desired == p.to || p.retires() || p.trigger == Trigger::drift) t.failed = std::move(failed);
  }

  // A promotion that failed is under way again.
  void retried(TargetState& t, const PromotionId& id) {
    if (t.promotion || !t.back.failed || std::as_const(t.back.failed)->id != id) return;
    t.promotion = std::move(t.back.failed);
    state.active.insert(id.target);
  }

  // Comes right behind promotion.planned: nothing is due or waits because of it.
  void operator()(const StepPlanned& e) {
    auto& t = target(e.id.promotion.target);
    if (!t.promotion || t.promotion->id != e.id.promotion) return;
    PromotionEvolver{*t.promotion, meta()}(e);
    t.promotion->last_position = meta().position;
  }
  void operator()(const BreakGlassUsed&) {}
  void operator()(const IncidentOpened& e) {
    state.incidents[e.id] = {e.target, e.promotion, e.release,       e.reason,    e.next,
                             e.freeze, {},          meta().position, meta().time, {}};
    ++state.last_incident;
    if (e.target.service.empty()) return;  // of an environment
    ++target(e.target).open_incidents;
    touch_service(e.target.service);
  }
  void operator()(const IncidentNoted& e) {
    const auto at = state.incidents.find(e.id);
    if (at == state.incidents.end()) return;
    auto& incident = at->second;
    if (incident.acknowledged_by.empty() && meta().actor != "engine") incident.acknowledged_by = meta().actor;
    if (!e.next.empty()) incident.next = e.next;
    if (!e.freeze.empty()) incident.freeze = e.freeze;
    incident.notes.push_back(e.note);
    if (incident.notes.size() > Incident::max_notes) incident.notes.erase(incident.notes.begin());
  }
  void operator()(const IncidentResolved& e) {
    const auto at = state.incidents.find(e.id);
    if (at == state.incidents.end()) return;
    const auto id = at->second.target;  // as it is called by now
    state.incidents.erase(at);
    if (id.service.empty()) return;
    auto& t = target(id);
    if (t.open_incidents > 0) --t.open_incidents;
    touch_service(id.service);
  }

  void operator()(const LogCreated& e) {
    state.origin = e.origin;
    state.verifier_key = e.verifier_key;
  }
  void operator()(const KeyRotated& e) { state.verifier_key = e.verifier_key; }
  void operator()(const BackupCompleted&) {}
  void operator()(const BackupVerified&) {}
  void operator()(const BackupFailed&) {}
  void operator()(const LogRestored&) {}
  void operator()(const EffectsPaused& e) { pause({{e.reason, meta().position, meta().time}}); }
  void operator()(const EffectsResumed&) { pause({}); }
  void pause(std::optional<EffectsPause> paused) {
    state.effects_paused = std::move(paused);
    reckon_wakeups();
    for (const auto& [id, t] : state.targets) {
      if (t.drifted) touch(id);  // to be mended from now on
    }
    for (const auto& [name, service] : state.services) {
      reckon_gates(state, name);
      touch_gates(name);
    }
  }
  // Anew, for every live promotion.
  void reckon_wakeups() {
    state.wakeups.clear();
    for (const auto& id : state.active) {
      const auto due = state.targets.at(id).promotion->next_due(state.effects_paused.has_value());
      if (due) state.wakeups.insert({*due, id});
      touch(id);
    }
  }
  void operator()(const EngineStarted&) {}
  void operator()(const EngineStopped&) {}
  void operator()(const ClockStepped& e) {
    const auto wall = state.wall_time(meta().time) + e.delta;
    state.behind = std::max(meta().time - wall, Duration::zero());
    state.slowed_since = meta().time;
    state.stepped += e.delta;
    const auto move = [&](std::optional<Timestamp>& due) {
      if (due) *due += e.delta;
    };
    const auto move_all = [&](Promotion& p) {
      for (auto& s : p.steps) {
        move(s.due);
        move(s.retry_due);
      }
      for (auto& a : p.approvals) a.expires += e.delta;
      for (auto& m : p.analysis) shift(m, e.delta);
    };
    for (const auto& id : state.active) move_all(*state.targets.at(id).promotion);
    for (auto& [id, t] : state.targets) {
      if (t.back.failed) move_all(*t.back.failed);  // it may be retried
    }
    reckon_wakeups();
    for (auto& [name, service] : state.services) {
      if (service.runs.active) move(service.runs.active->retry_due);
      reckon_gates(state, name);
    }
    const auto waiting = state.flow_wakeups;
    for (const auto& [due, id] : waiting) reckon_flow(state, id);
  }

  void operator()(const CommitObserved& e) {
    auto& r = state.repositories[e.repository];
    r.heads[e.branch] = e.sha;
    r.branch = e.branch;
    r.head = e.sha;
    add_unique(r.people, e.author);
    add_unique(r.people, e.committer);
    for (const auto& person : e.co_authors) add_unique(r.people, person);
    auto& c = state.configuration;
    if (e.repository != c.repository || e.sha != c.commit) return;
    c.rejected_commit.clear();  // the branch went back from it to what is in force
    c.diagnostics.clear();
  }
  void operator()(const HistoryRewritten& e) { state.repositories[e.repository].branch = e.branch; }
  void operator()(const RepositoryUnreachable& e) { state.repositories[e.repository].unreachable = e.reason; }
  void operator()(const RepositoryRecovered& e) { state.repositories[e.repository].unreachable.clear(); }

  template <OfConfiguration E>
  void operator()(const E& e) {
    ConfigurationEvolver{*this}(e);
  }
  template <OfTarget E>
  void operator()(const E& e) {
    TargetEvolver{*this}(e);
  }
  template <OfRelease E>
  void operator()(const E& e) {
    ReleaseEvolver{*this}(e);
  }
  void operator()(const MonitorFailed& e) { remember_monitor_failed(state, e, meta().position); }
  void operator()(const MonitorRecovered& e) { remember_monitor_recovered(state, e, meta().position); }
  void operator()(const MonitorSummarized& e) { remember_monitor_summary(state, e); }
  void operator()(const SlaViolated&) {}

  void touch_environment(const std::string& name) {
    if (!touched) return;
    for (const auto& id : state.active) {
      if (id.environment == name || called_now(state, id).environment == name) touched->insert(id);
    }
  }
  void operator()(const FreezeSet& e) {
    state.freezes[e.id] = {e.environment.text, e.services,      e.reason,   e.until,
                           meta().actor,       meta().position, meta().time};
    ++state.last_freeze;
    touch_environment(e.environment.text);
  }
  void operator()(const FreezeLifted& e) {
    state.freezes.erase(e.id);
    touch_environment(e.environment.text);
  }
  void operator()(const WindowExpanded& e) {
    state.windows[e.environment.text] = {e.from, e.until, e.intervals, meta().position};
    touch_environment(e.environment.text);
  }

  void operator()(const CommitVerified& e) {
    const auto [at, fresh] = state.signatures.try_emplace(e.commit);
    at->second = {e.verdict, e.signer, e.key, e.reason, meta().position};
    if (fresh) state.signature_order.push_back(e.commit);
    if (state.signature_order.size() > State::max_signatures) {
      state.signatures.erase(state.signature_order.front());
      state.signature_order.pop_front();
    }
    if (!touched) return;
    for (const auto& id : state.active) {
      if (state.targets.at(id).promotion->to.release.commit == e.commit) touched->insert(id);
    }
  }
  void operator()(const NotificationSent& e) { remember_told(state, e.receiver, e.about); }
  void operator()(const NotificationFailed& e) { remember_told(state, e.receiver, e.about); }

  void operator()(const TokenCreated& e) {
    revoke(e.id);
    state.tokens[e.id] = {e.hash, e.roles, e.expires, meta().time};
    state.token_hashes[e.hash] = e.id;
  }
  void operator()(const TokenRevoked& e) { revoke(e.id); }
  void revoke(const std::string& id) {
    const auto at = state.tokens.find(id);
    if (at == state.tokens.end()) return;
    state.token_hashes.erase(at->second.hash);
    state.tokens.erase(at);
  }
  void operator()(const AccessDenied&) {}
  void operator()(const AuditExported&) {}
  void operator()(const PersonErased&) {}

  // The receipt of a keyed request: its own events follow each other, caused by the first.
  void remember_request() {
    const auto& m = meta();
    if (!m.idempotency_key.empty()) {
      const auto key = m.actor + '\n' + m.idempotency_key;
      const auto [at, fresh] = state.requests.try_emplace(key);
      at->second = {m.request_digest, m.position, m.position};
      if (fresh) state.request_order.push_back(key);
      if (state.request_order.size() > State::max_requests) {
        state.requests.erase(state.request_order.front());
        state.request_order.pop_front();
      }
      return;
    }
    if (state.request_order.empty() || !m.cause || m.actor == "engine") return;
    auto& request = state.requests.at(state.request_order.back());
    if (*m.cause == request.first && m.position == request.last + 1) request.last = m.position;
  }
};

}  // namespace

void evolve(State& state, const Recorded<Event>& recorded, std::set<TargetId>* touched) {
  StateEvolver evolver{{state, recorded, touched}};
  evolver.remember_request();
  std::visit(evolver, recorded.event);
  state.next = recorded.meta.position + 1;
  state.last_time = recorded.meta.time;
}

}  // namespace headgate
