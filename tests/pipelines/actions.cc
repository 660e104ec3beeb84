// What may stand under given and when.
#include <algorithm>
#include <array>
#include <sstream>

#include "tests/pipelines/player.h"
#include "tests/pipelines/vocabulary.h"

namespace headgate::pipelines {
namespace {

using Kind = Outcome::Kind;

std::unexpected<Error> mistake(std::string text) {
  return fail(ErrorCode::invalid_input, std::move(text));
}

// "coverage 91 and critical 0"
Result<std::map<std::string, Decimal, std::less<>>> metrics_of(const std::string& text) {
  std::map<std::string, Decimal, std::less<>> metrics;
  std::istringstream in(text);
  for (std::string word; in >> word;) {
    if (word == "and") continue;
    std::string value;
    if (!(in >> value)) return mistake("metric " + word + " has no value");
    metrics[word] = Decimal{value};
  }
  return metrics;
}

// What is asked of the promotion that is under way in a place.
template <class Ask>
Result<void> of_promotion(Player& player, const std::string& who, Role role, const std::string& place, Ask ask) {
  HEADGATE_TRY(const auto id, player.place(place));
  HEADGATE_TRY(const auto* p, player.under_way(id));
  return player.ask(who, role, id, ask(*p));
}

Result<void> finish(Player& player, const Words& w, Kind kind) {
  HEADGATE_TRY(const auto id, player.place(w[1]));
  return player.finish(id, w[0], kind);
}

Result<void> roll_back(Player& player, const std::string& who, const std::string& place, const std::string& to,
                       bool restore, bool break_glass) {
  HEADGATE_TRY(const auto id, player.place(place));
  RollBack command;
  command.targets = {id};
  command.to = to;
  command.reason = who + " says so";
  command.restore = restore;
  command.break_glass = break_glass;
  return player.ask(who, break_glass ? Role::break_glass : Role::operator_, id, command);
}

// As the scopes of a rollback over HTTP: a group, or what is being brought in.
Result<void> roll_back_all(Player& player, const std::string& who, const std::string& environment,
                           const std::string& group, bool canaries) {
  HEADGATE_TRY(const auto any, player.place(environment));
  RollBack command;
  command.to = "previous";
  command.reason = who + " says so";
  command.named = false;
  for (const auto& [name, service] : player.world.state.services) {
    if (!service.document || !service.environments.contains(environment)) continue;
    const TargetId id{name, environment};
    const auto* p = player.live(id);
    const bool canary = p && p->deployed() && p->phase == Phase::running;
    if ((group.empty() || service.document->document.group == group) && (!canaries || canary)) {
      command.targets.push_back(id);
    }
  }
  return player.ask(who, Role::operator_, any, command);
}

Result<void> promote(Player& player, const Words& w, bool expedite) {
  HEADGATE_TRY(const auto id, player.place(w[2]));
  RequestPromotion command{id, player.release(id.service, w[1]), w[0] + " says so"};
  command.expedite = expedite;
  return player.ask(w[0], Role::operator_, id, command);
}

Outcome& measured(Player& player, const std::string& metric) {
  auto& outcome = player.measured[metric];
  outcome.kind = Kind::succeeded;
  return outcome;
}

constexpr std::array all{
    // ------------------------------------------------------------------------------------ what is there, what comes
    Sentence{"{release} of {service} runs in {places}",
             [](Player& p, const Words& w) -> Result<void> {
               p.speak_of(w[1], w[0]);
               HEADGATE_TRY(const auto ids, p.places(w[2]));
               return p.run_in(ids, w[0]);
             }},
    Sentence{"release {release} of {service}",
             [](Player& p, const Words& w) -> Result<void> { return p.register_release(w[0], w[1]); }},
    Sentence{"{release} of {service} is {release} under a new name",
             [](Player& p, const Words& w) -> Result<void> { return p.register_release(w[0], w[1], w[2]); }},
    Sentence{"{release} of {service} is pushed to {branch}",
             [](Player& p, const Words& w) -> Result<void> {
               p.speak_of(w[1], w[0]);
               const auto* service = p.world.state.service(w[1]);
               if (!service || !service->source) return mistake("service " + w[1] + " has no source");
               const auto& paths = service->source->paths;
               return p.push(w[0], w[2], {paths.empty() ? std::string("changed") : path_within(paths.front())});
             }},
    Sentence{"{release} is pushed to {branch} changing {path}",
             [](Player& p, const Words& w) -> Result<void> {
               p.version = w[0];
               return p.push(w[0], w[1], {w[2]});
             }},
    Sentence{"tag {tag} appears at {release}",
             [](Player& p, const Words& w) -> Result<void> { return p.tag(w[0], w[1]); }},
    Sentence{"the document of {place} wishes {release}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[0]));
               const auto* known = p.target(id);
               if (!known || !known->document) return mistake(to_string(id) + " has no Target document");
               auto target = known->document->document;
               target.release = p.release(id.service, w[1]);
               p.world.push(target, "person:setup");
               return {};
             }},
    Sentence{"{place} is seen to run {release}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[0]));
               if (w[1] == "nothing") return p.seen(id, {});
               return p.seen(id, {w[1], p.release(id.service, w[1]).artifacts});
             }},
    Sentence{"{place} is seen to run {release} with {variable} {text}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[0]));
               const StringMap variables{{w[2], w[3]}};
               return p.seen(id, {w[1], p.release(id.service, w[1]).artifacts, variables});
             }},
    Sentence{"{person} wrote {release}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(auto id, p.person(w[0]));
               p.authors[w[1]].push_back(std::move(id));
               return {};
             }},
    // -------------------------------------------------------------------------------------------------------- gates
    Sentence{"every gate passes", [](Player& p, const Words&) -> Result<void> { return p.report_all(p.version, {}); }},
    Sentence{"every gate but {gate} passes",
             [](Player& p, const Words& w) -> Result<void> { return p.report_all(p.version, w[0]); }},
    Sentence{"the gate {gate} passes",
             [](Player& p, const Words& w) -> Result<void> { return p.report(w[0], GateStatus::passed, {}); }},
    Sentence{"the gate {gate} passes with {metrics}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto metrics, metrics_of(w[1]));
               return p.report(w[0], GateStatus::passed, metrics);
             }},
    Sentence{"the gate {gate} fails",
             [](Player& p, const Words& w) -> Result<void> { return p.report(w[0], GateStatus::failed, {}); }},
    Sentence{"the run of the gate {gate} passes with {metrics}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto metrics, metrics_of(w[1]));
               return p.finish_gate(w[0], Kind::succeeded, metrics);
             }},
    Sentence{"the run of the gate {gate} fails",
             [](Player& p, const Words& w) { return p.finish_gate(w[0], Kind::unhealthy, {}); }},
    // --------------------------------------------------------------------------------------------------------- time
    Sentence{"{duration} pass",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto time, Player::duration(w[0]));
               p.pass(time);
               return {};
             }},
    Sentence{"it is {time}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto time, p.time(w[0]));
               if (time < p.world.now) return mistake("it is " + format_timestamp(p.world.now) + " already");
               p.pass(time - p.world.now);
               return {};
             }},
    // -------------------------------------------------------------------------------------- what the executor meets
    Sentence{"the {step} in {place} succeeds", [](Player& p, const Words& w) { return finish(p, w, Kind::succeeded); }},
    Sentence{"the {step} in {place} fails", [](Player& p, const Words& w) { return finish(p, w, Kind::terminal); }},
    Sentence{"the {step} in {place} asks for another try",
             [](Player& p, const Words& w) { return finish(p, w, Kind::retryable); }},
    Sentence{"the {step} in {place} answers at attempt {number}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[1]));
               return p.answers(id, w[0], static_cast<std::uint32_t>(std::stoul(w[2])));
             }},
    Sentence{"the {step} in {place} never answers",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[1]));
               return p.answers(id, w[0], 0);
             }},
    Sentence{"everything succeeds in {place}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[0]));
               return p.everything(id, {});
             }},
    Sentence{"everything succeeds in {place} up to {step}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[0]));
               return p.everything(id, w[1]);
             }},
    Sentence{"the {metric} is {number} on the candidate",
             [](Player& p, const Words& w) -> Result<void> {
               measured(p, w[0]).measured.value = Decimal{w[1]};
               return {};
             }},
    Sentence{"the {metric} is {number} on the candidate and {number} before",
             [](Player& p, const Words& w) -> Result<void> {
               measured(p, w[0]).measured.value = Decimal{w[1]};
               measured(p, w[0]).measured.baseline = Decimal{w[2]};
               return {};
             }},
    Sentence{"the {metric} has {number} samples",
             [](Player& p, const Words& w) -> Result<void> {
               measured(p, w[0]).measured.samples = Decimal{w[1]};
               return {};
             }},
    Sentence{"the {metric} cannot be measured",
             [](Player& p, const Words& w) -> Result<void> {
               auto& outcome = measured(p, w[0]);
               outcome.kind = Kind::retryable;
               outcome.reason = "no answer";
               return {};
             }},
    Sentence{"the {step} in {place} succeeds after {duration} away",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[1]));
               HEADGATE_TRY(const auto away, Player::duration(w[2]));
               return p.finish_after(id, w[0], away);
             }},
    // ----------------------------------------------------------------------------------------------------- monitors
    Sentence{"the monitor {monitor} of {environment} fails {number} times",
             [](Player& p, const Words& w) { return p.look({w[1], w[0]}, std::stoi(w[2]), false, {}); }},
    Sentence{"the monitor {monitor} of {environment} passes",
             [](Player& p, const Words& w) { return p.look({w[1], w[0]}, 1, true, {}); }},
    Sentence{"the monitor {monitor} of {environment} passes {number} times in {number} ms",
             [](Player& p, const Words& w) {
               return p.look({w[1], w[0]}, std::stoi(w[2]), true, std::chrono::milliseconds(std::stoi(w[3])));
             }},
    // ------------------------------------------------------------------------------------------------------- people
    Sentence{"{person} signs in with a password alone",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY_VOID(p.person(w[0]));
               p.one_factor.insert(w[0]);
               return {};
             }},
    Sentence{"{person} signs in with a second factor",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY_VOID(p.person(w[0]));
               p.one_factor.erase(w[0]);
               return {};
             }},
    Sentence{"{person} approves {place}",
             [](Player& p, const Words& w) {
               return of_promotion(p, w[0], Role::approver, w[1], [](const Promotion& of) {
                 return Approve{of.id, of.plan_digest, {}, {}};
               });
             }},
    Sentence{"{person} rejects {place}",
             [](Player& p, const Words& w) {
               return of_promotion(p, w[0], Role::approver, w[1], [](const Promotion& of) {
                 return Reject{of.id, "not now"};
               });
             }},
    Sentence{"{person} promotes {release} to {place}", [](Player& p, const Words& w) { return promote(p, w, false); }},
    Sentence{"{person} promotes {release} to {place} expedited",
             [](Player& p, const Words& w) { return promote(p, w, true); }},
    Sentence{"{person} promotes {release} to {location} of {place}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[3]));
               RequestPromotion command{id, p.release(id.service, w[1]), w[0] + " says so"};
               command.locations = {w[2]};
               return p.ask(w[0], Role::operator_, id, command);
             }},
    Sentence{"{person} expedites {place}",
             [](Player& p, const Words& w) {
               return of_promotion(p, w[0], Role::operator_, w[1], [](const Promotion& of) {
                 return ExpeditePromotion{of.id, "a security fix"};
               });
             }},
    Sentence{"{person} cancels {place}",
             [](Player& p, const Words& w) {
               return of_promotion(p, w[0], Role::operator_, w[1], [](const Promotion& of) {
                 return Cancel{of.id, "not now"};
               });
             }},
    Sentence{"{person} resumes {place}",
             [](Player& p, const Words& w) {
               return of_promotion(p, w[0], Role::operator_, w[1], [](const Promotion& of) {
                 return ResumePause{of.id, "looks fine"};
               });
             }},
    Sentence{"{person} overrides {place}",
             [](Player& p, const Words& w) {
               return of_promotion(p, w[0], Role::break_glass, w[1], [](const Promotion& of) {
                 return OverrideProtection{of.id, "it burns"};
               });
             }},
    Sentence{"{person} retries {place}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[1]));
               const auto* known = p.target(id);
               return p.ask(w[0], Role::operator_, id,
                            RetryPromotion{{id, known ? known->last_number : 0}, "the cause is mended"});
             }},
    Sentence{"{person} rolls back the group {group} in {environment}",
             [](Player& p, const Words& w) { return roll_back_all(p, w[0], w[2], w[1], false); }},
    Sentence{"{person} rolls back the canaries in {environment}",
             [](Player& p, const Words& w) { return roll_back_all(p, w[0], w[1], {}, true); }},
    Sentence{"{person} rolls back everything in {environment}",
             [](Player& p, const Words& w) { return roll_back_all(p, w[0], w[1], {}, false); }},
    Sentence{"{person} rolls back {place} to {release}",
             [](Player& p, const Words& w) { return roll_back(p, w[0], w[1], w[2], false, false); }},
    Sentence{"{person} rolls back {place} and restores",
             [](Player& p, const Words& w) { return roll_back(p, w[0], w[1], "previous", true, false); }},
    Sentence{"{person} breaks the glass and rolls back {place}",
             [](Player& p, const Words& w) { return roll_back(p, w[0], w[1], "previous", false, true); }},
    Sentence{"{person} rolls back {place}",
             [](Player& p, const Words& w) { return roll_back(p, w[0], w[1], "previous", false, false); }},
    Sentence{"{person} freezes {environment}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[1]));
               return p.ask(w[0], Role::operator_, id, SetFreeze{id.environment, {}, "it burns", {}});
             }},
    Sentence{"{person} lifts every freeze of {environment}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[1]));
               const auto freezes = p.world.state.freezes;
               for (const auto& [number, freeze] : freezes) {
                 if (freeze.environment != id.environment) continue;
                 HEADGATE_TRY_VOID(p.ask(w[0], Role::operator_, id, LiftFreeze{number, "it is over"}));
               }
               return {};
             }},
    Sentence{"{person} lifts the quarantine of {release}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto who, p.person(w[0]));
               return p.tell(ReinstateRelease{{p.service, w[1]}, "it was not its fault"}, who);
             }},
    Sentence{"{person} resolves the incident of {place}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[1]));
               for (const auto& [number, incident] : p.world.state.incidents) {
                 if (incident.target != id) continue;
                 return p.ask(w[0], Role::operator_, id, ResolveIncident{std::string(number), "reviewed"});
               }
               return mistake("no incident of " + to_string(id) + " is open");
             }},
    Sentence{"{person} adopts {place}",
             [](Player& p, const Words& w) -> Result<void> {
               HEADGATE_TRY(const auto id, p.place(w[1]));
               return p.ask(w[0], Role::operator_, id, AdoptTarget{id, "known"});
             }},
};

}  // namespace

std::span<const Sentence> actions() {
  return all;
}

}  // namespace headgate::pipelines
