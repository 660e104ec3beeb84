// People at the command line: who approves, cancels, freezes, goes back, and gives what is missing.
#include <algorithm>
#include <array>
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
  SetFreeze command{world_.any_of(sites_).name, {}, "an audit", {}};
  if (world_.chance(0.3)) command.services = {world_.any_of(products_).name};
  if (world_.chance(0.5))
    command.until = world_.now() + std::chrono::hours(1 + static_cast<long long>(world_.below(48)));
  world_.submit(command, person());
}

void Actors::roll_back_some() {
  RollBack command;
  const auto count = world_.chance(0.7) ? 1 : ids_.size();
  for (std::size_t i = 0; i < count; ++i) {
    const auto& id = count == 1 ? some_target() : ids_[i];
    command.targets.push_back(id);
  }
  command.named = count == 1;
  command.to = world_.chance(0.7) ? "previous" : some_release(command.targets.front().service).version;
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

void Actors::resume_some(const Promotion& p) {
  const auto* step = p.current();
  if (!step || step->step->kind != StepKind::pause || step->unmet.empty()) return;
  world_.submit(ResumePause{p.id, reason("it looks good")}, person());
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

void Actors::retry_some(const Promotion& p) {
  world_.submit(RetryPromotion{p.id, reason("it hangs")}, person());
}

void Actors::promote_by_hand() {
  const auto& id = some_target();
  auto& of = product(id.service);
  const auto* target = world_.state().find(id);
  auto release = world_.chance(0.3) ? new_release(of) : world_.any_of(of.releases);
  if (world_.chance(0.3)) release = {release.version, {}, {}};
  std::vector<std::string> named;
  if (target && target->current && !target->locations.empty() && world_.chance(0.5)) {  // on demand
    release = target->current->release;
    for (const auto* location : {"ap", "us"}) {
      if (world_.chance(0.6)) named.emplace_back(location);
    }
  }
  const bool expedites = world_.chance(0.05);
  world_.submit(RequestPromotion{id, release, reason("by hand"), expedites, std::move(named)}, person());
}

// The guards that are not met.
std::set<std::string, std::less<>> Actors::missing(const PromotionId& id) const {
  std::set<std::string, std::less<>> guards;
  const auto* p = world_.state().live(id);
  if (!p) return guards;
  for (const auto& condition : judge(world_.state(), *p, world_.now())) {
    if (!condition.met) guards.insert(condition.guard);
  }
  return guards;
}

void Actors::give_what_is_missing(const PromotionId& id) {
  const auto asked = missing(id);
  if (asked.empty()) return;
  const auto release = world_.state().live(id)->to.release;
  if (asked.contains("signedCommit") && !release.commit.empty()) {
    for (const auto& who : people_) {
      CommitVerified good{"monorepo", release.commit, SignatureVerdict::good, who, "SHA256:" + who, {}};
      world_.submit(RecordSignature{std::move(good)}, "engine");
      if (!missing(id).contains("signedCommit")) break;
    }
  }
  if (asked.contains("authors")) {
    world_.submit(RecordAuthors{{id, "monorepo", {}, release.commit, true, 1, {}}}, "engine");
  }
  if (asked.contains("gates") || asked.contains("maxAge") || asked.contains("after")) {
    for (const auto* gate : {"unit-tests", "scan", "lint"}) report_gate(id.target.service, release, gate, true);
  }
  for (const auto& who : people_) {
    const auto still = missing(id);
    const auto approves = [&](const char* guard) { return still.contains(guard); };
    if (!std::ranges::any_of(std::to_array({"approvals", "otherwise", "extraApproval", "approveSwitch"}), approves))
      break;
    world_.submit(Approve{id, world_.state().live(id)->plan_digest, {}, {}}, who);
  }
  if (asked.contains("pause")) world_.submit(ResumePause{id, "it looks good"}, person());
}

bool Actors::waits_for_time(const Promotion& p) const {
  const auto conditions = judge(world_.state(), p, world_.now());
  return p.next_due(false) || std::ranges::any_of(conditions, [](const Condition& c) {
           return !c.met && (c.guard == "windows" || c.guard == "maintenance");
         });
}

// Whether nobody could say what it waits for, or everybody here has given what it says.
bool Actors::waits_in_vain(const Promotion& p) const {
  static const std::set<std::string, std::less<>> beyond_them{"quarantine",    "approvals",     "otherwise",
                                                              "extraApproval", "approveSwitch", "unknownAuthors",
                                                              "barred",        "locations"};
  const bool beside_another = live().size() > 1;
  const auto conditions = judge(world_.state(), p, world_.now());
  return std::ranges::none_of(conditions, [&](const Condition& c) {
    if (c.met) return false;
    if (c.guard == "gates") return !world_.state().service(p.id.target.service);  // there is none to report for
    if (c.guard == "suspend") return world_.state().configuration.proposal.has_value();
    if (c.guard == "signedCommit") return p.to.release.commit.empty();
    if (c.guard == "concurrency" || c.guard == "dependsOn") return beside_another;
    if (c.guard == "healthy") return beside_another || c.text.find("has drifted") == std::string::npos;
    return beyond_them.contains(c.guard);
  });
}

// A crash may take any of it, so that it is done again until it is so.
void Actors::clear_the_way() {
  while (!away_.empty()) {
    const auto name = *away_.begin();
    away_.erase(name);
    world_.submit(ReportRepository{name, {}}, "engine");
  }
  fetch();
  bool news = false;
  for (const auto& id : ids_) {
    const DocumentKey key{DocumentKind::target, id.service + "." + id.environment};
    if (!tree_.contains(key)) put(random_wish(id)), news = true;
    auto& target = std::get<Target>(tree_.at(key));
    news |= std::exchange(target.suspend, false);
  }
  if (news || !is_up_to_date()) commit();
  for (const auto& who : people_) {
    const auto& proposal = world_.state().configuration.proposal;
    if (proposal) world_.submit(ApproveConfiguration{proposal->change.digest, {}, {}}, who);
  }
  if (world_.state().effects_paused) world_.submit(ResumeEffects{"looked"}, person());
  std::vector<std::pair<TargetId, Release>> drifted;  // by the names that are in force
  for (const auto& [id, target] : world_.state().targets) {
    if (target.drifted && target.current && !target.promotion) drifted.emplace_back(id, target.current->release);
  }
  for (const auto& [id, release] : drifted) {
    world_.submit(RequestPromotion{id, release, "it has drifted", false, {}}, person());
  }
  std::vector<std::string> incidents;
  for (const auto& [id, incident] : world_.state().incidents) incidents.push_back(id);
  for (const auto& id : incidents) world_.submit(ResolveIncident{id, "it was the network"}, person());
  std::vector<std::string> freezes;
  for (const auto& [id, freeze] : world_.state().freezes) freezes.push_back(id);
  for (const auto& id : freezes) world_.submit(LiftFreeze{id, "over"}, person());
}

}  // namespace headgate::sim
