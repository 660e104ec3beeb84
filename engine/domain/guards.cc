#include "engine/domain/guards.h"

#include <algorithm>
#include <array>

#include "engine/domain/approvals.h"
#include "engine/domain/authorship.h"
#include "engine/domain/conditions.h"
#include "engine/domain/flow.h"
#include "engine/domain/gate_runs.h"
#include "engine/domain/gates.h"
#include "engine/domain/locations.h"
#include "engine/domain/promote.h"
#include "engine/domain/record_size.h"
#include "engine/domain/renames.h"
#include "engine/domain/rollback.h"
#include "engine/domain/rollout.h"
#include "engine/domain/self_heal.h"
#include "engine/domain/windows.h"

namespace headgate {
namespace {

// --------------------------------------------------------------------------------------------------------- suspend

std::vector<Condition> judge_suspend(const State& state, const Promotion& p, Timestamp) {
  const auto* target = state.find(p.id.target);
  if (!target || !target->document || !target->document->document.suspend) return {};
  Condition c;
  c.guard = "suspend";
  c.file = target->document->source.file;
  c.line = target->document->source.line;
  c.commit = target->document->commit;
  c.text = "target " + to_string(p.id.target) + " is suspended";
  c.remedy = "set suspend: false in its document";
  return {std::move(c)};
}

// ------------------------------------------------------------------------------------------------------ quarantine

std::vector<Condition> judge_quarantine(const State& state, const Promotion& p, Timestamp) {
  if (p.retires()) return {};  // what is taken away may be as bad as it is
  Condition c;                 // set by hand or by evidence: no line of a document says so
  c.guard = "quarantine";
  const auto* entry = state.quarantine(p.id.target.service, p.to.release);
  c.met = entry == nullptr;
  if (c.met) {
    c.text = "release " + p.to.release.version + " is not quarantined";
  } else {
    c.text = "release " + p.to.release.version + " is quarantined: " + entry->reason;
    c.remedy = "promote another release, or lift it: headgate reinstate " + p.id.target.service + " " +
               entry->release.version + " --reason TEXT";
    c.events = {entry->position};
  }
  return {std::move(c)};
}

// ----------------------------------------------------------------------------------------------------------- gates

std::string subject_of(const Release& release) {
  return release.commit.empty() ? "version " + release.version : "commit " + release.commit.substr(0, 12);
}

std::string how_to_report(const Promotion& p, const Gate& gate) {
  const auto& release = p.to.release;
  auto command = "headgate gate report --service " + p.id.target.service +
                 (release.commit.empty() ? " --version " + release.version : " --commit " + release.commit) +
                 " --gate " + gate.name + " --status passed";
  for (const auto& [metric, threshold] : gate.metrics) {
    if (threshold.min || threshold.max) command += " --metric " + metric + "=NUMBER";
  }
  return command;
}

// Calls use(gate, latest report or null) for every gate that the promotion requires.
void for_each_gate(const State& state, const Promotion& p, auto use) {
  const auto* step = first_of(p, StepKind::gates);
  if (!step) return;
  const auto service = state.services.find(p.id.target.service);
  for (const auto& gate : step->step->gates) {
    use(gate, service == state.services.end() ? nullptr : service->second.gate(p.to.release, gate.name));
  }
}

// Where Headgate runs the gate itself, that is what helps.
void add_help(Condition& c, const State& state, const Promotion& p, const Gate& gate, Timestamp now) {
  auto help = gate_help(state, p.id.target.service, gate.name, p.to.release, now);
  if (help.text.empty()) return;
  c.text += "; " + help.text;
  c.remedy = "wait, or " + c.remedy;
  c.events.insert(c.events.end(), help.events.begin(), help.events.end());
}

// An error has found nothing that could be mended. Headgate runs a gate again for the next promotion, not for this one.
void tell_how_to_judge_again(Condition& c, const State& state, const Promotion& p, const Gate& gate,
                             const GateResult& result, Timestamp now) {
  c.remedy = "run it again and report it: " + how_to_report(p, gate);
  if (result.position < p.planned_at) return add_help(c, state, p, gate, now);
  const auto* service = state.service(p.id.target.service);
  if (!service) return;
  const auto known = std::ranges::find(service->gates, gate.name, &Gate::name);
  if (known == service->gates.end() || !known->run || !known->schedule.empty()) return;
  c.remedy = "to have Headgate run it again: headgate cancel " + to_string(p.id) + ", then headgate promote " +
             p.id.target.service + " --to " + p.id.target.environment + " --release " + p.to.release.version +
             "; or report it: " + how_to_report(p, gate);
}

std::vector<Condition> judge_gates(const State& state, const Promotion& p, Timestamp now) {
  std::vector<Condition> all;
  const auto subject = subject_of(p.to.release);
  for_each_gate(state, p, [&](const Gate& gate, const GateResult* result) {
    auto c = condition_of(p, "gates", gate.line);
    if (!result) {
      c.text = "gate " + gate.name + " is not reported for " + subject;
      c.remedy = "report it: " + how_to_report(p, gate);
      add_help(c, state, p, gate, now);
      all.push_back(std::move(c));
      return;
    }
    c.events = {result->position};
    auto [why, exceptions] = opinion_of(gate, *result);
    // A plan without an approval step has nobody who could agree.
    if (!exceptions.empty() && !first_of(p, StepKind::approval)) why = exceptions.front().text;
    c.met = why.empty();
    c.text = "gate " + gate.name + (c.met ? " passed for " + subject : ": " + why + ", for " + subject);
    if (!c.met && result->status == GateStatus::error) {
      tell_how_to_judge_again(c, state, p, gate, *result, now);
    } else if (!c.met) {
      c.remedy = "mend what it found and report it again, or promote another release";
    }
    all.push_back(std::move(c));
  });
  return all;
}

std::vector<Condition> judge_max_age(const State& state, const Promotion& p, Timestamp now) {
  std::vector<Condition> all;
  for_each_gate(state, p, [&](const Gate& gate, const GateResult* result) {
    if (!gate.max_age || !result) return;
    auto c = condition_of(p, "maxAge", gate.line);
    c.events = {result->position};
    c.due = result->measured + state.stepped + *gate.max_age;
    c.met = now < *c.due;
    c.text = "gate " + gate.name + " was reported within the last " + format_duration(*gate.max_age);
    if (!c.met) {
      c.text = "the report of gate " + gate.name + " is older than " + format_duration(*gate.max_age);
      c.remedy = "run it again and report it: " + how_to_report(p, gate);
      add_help(c, state, p, gate, now);
    }
    all.push_back(std::move(c));
  });
  return all;
}

std::vector<Condition> judge_after(const State& state, const Promotion& p, Timestamp) {
  std::vector<Condition> all;
  for_each_gate(state, p, [&](const Gate& gate, const GateResult* result) {
    if (gate.after.empty() || !result) return;
    auto c = condition_of(p, "after", gate.line);
    c.events = {result->position};
    const auto early = reported_too_early(gate, *result);
    c.met = early.empty();
    c.text = "gate " + gate.name +
             (c.met ? " was reported after what it comes after had passed"
                    : " was reported before these had passed: " + joined(early, ", "));
    if (!c.met) c.remedy = "once they have passed, report it again: " + how_to_report(p, gate);
    all.push_back(std::move(c));
  });
  return all;
}

// --------------------------------------------------------------------------------------------------------- healthy

std::vector<Condition> judge_healthy(const State& state, const Promotion& p, Timestamp) {
  std::vector<Condition> all;
  const auto* step = first_of(p, StepKind::gates);
  if (!step) return all;
  for (const auto& environment : step->step->healthy) {
    auto c = condition_of(p, "healthy", step->step->line);
    const TargetId id{p.id.target.service, environment};
    const auto* there = state.find(id);
    const auto name = "release " + p.to.release.version;
    const auto verified_at = there ? last_verified(*there, p.to.release) : std::nullopt;
    if (verified_at) c.events = {*verified_at};
    // What is wrong there bars every release that was verified there: none leaves it behind by being replaced.
    if (!verified_at) {
      c.text = name + " is not verified in " + environment;
      if (there && there->current && there->current->release.same_candidate(p.to.release)) {
        c.text = name + " was adopted in " + environment + ", and is not verified there";
        c.events = {there->current_at};
      }
      c.remedy = "promote it there first: headgate promote " + id.service + " --to " + environment + " --release " +
                 p.to.release.version;
    } else if (there->current && there->drifted) {
      c.text = to_string(id) + " has drifted from release " + there->current->release.version;
      c.remedy = "bring it back, or promote it there again";
      if (there->current_at != *verified_at) c.events.push_back(there->current_at);
    } else if (const auto* incident = open_incident(state, id)) {
      c.text = "an incident of " + to_string(id) + " is open";
      c.remedy = "resolve it: headgate incident list, headgate incident resolve";
      c.events.push_back(incident->second.position);
    } else {
      c.met = true;
      c.text = name + " is verified in " + environment;
    }
    all.push_back(std::move(c));
  }
  return all;
}

// --------------------------------------------------------------------------------------------------------- effects

std::vector<Condition> judge_effects(const State& state, const Promotion&, Timestamp) {
  if (!state.effects_paused) return {};
  Condition c;
  c.guard = "effects";
  c.text = "effects are paused: " + state.effects_paused->reason;
  c.remedy = "look at what differs, then headgate effects resume --reason TEXT";
  c.events = {state.effects_paused->position};
  return {std::move(c)};
}

// ------------------------------------------------------------------------------------------------------------ wait

std::vector<Condition> judge_wait(const State&, const Promotion& p, Timestamp) {
  const auto* step = first_of(p, StepKind::wait);
  if (!step) return {};
  auto c = condition_of(p, "wait", step->step->line);
  c.met = step->fired;
  if (step->timer > 0) c.events = {step->timer};
  c.text = (p.expedited.empty() ? "a wait of " : "an expedited wait of ") + format_duration(step->step->wait);
  if (c.met) {
    c.text += " is over";
  } else if (step->due) {
    c.text += " runs until " + format_timestamp(*step->due);
    c.remedy = "wait";
  } else {
    c.text += " begins when what comes before it is done";
    c.remedy = "see the other conditions";
  }
  return {std::move(c)};
}

// ------------------------------------------------------------------------------------------------ windows, freezes

std::vector<Condition> judge_windows(const State& state, const Promotion& p, Timestamp now) {
  const auto environment = state.environments.find(called_now(state, p.id.target).environment);
  if (environment == state.environments.end() || environment->second.document.windows.empty()) return {};
  const auto& [document, source, commit, since] = environment->second;
  const auto expanded = state.windows.find(document.name);
  const auto verdict =
      window_verdict(document.windows, expanded == state.windows.end() ? nullptr : &expanded->second, now);
  Condition c;
  c.guard = "windows";
  c.met = verdict.open;
  c.text = "environment " + document.name + ": " + verdict.text;
  c.file = source.file;
  c.line = verdict.line > 0 ? verdict.line : source.line;
  c.commit = commit;
  c.due = verdict.due;
  if (expanded != state.windows.end()) c.events = {expanded->second.position};
  if (c.met) return {std::move(c)};
  if (const auto& passed = p.window_override; passed && (!passed->until || now < *passed->until)) {
    c.met = true;
    c.text += "; " + passed->by + " let it pass: " + passed->reason;
    c.events.push_back(passed->position);
  } else {
    c.remedy = "wait, or with the role breakGlass: headgate override " + to_string(p.id) + " --reason TEXT";
  }
  return {std::move(c)};
}

std::vector<Condition> judge_freezes(const State& state, const Promotion& p, Timestamp now) {
  std::vector<Condition> all;
  const auto& target = called_now(state, p.id.target);
  for (const auto& [id, freeze] : state.freezes) {
    if (!freeze.in_force(now) || !freeze.covers(target)) continue;
    Condition c;
    c.guard = "freezes";
    c.text = "environment " + freeze.environment + " is frozen by " + freeze.by + " (freeze " + id + ")" +
             (freeze.until ? " until " + format_timestamp(*freeze.until) : "") + ": " + freeze.reason;
    c.events = {freeze.position};
    c.due = freeze.until;
    c.met = std::ranges::find(p.freezes_overridden, id) != p.freezes_overridden.end();
    if (c.met) {
      c.text += "; overridden";
    } else {
      c.remedy = "lift it: headgate unfreeze " + id + ", or with the role breakGlass: headgate override " +
                 to_string(p.id) + " --reason TEXT";
    }
    all.push_back(std::move(c));
  }
  return all;
}

constexpr std::array table{
    Guard{.name = "suspend", .step = StepKind::gates, .judge = judge_suspend},
    Guard{.name = "quarantine", .step = StepKind::gates, .judge = judge_quarantine, .verdict = true, .bars = true},
    Guard{.name = "barred", .step = StepKind::gates, .judge = judge_barred},
    Guard{.name = "gates", .step = StepKind::gates, .judge = judge_gates, .verdict = true, .evidence = true},
    Guard{.name = "maxAge", .step = StepKind::gates, .judge = judge_max_age},
    Guard{.name = "after", .step = StepKind::gates, .judge = judge_after, .verdict = true},
    Guard{.name = "healthy", .step = StepKind::gates, .judge = judge_healthy},
    Guard{.name = "signedCommit", .step = StepKind::gates, .judge = judge_signed_commit, .verdict = true},
    Guard{.name = "unknownAuthors", .step = StepKind::gates, .judge = judge_unknown_authors},
    Guard{.name = "authors", .step = StepKind::approval, .judge = judge_authors},
    Guard{.name = "approvals", .step = StepKind::approval, .judge = judge_approvals},
    Guard{.name = "otherwise", .step = StepKind::approval, .judge = judge_otherwise},
    Guard{.name = "extraApproval", .step = StepKind::approval, .judge = judge_extra_approval},
    Guard{.name = "wait", .step = StepKind::wait, .judge = judge_wait},
    Guard{.name = "effects", .step = StepKind::deploy, .judge = judge_effects, .holds = Holds::always},
    Guard{.name = "approveSwitch", .step = StepKind::approval, .judge = judge_approve_switch, .of_switch = true},
    Guard{.name = "pause", .step = StepKind::pause, .judge = judge_pause},
    Guard{.name = "windows",
          .step = StepKind::deploy,
          .judge = judge_windows,
          .overridable = true,
          .holds = Holds::unless_overrun},
    Guard{.name = "maintenance", .step = StepKind::deploy, .judge = judge_maintenance, .holds = Holds::unless_overrun},
    Guard{.name = "freezes", .step = StepKind::deploy, .judge = judge_freezes, .holds = Holds::always},
    Guard{.name = "concurrency", .step = StepKind::deploy, .judge = judge_concurrency, .in_line = true},
    Guard{.name = "dependsOn", .step = StepKind::deploy, .judge = judge_depends_on, .in_line = true},
    Guard{.name = "locations", .step = StepKind::deploy, .judge = judge_locations},
};

Result<Wish> within_bounds(Wish wish) {
  const auto bytes = stored_size_bound(wish);
  if (bytes <= max_wish_bytes) return wish;
  return fail(ErrorCode::too_large, "release " + wish.release.version + " with its variables takes up to " +
                                        std::to_string(bytes) + " bytes, at most " + std::to_string(max_wish_bytes) +
                                        ": shorten the variables or the artifacts");
}

Condition idle(const TargetState& t, std::string text, std::string remedy) {
  Condition c;
  c.guard = "idle";
  c.text = std::move(text);
  c.remedy = std::move(remedy);
  if (t.document) {
    c.file = t.document->source.file;
    c.line = t.document->source.line;
    c.commit = t.document->commit;
  }
  if (t.desired_at > 0) c.events = {t.desired_at};
  return c;
}

}  // namespace

std::span<const Guard> all_guards() {
  return table;
}

bool waits_in_line(const Condition& condition) {
  const auto at = std::ranges::find(table, condition.guard, &Guard::name);
  return at != table.end() && at->in_line;
}

std::vector<Condition> judge(const State& state, const Promotion& promotion, Timestamp now,
                             std::span<const Guard> guards, bool Guard::*column) {
  std::vector<Condition> all;
  for (const auto& guard : guards) {
    if (column && !(guard.*column)) continue;
    for (auto& condition : guard.judge(state, promotion, now)) all.push_back(std::move(condition));
  }
  return all;
}

std::vector<Condition> explain_live(const State& state, const Promotion& promotion, Timestamp now) {
  if (promotion.phase != Phase::rolling_back) return judge(state, promotion, now);
  auto all = judge_effects(state, promotion, now);
  if (const auto* step = promotion.current()) all.insert(all.end(), step->unmet.begin(), step->unmet.end());
  return all;
}

Result<Wish> resolve_wish(const State& state, const TargetId& target, const Release& release,
                          const StringMap& variables) {
  const ReleaseId id{target.service, release.version};
  const auto* registered = state.release(id);
  const bool complete = !release.commit.empty() || !release.artifacts.empty();
  if (!registered) {
    if (complete && state.was_another(target.service, release)) {
      return fail(ErrorCode::conflict, "release " + to_string(id) +
                                           " was registered with another commit or other artifacts: a release never "
                                           "changes, give all of them as they were, or the new one a new version");
    }
    if (complete) return within_bounds({release, variables});
    return fail(ErrorCode::not_found, "release " + to_string(id) +
                                          " is not registered: register it (headgate release register), or give its "
                                          "commit or artifacts");
  }
  const auto differs = [](const auto& asked, const auto& known) { return !asked.empty() && asked != known; };
  if (differs(release.commit, registered->release.commit) ||
      differs(release.artifacts, registered->release.artifacts)) {
    return fail(ErrorCode::conflict, "release " + to_string(id) +
                                         " is registered with another commit or other artifacts: a release never "
                                         "changes, give the new one a new version");
  }
  return within_bounds({registered->release, variables});
}

std::vector<Condition> explain_idle(const State& state, const TargetId& id, bool after_failure) {
  const auto* t = state.find(id);
  if (!t || t->promotion) return {};
  if (const auto from = state.renamed_from.find(id); from != state.renamed_from.end()) {
    return {
        idle(*t, "it was called " + to_string(from->second) + ", where something is under way", "wait for its end")};
  }
  if (t->document && t->document->document.suspend) {
    return {idle(*t, "the target is suspended", "set suspend: false in its document")};
  }
  if (!t->document) {
    if (t->retiring) {
      return {idle(*t, why_not_retired(state, id),
                   state.stage(id) ? "mend that, or put its document back"
                                   : "put the document of service " + id.service +
                                         " back until it is retired, or put the Target document back")};
    }
    if (t->orphaned) {
      return {idle(*t,
                   t->is_empty() ? "its Target document has gone, and nothing runs there"
                                 : "its Target document has gone; what runs there is left alone",
                   "write a Target document for it")};
    }
  }
  if (!t->held.empty()) {
    auto c = idle(*t, "held: " + t->held,
                  "look at what runs there, then headgate promote or headgate adopt " + to_string(id));
    if (const auto* known = open_incident(state, id); known && !known->second.next.empty()) {
      c.text += " (incident " + known->first + "; next: " + known->second.next + ")";
      c.remedy = known->second.next;
      c.events.push_back(known->second.position);
    }
    return {std::move(c)};
  }
  if (!t->pinned.empty()) {
    return {idle(*t, "pinned: " + t->pinned,
                 "headgate promote, or change the release in its document: the next wish unpins it")};
  }
  if (!t->document) {
    auto waits = explain_triggers(state, id);
    if (auto drift = after_failure ? explain_drift(state, id) : std::vector<Condition>{}; !drift.empty()) {
      waits.insert(waits.begin(), std::make_move_iterator(drift.begin()), std::make_move_iterator(drift.end()));
    }
    if (!waits.empty()) return waits;
    if (const auto name = called_since(state, id)) {
      return {idle(*t, "it is called " + to_string(*name) + " now", "headgate explain " + to_string(*name))};
    }
    return {idle(*t, "no Target document wishes anything here", "write a Target document for it, or promote by hand")};
  }
  const auto& document = t->document->document;
  const auto wish = resolve_wish(state, id, document.release, document.variables);
  if (!wish) return {idle(*t, wish.error().message, "register the release")};
  if (runs_everywhere(state, id, *wish)) return after_failure ? explain_drift(state, id) : std::vector<Condition>{};
  if (!state.stage(id) || !state.environments.contains(id.environment)) {
    return {idle(*t, "no stage of service " + id.service + " leads to " + id.environment,
                 "add a stage to the service's document")};
  }
  if (!locations_of(state, id).empty()) {
    if (const auto why = unknown_in_locations(state, id, *wish); !why.empty()) {
      return {idle(*t, why, "see the driver's observe; headgate adopt " + to_string(id) + ", or headgate promote")};
    }
  } else if (!t->current) {
    if (!t->observed) return {idle(*t, "not observed yet: nobody knows what runs there", "see the driver's observe")};
    if (!t->observed->version.empty() && !t->observed->shows(wish->release)) {
      return {idle(*t, "it runs " + t->observed->version + ", which Headgate did not bring there",
                   "headgate adopt " + to_string(id) + ", or headgate promote")};
    }
  }
  if (after_failure && t->failed && t->failed->wish == *wish) {
    std::vector<std::string> missing;
    for (const auto& [name, there] : t->locations) {
      if (there.missed == *wish) missing.push_back(name);
    }
    const auto& failed = *t->failed;
    auto c = idle(*t,
                  "the last promotion of release " + wish->release.version + " did not succeed" +
                      (missing.empty() ? "" : ": it does not run in " + names_of(missing)) + "; " +
                      to_string(PromotionId{id, failed.number}) + " " + failed.ended,
                  "change the wish or the policy, or headgate promote");
    if (failed.ended_at > 0) c.events.push_back(failed.ended_at);
    return {std::move(c)};
  }
  if (after_failure) {
    const DigestFunction no_digest = [](std::string_view) { return std::string(); };
    const auto plan = plan_for(state, {id, t->last_number + 1}, *wish, way_back_from(state, id, *wish), no_digest);
    if (!plan) return {idle(*t, plan.error().message, "see the service's document")};
  }
  return {};
}

}  // namespace headgate
