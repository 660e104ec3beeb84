// Developers and those who write the policy: what stands in the repository, and what is pushed.
#include <algorithm>
#include <chrono>

#include "tests/domain/fixture.h"
#include "tests/sim/actors.h"

namespace headgate::sim {

using namespace std::chrono_literals;  // NOLINT: lengths of time read better so

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

}  // namespace headgate::sim
