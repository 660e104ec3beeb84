#include "tests/sim/actors.h"

#include <algorithm>
#include <chrono>

#include "tests/domain/fixture.h"

namespace headgate::sim {

using namespace std::chrono_literals;  // NOLINT: lengths of time read better so

Actors::Actors(World& world) : world_(world) {
  for (const char* name : {"ann", "ben", "cat", "dan", "eve", "fay"}) people_.push_back("person:" + std::string(name));
  const std::vector<std::string> names{"gateway", "search", "billing"};
  const std::vector<std::string> environments{"development", "staging", "production"};
  service_names_.assign(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(1 + world_.below(2)));
  environment_names_.assign(environments.begin(),
                            environments.begin() + static_cast<std::ptrdiff_t>(1 + world_.below(3)));

  while (!world_.state().tokens.contains("token:root")) {
    world_.submit(CreateToken{"token:root", "hash of root", {Role::admin}, {}}, "engine");
  }
  if (world_.chance(0.4)) {
    governance_.push_back({"managers", 1 + static_cast<std::uint32_t>(world_.below(2)), 7});
    if (world_.chance(0.3)) governance_.push_back({"platform", 1, 8});
  }
  world_.govern(governance_);
  std::vector<Document> documents;
  policy_ = random_policy();
  documents.emplace_back(policy_);
  for (const auto& name : environment_names_) documents.emplace_back(random_environment(name));
  for (const auto& name : service_names_) {
    services_[name] = random_service(name);
    documents.emplace_back(services_[name]);
    for (int i = 0; i < 3; ++i) new_release(name);
    for (const auto& environment : environment_names_) {
      const TargetId id{name, environment};
      ids_.push_back(id);
      wishes_[id] = random_wish(id);
      documents.emplace_back(wishes_[id]);
    }
  }
  push(std::move(documents));
  for (int tries = 0; tries < 50 && world_.state().configuration.proposal; ++tries) {
    world_.submit(ApproveConfiguration{world_.state().configuration.proposal->change.digest, {}, {}}, "token:root");
  }
}

// ----------------------------------------------------------------------------------------------------- what there is

Stage Actors::random_stage(const std::string& environment, const std::vector<std::string>& before) {
  auto s = test::stage(environment);
  for (const auto* gate : {"unit-tests", "scan", "lint"}) {
    if (world_.chance(0.25)) s.gates.emplace_back(gate);
  }
  if (!before.empty() && world_.chance(0.5)) s.healthy = {before.back()};
  if (world_.chance(0.4)) s.approvals.push_back({"managers", 1 + static_cast<std::uint32_t>(world_.below(2)), 35});
  if (world_.chance(0.2)) s.approvals.push_back({"platform", 1, 36});
  s.self_approval = world_.chance(0.15);
  s.approval_expiry = world_.chance(0.5) ? Duration(1h) : Duration(24h);
  s.wait = world_.any_of(std::vector<Duration>{0s, 0s, 10min, 2h});
  if (world_.chance(0.3)) s.before.push_back(test::hook("backup"));
  if (world_.chance(0.2)) s.before.push_back(test::hook("migrate"));
  if (world_.chance(0.6)) s.verify.push_back(test::health("smoke"));
  if (world_.chance(0.3)) s.verify.push_back(test::health("deep"));
  s.rollback_automatic = world_.chance(0.8);
  s.rollback_quarantine = world_.chance(0.8);
  for (auto& hook : s.before) {
    if (hook.name == "backup" && world_.chance(0.5)) {
      hook.keeps = "point";
      s.restore = Restore{"point", test::script({"hooks/restore.sh"}), 80};
    }
    hook.irreversible = hook.name == "migrate" && world_.chance(0.5);
  }
  if (world_.chance(0.3)) s.expedite = Expedite{{}, Duration(1min), 90};
  return s;
}

Service Actors::random_service(const std::string& name) {
  std::vector<Stage> stages;
  std::vector<std::string> before;
  for (const auto& environment : environment_names_) {
    if (world_.chance(0.95)) stages.push_back(random_stage(environment, before));
    before.push_back(environment);
  }
  auto s = test::service(std::move(stages));
  s.name = name;
  if (world_.chance(0.3)) s.gates[0].metrics["coverage"].min = Decimal{"92.125"};
  if (world_.chance(0.3)) s.gates[1].metrics["critical"].otherwise = Otherwise::approval;
  if (world_.chance(0.2)) s.gates[1].after = {"unit-tests"};
  if (world_.chance(0.2)) s.gates[2].after = {"unit-tests", "scan"};
  if (world_.chance(0.3)) s.gates[world_.below(3)].max_age = world_.chance(0.5) ? Duration(4h) : Duration(24h);
  if (world_.chance(0.4)) s.gates[2].run = test::script({"hooks/lint.sh", "${release.version}"});
  if (world_.chance(0.3)) {
    s.gates[1].run = test::script({"hooks/scan.sh", "${release.version}"});
    s.gates[1].schedule = "0 */6 * * *";
  }
  return s;
}

Environment Actors::random_environment(const std::string& name) {
  auto place = test::environment(name, world_.chance(0.5));
  if (world_.chance(0.3)) place.self_heal = SelfHealRule{world_.chance(0.3), 9};
  for (auto n = world_.chance(0.4) ? 1 + world_.below(2) : 0; n > 0; --n) {
    Window window;
    window.kind = world_.chance(0.6) ? WindowKind::allow : WindowKind::deny;
    window.schedule = std::to_string(world_.below(60)) + " 9 * * *";
    window.duration = 8h;
    window.time_zone = "UTC";
    place.windows.push_back(std::move(window));
  }
  if (world_.chance(0.3)) place.overrun = false;
  if (world_.chance(0.3)) {
    const auto from = world_.now() + std::chrono::hours(world_.below(48));
    place.maintenance = {{"upgrade", from, from + std::chrono::hours(1 + world_.below(12)), 8}};
  }
  for (const auto* monitor : {"api", "certificate"}) {
    if (!world_.chance(0.5)) continue;
    Monitor m;
    m.name = monitor;
    m.check = test::health(monitor);
    m.every = 1min;
    m.failure_limit = 2;
    if (m.name == "api") {
      m.services = service_names_;
      m.on_failure = world_.chance(0.7) ? OnMonitorFailure::rollback : OnMonitorFailure::incident;
      if (world_.chance(0.5)) m.sla = Sla{6h, Decimal{"90"}, {{95, 1s, 9}}, 9};
    }
    place.monitors.push_back(std::move(m));
  }
  return place;
}

// What the watch outside tells of one, whatever is known of it already.
void Actors::look_by_a_monitor() {
  std::vector<MonitorId> all{{"development", "ghost"}};
  for (const auto& [name, environment] : world_.state().environments) {
    for (const auto& monitor : environment.document.monitors) all.push_back({name, monitor.name});
  }
  const auto id = world_.any_of(all);
  if (world_.chance(0.3)) {
    const auto checks = 1 + world_.below(60);
    MonitorSummarized seen{{id.environment},
                           id.name,
                           std::chrono::floor<std::chrono::hours>(world_.now()),
                           checks,
                           world_.below(checks + 1),
                           {{500, checks / 2}, {5'000, world_.below(3)}},
                           {}};
    world_.submit(SummarizeMonitor{std::move(seen)}, "engine");
    return;
  }
  const auto since = world_.now() - std::chrono::minutes(world_.below(90));
  world_.submit(ReportMonitor{id, world_.chance(0.4), 1 + static_cast<std::uint32_t>(world_.below(4)), since,
                              reason("no answer")},
                "engine");
}

// What the reconciler does: every window, whatever its schedule says, is from some hour on for ten hours a day.
void Actors::expand_windows() {
  std::vector<ExpandWindows> due;
  for (const auto& [name, environment] : world_.state().environments) {
    const auto& windows = environment.document.windows;
    const auto known = world_.state().windows.find(name);
    const bool good = known != world_.state().windows.end() && known->second.from <= world_.now() &&
                      world_.now() + 24h < known->second.until;
    if (windows.empty() || good) continue;
    const auto from = world_.now() - 24h;
    ExpandWindows command{windows, {{name}, from, from + 480h, "2024a", {}}};
    for (std::uint32_t i = 0; i < windows.size(); ++i) {
      const auto offset = std::chrono::hours(windows[i].kind == WindowKind::deny ? 12 : world_.below(4));
      for (int day = 0; day < 20; ++day) {
        const auto begin = from + std::chrono::hours(24 * day) + offset;
        command.expanded.intervals.push_back({i, begin, begin + 10h});
      }
    }
    due.push_back(std::move(command));
  }
  for (const auto& command : due) world_.submit(command, "engine");
  std::vector<ExpandGateSchedule> gates;
  for (const auto& [name, service] : world_.state().services) {
    if (!service.document) continue;
    for (const auto& gate : service.document->document.gates) {
      const auto& all = service.runs.schedules;
      const auto known = std::ranges::find(all, gate.name, &GateSchedule::gate);
      if (gate.schedule.empty() || (known != all.end() && world_.now() + 24h < known->until)) continue;
      ExpandGateSchedule command{{{name}, gate.name, gate.schedule, world_.now() + 96h, {}}};
      for (auto at = world_.now() + 6h; at < command.expanded.until; at += 6h) command.expanded.times.push_back(at);
      gates.push_back(std::move(command));
    }
  }
  for (const auto& command : gates) world_.submit(command, "engine");
}

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

AccessPolicy Actors::random_policy() {
  AccessPolicy policy;
  policy.name = "access";
  for (const auto& id : people_) policy.people.push_back({id, {}});
  for (const auto* name : {"managers", "platform"}) {
    Team team{name, {}};
    for (const auto& id : people_) {
      if (world_.chance(0.6)) team.members.push_back(id);
    }
    policy.teams.push_back(team);
    policy.grants.push_back({name,
                             {},
                             {},
                             Role::approver,
                             world_.chance(0.9) ? std::vector<std::string>{"*"} : std::vector<std::string>{"staging"},
                             {"*"}});
  }
  policy.grants.push_back({{}, people_[0], {}, Role::approver, {"*"}, {"*"}});
  return policy;
}

std::string Actors::reason(const std::string& text) {
  if (!world_.chance(0.1)) return text;
  auto longer = std::string(world_.below(3), 'x') + text + ": ";
  while (longer.size() + 3 <= 4'096) longer += "€";
  return longer;
}

std::string Actors::next_commit() {
  return test::commit_id(1'000'000 + ++commits_);
}

Release Actors::new_release(const std::string& service) {
  auto& known = candidates_[service].releases;
  Release release{"v" + std::to_string(known.size() + 1),
                  next_commit(),
                  {{"image", "registry.example.com/x@sha256:" + std::to_string(commits_)}}};
  const auto dice = world_.below(10);
  if (dice == 0 && !known.empty()) {  // another version of the same candidate
    release.commit = known.back().commit;
    release.artifacts = known.back().artifacts;
  } else if (dice == 1) {
    release.commit.clear();
  } else if (dice == 2) {
    release.artifacts.clear();
  } else if (dice == 3 && !known.empty() && !known.back().commit.empty()) {  // a version that reads like a commit
    release.version = known.back().commit;
    if (world_.chance(0.5)) release.commit.clear();
    if (std::ranges::find(known, release.version, &Release::version) != known.end())
      release.version = "v" + std::to_string(known.size() + 1);
  }
  known.push_back(release);
  return release;
}

Target Actors::random_wish(const TargetId& id) {
  Target target;
  target.id = id;
  target.release = world_.chance(0.6) ? new_release(id.service) : world_.any_of(candidates_[id.service].releases);
  if (world_.chance(0.3)) target.variables["replicas"] = std::to_string(world_.below(3));
  target.suspend = world_.chance(0.05);
  if (world_.chance(0.4)) target.on_delete = OnDelete::retire;
  if (world_.chance(0.2)) {  // only the version: it may not be registered yet
    target.release.commit.clear();
    target.release.artifacts.clear();
  }
  return target;
}

std::vector<const Promotion*> Actors::live() const {
  std::vector<const Promotion*> all;
  for (const auto& id : world_.state().active) all.push_back(&*world_.state().find(id)->promotion);
  return all;
}

// ---------------------------------------------------------------------------------------------------------------
// pushes

// What the reconciler does with one fetch; whatever a crash took is done again.
void Actors::push(std::vector<Document> documents, std::vector<DocumentKey> removed) {
  ObserveCommits observed{"environments", "main", {}, {}};
  const auto count = 1 + world_.below(3);
  for (std::size_t i = 0; i < count; ++i) {
    CommitObserved commit;
    commit.repository = "environments";
    commit.branch = "main";
    commit.sha = next_commit();
    commit.author = person();
    commit.committer = world_.chance(0.8) ? commit.author : person();
    if (world_.chance(0.2)) commit.co_authors = {person()};
    observed.commits.push_back(std::move(commit));
  }
  const auto sha = observed.commits.back().sha;
  const auto lines_moved = static_cast<std::uint32_t>(world_.below(3));
  StageDocuments staged{sha, {}, std::move(removed)};
  for (auto& document : documents) {
    const auto key = key_of(document);
    staged.accepted.push_back({{key.name + ".yaml", 1 + lines_moved, sha}, std::move(document)});
  }
  for (const auto& command :
       {Command(observed), Command(staged), Command(AcceptConfiguration{"environments", sha, governance_, {}})}) {
    for (int tries = 0; tries < 50 && world_.submit(command, "engine") == World::Answer::none; ++tries) {
    }
  }
}

void Actors::push_something() {
  std::vector<Document> documents;
  std::vector<DocumentKey> removed;
  const auto dice = world_.below(20);
  if (dice < 13) {
    for (std::size_t i = 0; i <= world_.below(2); ++i) {
      const auto& id = world_.any_of(ids_);
      std::erase_if(documents,
                    [&](const Document& d) { return std::get<Target>(d).id == id; });  // a commit has it once
      wishes_[id] = random_wish(id);
      documents.emplace_back(wishes_[id]);
    }
  } else if (dice == 13 && world_.chance(0.4)) {
    return remove_many();
  } else if (dice == 13) {
    const auto& id = world_.any_of(ids_);
    if (wishes_.erase(id) > 0) removed.push_back({DocumentKind::target, id.service + "." + id.environment});
  } else if (dice < 17) {
    const auto& name = world_.any_of(service_names_);
    services_[name] = random_service(name);
    documents.emplace_back(services_[name]);
  } else if (dice == 17) {
    documents.emplace_back(random_environment(world_.any_of(environment_names_)));
  } else if (dice == 18) {
    policy_ = random_policy();
    documents.emplace_back(policy_);
  } else {
    const auto& id = world_.any_of(ids_);
    if (wishes_.contains(id)) {
      wishes_[id].suspend = !wishes_[id].suspend;
      documents.emplace_back(wishes_[id]);
    }
  }
  push(std::move(documents), std::move(removed));
}

// Every target of a service, or of an environment.
void Actors::remove_many() {
  std::vector<DocumentKey> removed;
  const bool of_service = world_.chance(0.5);
  const auto name = world_.any_of(of_service ? service_names_ : environment_names_);
  for (const auto& id : ids_) {
    if ((of_service ? id.service : id.environment) != name || wishes_.erase(id) == 0) continue;
    removed.push_back({DocumentKind::target, id.service + "." + id.environment});
  }
  push({}, std::move(removed));
}

// Whoever it is, and whatever they saw.
void Actors::answer_what_is_proposed() {
  const auto& proposal = world_.state().configuration.proposal;
  const auto digest = proposal && world_.chance(0.95) ? proposal->change.digest : std::string("sha256:stale");
  const auto who = world_.chance(0.1) ? std::string("token:root") : person();
  if (world_.chance(0.08)) {
    world_.submit(DeclineConfiguration{digest, "not now"}, who);
    return;
  }
  const auto team =
      world_.chance(0.8) ? std::string() : world_.any_of(std::vector<std::string>{"managers", "platform"});
  world_.submit(ApproveConfiguration{digest, team, {}}, who);
}

void Actors::push_nothing_new() {
  std::vector<Document> documents;
  for (const auto& [name, service] : services_) {
    if (world_.chance(0.3)) documents.emplace_back(service);
  }
  for (const auto& [id, wish] : wishes_) {
    if (world_.chance(0.3)) documents.emplace_back(wish);
  }
  std::ranges::shuffle(documents, world_.random);
  push(std::move(documents));
}

void Actors::push_nonsense() {
  const auto sha = next_commit();
  if (world_.chance(0.5)) {  // and Headgate ends before it knows better
    auto changed = random_service(world_.any_of(service_names_));
    world_.submit(StageDocuments{sha, {{{"x.yaml", 1, sha}, changed}}, {}}, "engine");
  }
  if (world_.chance(0.7)) {
    world_.submit(RejectConfiguration{"environments", sha, {{"x.yaml", 1, 1, "unknown field", "a", "b"}}}, "engine");
  }
}

// ------------------------------------------------------------------------------------------------------- CI and
// drivers

void Actors::report_gate(const std::string& service, const Release& release, const std::string& gate, bool good) {
  ReportGate report;
  report.service = service;
  report.gate = gate;
  const bool by_version = release.commit.empty() || world_.chance(0.2);
  (by_version ? report.version : report.commit) = by_version ? release.version : release.commit;
  report.metrics = {{"coverage", {good || world_.chance(0.5) ? "95.5" : "91.999"}},
                    {"critical", {good ? "0" : "0.001"}}};
  if (!good) report.status = static_cast<GateStatus>(world_.below(3));
  // CI asks again, with the same key, until it is answered, and sometimes once more.
  const auto key = "run-" + std::to_string(++reports_);
  for (int tries = 0; tries < 50 && world_.submit(report, "token:ci", key) == World::Answer::none; ++tries) {
  }
  if (world_.chance(0.1)) world_.submit(report, "token:ci", key);
}

void Actors::report_some_gate() {
  const auto& service = world_.any_of(service_names_);
  const auto& release = world_.any_of(candidates_[service].releases);
  report_gate(service, release, world_.any_of(std::vector<std::string>{"unit-tests", "scan", "lint", "ghost"}),
              world_.chance(0.6));
}

void Actors::report_what_is_waited_for() {
  const auto waiting = live();
  if (waiting.empty()) return;
  const auto& p = *world_.any_of(waiting);
  const auto service = p.id.target.service;
  const auto release = p.to.release;
  for (const auto* gate : {"unit-tests", "scan", "lint"}) report_gate(service, release, gate, world_.chance(0.95));
}

void Actors::observe(const TargetId& id, bool truly) {
  auto seen = world_.runs(id);
  if (!truly) {
    const auto& release = world_.any_of(candidates_[id.service].releases);
    seen = world_.chance(0.3) ? Observation{} : Observation{release.version, release.artifacts};
  }
  world_.submit(RecordObservation{id, seen}, "engine");
}

void Actors::let_an_activity_end() {
  using Kind = Outcome::Kind;
  const auto dice = world_.below(100);
  world_.outcome(dice < 70   ? Kind::succeeded
                 : dice < 86 ? Kind::unhealthy
                 : dice < 93 ? Kind::retryable
                 : dice < 98 ? Kind::terminal
                             : Kind::stopped);
}

// ---------------------------------------------------------------------------------------------------------------
// people

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

void Actors::act() {
  if (world_.chance(0.3)) expand_windows();
  if (world_.chance(0.95)) return act_alone();
  world_.at_once([this] {
    for (std::size_t i = 0; i < 6; ++i) {
      switch (world_.below(6)) {
        case 0:
          push_something();
          break;
        case 1:
          observe(world_.any_of(ids_), world_.chance(0.8));
          break;
        case 2:
          with_live_promotion(&Actors::approve_some);
          break;
        case 3:
          if (world_.chance(0.2)) with_live_promotion(&Actors::cancel_some);
          break;
        case 4:
          report_what_is_waited_for();
          break;
        default:
          let_an_activity_end();
      }
    }
  });
}

void Actors::act_alone() {
  auto dice = world_.below(100);
  const auto one_of = [&](std::size_t weight) {
    if (dice < weight) {
      dice = 1'000;
      return true;
    }
    dice -= dice < 1'000 ? weight : 0;
    return false;
  };
  const auto some_release = [&](const std::string& service) { return world_.any_of(candidates_[service].releases); };
  if (one_of(33)) return let_an_activity_end();
  if (one_of(14)) return with_live_promotion(&Actors::approve_some);
  if (one_of(10)) return report_what_is_waited_for();
  if (one_of(4)) return report_some_gate();
  if (one_of(5)) return push_something();
  if (world_.state().configuration.proposal && world_.chance(0.3)) return answer_what_is_proposed();
  if (one_of(2)) return push_nothing_new();
  if (one_of(1)) return push_nonsense();
  if (one_of(9)) return observe(world_.any_of(ids_), world_.chance(0.8));
  if (one_of(4)) return promote_by_hand();
  if (one_of(1)) return with_live_promotion(&Actors::cancel_some);
  if (one_of(1)) return with_live_promotion(&Actors::reject_some);
  if (one_of(1)) return with_live_promotion(&Actors::override_some);
  if (one_of(1)) return freeze_or_lift();
  if (world_.chance(0.08)) return look_by_a_monitor();
  if (world_.chance(0.04)) return roll_back_some();
  if (world_.chance(0.03)) return go_on_after_failure();
  if (world_.chance(0.01)) return with_live_promotion(&Actors::expedite_some);
  if (one_of(2)) {
    world_.submit(AdoptTarget{world_.any_of(ids_), "it runs"}, person());
    return;
  }
  const auto& service = world_.any_of(service_names_);
  if (one_of(2)) {
    world_.submit(RegisterRelease{service, some_release(service), "main", {}}, "token:ci");
  } else if (one_of(1)) {
    world_.submit(QuarantineRelease{{service, some_release(service).version}, reason("CVE")}, person());
  } else if (one_of(2)) {
    world_.submit(ReinstateRelease{{service, some_release(service).version}, "looked at it"}, person());
  } else if (world_.state().effects_paused ? one_of(3) : one_of(1)) {
    if (world_.state().effects_paused) {
      world_.submit(ResumeEffects{"looked"}, person());
    } else {
      world_.submit(PauseEffects{"let me look"}, person());
    }
  } else if (one_of(2)) {
    world_.clock_jumps(std::chrono::seconds(6 + static_cast<long long>(world_.below(200'000))) *
                       (world_.chance(0.5) ? 1 : -1));
  } else {
    world_.pass(std::chrono::seconds(world_.any_of(std::vector<long long>{1, 5, 60, 600, 601, 3'600, 7'300, 90'000})));
  }
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

std::vector<std::string> Actors::do_their_best() {
  for (int round = 0; round < 60 && world_.ok(); ++round) {
    const auto before = world_.events();
    clear_the_way();
    expand_windows();
    for (const auto& id : ids_) observe(id, true);
    world_.answer_everything();
    std::vector<PromotionId> waiting;
    for (const auto* p : live()) waiting.push_back(p->id);
    for (const auto& id : waiting) give_what_is_missing(id);
    world_.pass(round % 2 == 0 ? 3h : 10min);
    const auto waits_for_a_window = [](const Promotion* p) {
      const auto* step = p->current();
      return step && std::ranges::any_of(step->unmet, [](const Condition& c) { return c.guard == "windows"; });
    };
    if (world_.events() == before && std::ranges::none_of(live(), waits_for_a_window)) break;
  }
  std::vector<std::string> stuck;
  for (const auto* p : live()) {
    if (p->phase != Phase::waiting) {
      stuck.push_back(to_string(p->id) + " is " + std::string(name_of(p->phase)));
      continue;
    }
    bool waits = false;
    for (const auto& condition : judge(world_.state(), *p, world_.now())) {
      if (condition.met) continue;
      waits |= condition.guard == "quarantine" || condition.guard == "healthy" || condition.guard == "approvals" ||
               condition.guard == "otherwise" || condition.guard == "windows" || condition.guard == "maintenance";
    }
    if (!waits) stuck.push_back(to_string(p->id) + " waits for nothing that somebody could not give");
  }
  return stuck;
}

}  // namespace headgate::sim
