// People at the command line: who approves, cancels, freezes, goes back, and gives what is missing.
#include <algorithm>
#include <chrono>

#include "tests/domain/fixture.h"
#include "tests/sim/actors.h"

namespace headgate::sim {

void Actors::freeze_or_lift() {
  const auto& freezes = world_.state().freezes;
  if (!freezes.empty() && world_.chance(0.7)) {
    const auto id = freezes.begin()->first;
    world_.submit(LiftFreeze{id, "over"}, person());
    return;
  }
  SetFreeze command{world_.any_of(environment_names_), {}, "an audit", {}};
  if (world_.chance(0.3)) command.services = {world_.any_of(service_names_)};
  if (world_.chance(0.5))
    command.until = world_.now() + std::chrono::hours(1 + static_cast<long long>(world_.below(48)));
  world_.submit(command, person());
}

void Actors::roll_back_some() {
  RollBack command;
  const auto count = world_.chance(0.7) ? 1 : ids_.size();
  for (std::size_t i = 0; i < count; ++i) {
    const auto& id = count == 1 ? world_.any_of(ids_) : ids_[i];
    command.targets.push_back(id);
  }
  command.named = count == 1;
  command.to =
      world_.chance(0.7) ? "previous" : world_.any_of(candidates_[command.targets.front().service].releases).version;
  command.reason = reason("errors");
  command.scope = "some";
  command.restore = world_.chance(0.2);
  command.break_glass = world_.chance(0.3);
  world_.submit(command, person(), world_.chance(0.5) ? "rollback-" + std::to_string(++reports_) : "");
}

void Actors::go_on_after_failure() {
  const auto& incidents = world_.state().incidents;
  if (!incidents.empty() && world_.chance(0.4)) {
    const auto id = incidents.begin()->first;
    if (world_.chance(0.5)) world_.submit(NoteIncident{id, "on it"}, person());
    world_.submit(ResolveIncident{id, "it was the network"}, person());
    return;
  }
  std::vector<PromotionId> failed;
  for (const auto& [id, target] : world_.state().targets) {
    if (target.back.failed) failed.push_back(target.back.failed->id);
  }
  if (!failed.empty()) world_.submit(RetryPromotion{world_.any_of(failed), reason("again")}, person());
}

void Actors::expedite_some(const Promotion& p) {
  world_.submit(ExpeditePromotion{p.id, reason("a hole")}, person());
}

void Actors::override_some(const Promotion& p) {
  world_.submit(OverrideProtection{p.id, reason("it burns")}, person());
}

void Actors::approve(const PromotionId& id, const std::string& who) {
  const auto* p = world_.state().live(id);
  if (!p) return;
  const auto digest = world_.chance(0.95) ? p->plan_digest : "sha256:stale";
  const std::string team =
      world_.chance(0.7) ? "" : world_.any_of(std::vector<std::string>{"managers", "platform", "ghosts"});
  const bool stale = digest != p->plan_digest;
  if (world_.submit(Approve{id, digest, team, {}}, who) == World::Answer::accepted && stale) {
    world_.complain("an approval of another plan was accepted");
  }
}

void Actors::with_live_promotion(void (Actors::*action)(const Promotion&)) {
  const auto all = live();
  if (all.empty()) return;
  const Promotion copy = *world_.any_of(all);
  (this->*action)(copy);
}

void Actors::approve_some(const Promotion& p) {
  approve(p.id, person());
}

void Actors::reject_some(const Promotion& p) {
  world_.submit(Reject{p.id, reason("no")}, person());
}

void Actors::cancel_some(const Promotion& p) {
  world_.submit(Cancel{p.id, reason("stop")}, person());
}

void Actors::promote_by_hand() {
  const auto& id = world_.any_of(ids_);
  auto release = world_.chance(0.3) ? new_release(id.service) : world_.any_of(candidates_[id.service].releases);
  if (world_.chance(0.3)) release = {release.version, {}, {}};
  world_.submit(RequestPromotion{id, release, reason("by hand")}, person());
}

void Actors::give_what_is_missing(const PromotionId& id) {
  const auto missing = [&](std::string_view guard) {
    const auto* p = world_.state().live(id);
    if (!p) return false;
    const auto conditions = judge(world_.state(), *p, world_.now());
    return std::ranges::any_of(conditions, [&](const Condition& c) { return c.guard == guard && !c.met; });
  };
  if (missing("gates") || missing("maxAge") || missing("after")) {
    const auto release = world_.state().live(id)->to.release;
    for (const auto* gate : {"unit-tests", "scan", "lint"}) report_gate(id.target.service, release, gate, true);
  }
  for (const auto& who : people_) {
    if (missing("approvals") || missing("otherwise"))
      world_.submit(Approve{id, world_.state().live(id)->plan_digest, {}, {}}, who);
  }
}

// A crash may take any of it, so that it is done again until it is so.
void Actors::clear_the_way() {
  std::vector<Document> documents;
  for (const auto& [id, target] : world_.state().targets) {
    if (target.document) wishes_.try_emplace(id, target.document->document);  // it was to go, and the push was lost
  }
  for (auto& [id, wish] : wishes_) {
    const auto* target = world_.state().find(id);
    wish.suspend = false;
    if (!target || !target->document || target->document->document != wish) documents.emplace_back(wish);
  }
  if (!documents.empty()) push(std::move(documents));
  if (world_.state().effects_paused) world_.submit(ResumeEffects{"looked"}, person());
  std::vector<std::string> incidents;
  for (const auto& [id, incident] : world_.state().incidents) incidents.push_back(id);
  for (const auto& id : incidents) world_.submit(ResolveIncident{id, "it was the network"}, person());
  std::vector<std::string> freezes;
  for (const auto& [id, freeze] : world_.state().freezes) freezes.push_back(id);
  for (const auto& id : freezes) world_.submit(LiftFreeze{id, "over"}, person());
}

}  // namespace headgate::sim
