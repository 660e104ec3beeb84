// What may stand under then.
#include <algorithm>
#include <array>

#include "engine/domain/locations.h"
#include "engine/domain/monitors.h"
#include "engine/domain/notifications.h"
#include "engine/domain/rollout_plan.h"
#include "reconciler/monitor_tally.h"
#include "tests/pipelines/player.h"
#include "tests/pipelines/vocabulary.h"

namespace headgate::pipelines {
namespace {

std::unexpected<Error> found(std::string text) {
  return fail(ErrorCode::conflict, "found " + std::move(text));
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const auto& text : texts) all += (all.empty() ? "" : "; ") + text;
  return all.empty() ? "nothing" : all;
}

// How the last promotion of a place stands: one of the words of Phase.
std::string outcome_of(const Player& player, const TargetId& id) {
  std::string outcome = "none";
  for (const auto& record : player.world.log) {
    std::visit(
        [&](const auto& event) {
          using E = std::decay_t<decltype(event)>;
          if constexpr (requires { event.promotion.target; }) {
            if (event.promotion.target != id) return;
            if (std::is_same_v<E, PromotionPlanned>) outcome = "waiting";
            if (std::is_same_v<E, PromotionStarted>) outcome = "running";
            if (std::is_same_v<E, PromotionSucceeded>) outcome = "succeeded";
            if (std::is_same_v<E, PromotionFailed>) outcome = "failed";
            if (std::is_same_v<E, PromotionRejected>) outcome = "rejected";
            if (std::is_same_v<E, PromotionCancelled>) outcome = "cancelled";
            if (std::is_same_v<E, PromotionSuperseded>) outcome = "superseded";
            if (std::is_same_v<E, RollbackStarted>) outcome = "rolling back";
            if (std::is_same_v<E, RollbackSucceeded>) outcome = "rolled back";
            if (std::is_same_v<E, RollbackFailed>) outcome = "failed";
          }
        },
        record.event);
  }
  return outcome;
}

// Positions in the log at which the step of the place's last promotion began and succeeded; 0: it did not.
struct StepTimes {
  std::size_t begun = 0;
  std::size_t succeeded = 0;
};
StepTimes times_of(const Player& player, const TargetId& id, const std::string& step) {
  StepTimes times;
  for (std::size_t at = 0; at < player.world.log.size(); ++at) {
    const auto& event = player.world.log[at].event;
    if (const auto* planned = std::get_if<PromotionPlanned>(&event); planned && planned->promotion.target == id) {
      times = {};
    }
    if (const auto* begun = std::get_if<StepStarted>(&event);
        begun && begun->id.promotion.target == id && begun->id.step == step) {
      times.begun = at;
    }
    if (const auto* done = std::get_if<StepSucceeded>(&event);
        done && done->id.promotion.target == id && done->id.step == step) {
      times.succeeded = at;
    }
  }
  return times;
}

std::optional<std::string> open_incident(const Player& player, const TargetId& id) {
  for (const auto& [number, incident] : player.world.state.incidents) {
    if (incident.target == id) return incident.reason;
  }
  return std::nullopt;
}

// Of the traffic, by the last shift that succeeded.
std::uint32_t candidates_share(const Player& player, const TargetId& id) {
  const auto* p = player.live(id);
  const auto* target = player.target(id);
  std::uint32_t share = 0;
  if (!p || !target) return share;
  for (const auto& step : p->steps) {
    if (step.step->kind != StepKind::traffic || step.status != StepStatus::succeeded || !step.step->weight) continue;
    const auto& location = step.step->location;
    const auto candidate =
        candidate_slot(location.empty() ? target->stable_slot : at_location(*target, location).stable_slot);
    share = step.step->slot == candidate ? *step.step->weight : 100 - *step.step->weight;
  }
  return share;
}

// Whether an event of this name is of the place.
bool happened(const Player& player, std::string_view name, const TargetId& id) {
  return std::ranges::any_of(player.world.log, [&](const auto& record) {
    if (type_name(record.event) != name) return false;
    return std::visit(
        [&](const auto& event) {
          if constexpr (requires { event.promotion.target; }) {
            return event.promotion.target == id;
          } else if constexpr (requires { event.target == id; }) {
            return event.target == id;
          } else {
            return false;
          }
        },
        record.event);
  });
}

constexpr std::array all{
    Sentence{"{location} of {place} runs {release}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[1]));
               const auto* target = p.target(id);
               if (!target) return found("nothing there");
               const auto& there = at_location(*target, w[0]).current;
               const auto running = there ? there->release.version : "nothing";
               if (running == w[2]) return {};
               return found(running + " there");
             }},
    Sentence{"{place} runs {release}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[0]));
               const auto running = p.target(id) ? p.world.running(id) : "nothing";
               if (running == w[1]) return {};
               return found(running + " there");
             }},
    Sentence{"{place} waits: {text}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[0]));
               HEADGATE_TRY(const auto* live, p.under_way(id));
               auto texts = p.world.unmet(id);
               if (const auto* step = live->current()) {
                 for (const auto& condition : step->unmet) texts.push_back(condition.text);
               }
               if (pending_effect(p.world.state, id)) texts.clear();  // it does not wait
               if (std::ranges::any_of(texts, [&](const auto& t) { return t.find(w[1]) != std::string::npos; }))
                 return {};
               return found(joined(texts) + " that it waits for");
             }},
    Sentence{"the {step} in {place} is under way",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[1]));
               HEADGATE_TRY(const auto* live, p.under_way(id));
               const auto* step = live->current();
               if (step && step->step->name == w[0] && step->status == StepStatus::started) return {};
               return found(step ? "step " + step->step->name : std::string("no step"));
             }},
    Sentence{"the {step} in {place} is given {variable} {text}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[1]));
               const auto effect = pending_effect(p.world.state, id);
               if (!effect) return found("that nothing is under way");
               if (effect->id.step != w[0]) return found("step " + effect->id.step);
               const auto given = effect->to.variables.find(w[2]);
               if (given == effect->to.variables.end()) return found("no such variable");
               if (given->second == w[3]) return {};
               return found(given->second);
             }},
    Sentence{"the gate {gate} is being run for {release}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto run, p.gate_run(w[0]));
               if (run.to.release.version == w[1]) return {};
               return found(run.to.release.version);
             }},
    Sentence{"the {step} in {place} has succeeded",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[1]));
               if (times_of(p, id, w[0]).succeeded > 0) return {};
               return found("that it has not");
             }},
    Sentence{"the {step} in {place} never began",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[1]));
               if (times_of(p, id, w[0]).begun == 0) return {};
               return found("that it began");
             }},
    Sentence{"the {step} in {place} came before the {step}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[1]));
               const auto first = times_of(p, id, w[0]);
               const auto second = times_of(p, id, w[2]);
               if (first.succeeded > 0 && second.begun > first.succeeded) return {};
               return found(first.succeeded == 0 ? "that it has not succeeded" : "another order");
             }},
    Sentence{"nothing is planned in {place}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[0]));
               const auto* live = p.live(id);
               if (!live) return {};
               return found(to_string(live->id) + " to " + live->to.release.version);
             }},
    Sentence{"{release} is planned in {place}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[1]));
               HEADGATE_TRY(const auto* live, p.under_way(id));
               if (live->to.release.version == w[0]) return {};
               return found(live->to.release.version);
             }},
    Sentence{"the last promotion in {place} is {text}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[0]));
               const auto outcome = outcome_of(p, id);
               if (outcome == w[1]) return {};
               return found(outcome);
             }},
    Sentence{"a rollback has begun in {place}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[0]));
               const auto outcome = outcome_of(p, id);
               if (outcome == "rolling back") return {};
               return found("that the last promotion is " + outcome);
             }},
    Sentence{"{release} is quarantined",
             [](Player& p, const Words& w) -> Result<void> {
               if (p.world.state.quarantine(p.service, p.release(p.service, w[0]))) return {};
               return found("that it is not");
             }},
    Sentence{"{release} is not quarantined",
             [](Player& p, const Words& w) -> Result<void> {
               const auto* entry = p.world.state.quarantine(p.service, p.release(p.service, w[0]));
               if (!entry) return {};
               return found("that it is: " + entry->reason);
             }},
    Sentence{"an incident is open in {place}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[0]));
               if (open_incident(p, id)) return {};
               return found("none");
             }},
    Sentence{"no incident is open in {place}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[0]));
               const auto incident = open_incident(p, id);
               if (!incident) return {};
               return found("one: " + *incident);
             }},
    Sentence{"an incident was opened in {place}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[0]));
               const bool any = std::ranges::any_of(p.world.log, [&](const auto& record) {
                 const auto* opened = std::get_if<IncidentOpened>(&record.event);
                 return opened && opened->target == id;
               });
               if (any) return {};
               return found("none");
             }},
    Sentence{"{environment} is frozen",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[0]));
               const bool any = std::ranges::any_of(p.world.state.freezes, [&](const auto& freeze) {
                 return freeze.second.in_force(p.world.now) && freeze.second.covers(id);
               });
               if (any) return {};
               return found("no freeze");
             }},
    Sentence{"{receiver} is told of {event} in {place}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[2]));
               if (!happened(p, w[1], id)) return found("that it did not happen");
               for (const auto& [name, policy] : p.world.state.notification_policies) {
                 if (leads_to(policy.document.routes, w[0], w[1], id.environment)) return {};
               }
               return found("no route that leads there");
             }},
    Sentence{"{place} has drifted",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[0]));
               if (p.target(id) && p.target(id)->drifted) return {};
               return found("no drift");
             }},
    Sentence{"{place} has not drifted",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[0]));
               if (p.target(id) && !p.target(id)->drifted) return {};
               return found("drift");
             }},
    Sentence{"{place} is held",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[0]));
               if (p.target(id) && !p.target(id)->held.empty()) return {};
               return found("that nothing holds it");
             }},
    Sentence{"the candidate in {place} has {number} % of the traffic",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[0]));
               const auto share = std::to_string(candidates_share(p, id));
               if (share == w[1]) return {};
               return found(share + " %");
             }},
    Sentence{"a restore point of {release} is kept in {place}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[1]));
               const auto* known = p.target(id);
               const bool kept = known && known->back.restore_point && known->back.restore_point->of.version == w[0];
               if (kept) return {};
               return found("none");
             }},
    Sentence{"the approval of {person} in {place} is void",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto who, p.person(w[0]));
               HEADGATE_TRY(const auto id, p.place(w[1]));
               bool lost = false;
               for (const auto& record : p.world.log) {
                 const auto* granted = std::get_if<ApprovalGranted>(&record.event);
                 const auto* voided = std::get_if<ApprovalVoided>(&record.event);
                 const auto* expired = std::get_if<ApprovalExpired>(&record.event);
                 if (granted && granted->promotion.target == id && record.meta.actor == who) lost = false;
                 if (voided && voided->promotion.target == id && voided->approver == who) lost = true;
                 if (expired && expired->promotion.target == id && expired->approver == who) lost = true;
               }
               if (lost) return {};
               return found("that it counts, or was not given");
             }},
    Sentence{"the monitor {monitor} of {environment} is failing",
             [](Player& p, const Words& w) -> Result<void> {
               const auto* known = monitor_state(p.world.state, {w[1], w[0]});
               if (known && known->failing) return {};
               return found("that it is not");
             }},
    Sentence{"the monitor {monitor} of {environment} is not failing",
             [](Player& p, const Words& w) -> Result<void> {
               const auto* known = monitor_state(p.world.state, {w[1], w[0]});
               if (!known || !known->failing) return {};
               return found("that it is failing: " + known->reason);
             }},
    Sentence{"the monitor {monitor} of {environment} looks every {duration}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto expected, Player::duration(w[2]));
               HEADGATE_TRY(const auto* monitor, p.monitor({w[1], w[0]}));
               const auto every = reconciler::interval_at(*monitor, p.world.now);
               if (every == expected) return {};
               return found(format_duration(every));
             }},
    Sentence{"the monitor {monitor} of {environment} violates {text}",
             [](Player& p, const Words& w) -> Result<void> {
               for (const auto& record : p.world.log) {
                 const auto* e = std::get_if<SlaViolated>(&record.event);
                 if (e && e->environment.text == w[1] && e->monitor == w[0] && e->goal == w[2]) return {};
               }
               return found("no violation of it");
             }},
    Sentence{"an incident of {environment} is open: {text}",
             [](Player& p, const Words& w) -> Result<void> {
               std::vector<std::string> reasons;
               for (const auto& [number, incident] : p.world.state.incidents) {
                 if (incident.target != TargetId{{}, w[0]}) continue;
                 reasons.push_back(incident.reason);
                 reasons.insert(reasons.end(), incident.notes.begin(), incident.notes.end());
               }
               const auto says = [&](const std::string& text) { return text.find(w[1]) != std::string::npos; };
               if (std::ranges::any_of(reasons, says)) return {};
               return found(joined(reasons));
             }},
    Sentence{"{place} was away for {duration}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[0]));
               HEADGATE_TRY(const auto expected, Player::duration(w[1]));
               Duration longest{0};
               for (const auto& record : p.world.log) {
                 const auto* e = std::get_if<DowntimeMeasured>(&record.event);
                 if (e && e->id.promotion.target == id) longest = std::max(longest, e->longest);
               }
               if (longest == expected) return {};
               return found(format_duration(longest));
             }},
    Sentence{"{place} was away for longer than allowed",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[0]));
               for (const auto& record : p.world.log) {
                 const auto* e = std::get_if<DowntimeMeasured>(&record.event);
                 if (e && e->id.promotion.target == id && e->exceeded) return {};
               }
               return found("that it was not, or that nobody measured it");
             }},
    Sentence{"it took {duration}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto expected, Player::duration(w[0]));
               const auto took = p.world.now - p.row_began;
               if (took == expected) return {};
               return found(format_duration(took));
             }},
    Sentence{"it is refused: {text}",
             [](Player& p, const Words& w) -> Result<void> {
               const auto says = [&](const std::string& why) { return why.find(w[0]) != std::string::npos; };
               if (std::ranges::any_of(p.refused, says)) return {};
               return found(joined(p.refused));
             }},
};

}  // namespace

std::span<const Sentence> expectations() {
  return all;
}

}  // namespace headgate::pipelines
