// What the documents say, drawn anew each time. Whatever the checks of documents would refuse is not drawn.
#include <algorithm>
#include <chrono>

#include "tests/domain/fixture.h"
#include "tests/sim/actors.h"

namespace headgate::sim {

using namespace std::chrono_literals;  // NOLINT: lengths of time read better so

Stage Actors::random_stage(const Product& product, const Site& site) {
  auto s = test::stage(site.name);
  draw_protection(s);
  draw_triggers(s, product, site);
  if (world_.chance(0.25)) s.before.push_back(test::hook("backup"));
  if (world_.chance(0.15)) s.before.push_back(test::hook("migrate"));
  if (world_.chance(0.6)) s.verify.push_back(test::health("smoke"));
  if (world_.chance(0.3)) s.verify.push_back(test::health("deep"));
  if (!s.verify.empty() && world_.chance(0.2)) {
    s.downtime = Downtime{s.verify.front().name, 1s, world_.any_of(std::vector<Duration>{0s, 5s}), 60};
  }
  draw_strategy(s, site);
  draw_way_back(s);
  if (world_.chance(0.3))
    s.expedite = Expedite{world_.chance(0.5) ? std::optional<Duration>(1min) : std::nullopt, 1min, 90};
  if (world_.chance(0.15)) s.max_concurrent = ConcurrencyRule{1, 44};
  return s;
}

void Actors::draw_protection(Stage& s) {
  for (const auto* gate : {"unit-tests", "scan", "lint"}) {
    if (world_.chance(0.25)) s.gates.emplace_back(gate);
  }
  const auto at = std::ranges::find(sites_, s.environment, &Site::name);
  if (at != sites_.begin() && world_.chance(0.4)) s.healthy = {std::prev(at)->name};
  if (world_.chance(0.4)) s.approvals.push_back({"managers", 1 + static_cast<std::uint32_t>(world_.below(2)), 35});
  if (world_.chance(0.2)) s.approvals.push_back({"platform", 1, 36});
  s.self_approval = world_.chance(0.15);
  s.approval_expiry = world_.chance(0.5) ? Duration(1h) : Duration(24h);
  s.wait = world_.any_of(std::vector<Duration>{0s, 0s, 10min, 2h});
  if (world_.chance(0.08)) s.signed_commit = SignedCommitRule{33};
  if (world_.chance(0.06)) s.unknown_authors = UnknownAuthorsRule{UnknownAuthors::refuse, 37};
  if (!s.approvals.empty() && world_.chance(0.2)) {
    s.unknown_authors = UnknownAuthorsRule{UnknownAuthors::extra_approval, 37};
  }
}

void Actors::draw_strategy(Stage& s, const Site& site) {
  const auto metrics = [&] {
    return world_.chance(0.8) ? std::vector<std::string>{"error-rate"}
                              : std::vector<std::string>{"latency", "error-rate"};
  };
  const auto dice = world_.below(20);
  if (dice < 4) {
    s.strategy =
        Strategy{{}, {}, Rolling{world_.chance(0.5) ? 25U : 50U, world_.chance(0.5) ? Duration(2min) : 0s, 46}};
  }
  if (!site.has_slots || dice < 6) return;
  if (dice < 14) {
    Canary canary;
    if (world_.chance(0.8)) canary.analysis = metrics();
    for (const std::uint32_t weight : {5U, 40U}) {
      if (world_.chance(0.7)) canary.steps.push_back({weight, {}, 50 + weight});
      if (world_.chance(0.7)) canary.steps.push_back({{}, std::chrono::minutes(2 + world_.below(4)), 51});
    }
    if (world_.chance(0.25)) canary.steps.push_back({{}, {}, 52});
    canary.steps.push_back({100, {}, 53});
    s.strategy = Strategy{std::move(canary), {}, {}};
    return;
  }
  BlueGreen rules;
  rules.line = 54;
  rules.approve_switch = !s.approvals.empty() && world_.chance(0.5);
  if (world_.chance(0.6)) rules.observe = std::chrono::minutes(2 + world_.below(4));
  if (rules.observe > 0s && world_.chance(0.8)) rules.analysis = metrics();
  if (world_.chance(0.4)) rules.keep_old = 20min;
  if (world_.chance(0.5)) s.verify_preview.push_back(test::health("preview"));
  s.strategy = Strategy{{}, std::move(rules), {}};
}

void Actors::draw_triggers(Stage& s, const Product& product, const Site& site) {
  if (world_.chance(0.3)) s.supersede = Supersede::queue;
  if (world_.chance(0.4)) return;  // its document alone
  const auto add = [&](Trigger kind) -> StageTrigger& {
    s.triggers.push_back({});
    s.triggers.back().kind = kind;
    return s.triggers.back();
  };
  const auto at = std::ranges::find(sites_, site.name, &Site::name);
  if (at != sites_.begin() && world_.chance(0.6)) {
    auto& trigger = add(Trigger::after);
    trigger.after = std::prev(at)->name;
    trigger.soak = world_.any_of(std::vector<Duration>{0s, 30min, 2h});
  } else if (product.has_source && world_.chance(0.6)) {
    add(Trigger::branch).branch = "main";
  }
  if (product.has_source && world_.chance(0.3)) add(Trigger::tag).tag = "t*";
  if (world_.chance(0.1)) add(Trigger::schedule).schedule = "0 */5 * * *";
  if (s.triggers.empty() && world_.chance(0.2)) add(Trigger::manual);
}

void Actors::draw_way_back(Stage& s) {
  s.rollback_automatic = world_.chance(0.8);
  s.rollback_quarantine = world_.chance(0.8);
  for (auto& hook : s.before) {
    if (hook.name == "backup" && world_.chance(0.5)) {
      hook.keeps = "point";
      s.restore = Restore{"point", test::script({"hooks/restore.sh"}), 80};
    }
    hook.irreversible = hook.name == "migrate" && world_.chance(0.5);
  }
}

Service Actors::random_service(const Product& product) {
  std::vector<Stage> stages;
  for (const auto& site : sites_) {
    if (world_.chance(0.95)) stages.push_back(random_stage(product, site));
  }
  auto s = test::service(std::move(stages));
  s.name = product.name;
  if (product.has_source) s.source = ServiceSource{"monorepo", {"src/**"}, 5};
  for (const auto& other : products_) {  // after those that come before it: no circle
    if (other.name == product.name) break;
    if (world_.chance(0.25)) s.depends_on.push_back({other.name, 6});
  }
  if (world_.chance(0.3)) s.gates[0].metrics["coverage"].min = Decimal{"92.125"};
  if (world_.chance(0.3)) s.gates[1].metrics["critical"].otherwise = Otherwise::approval;
  if (world_.chance(0.2)) s.gates[1].after = {"unit-tests"};
  if (world_.chance(0.2)) s.gates[2].after = {"unit-tests", "scan"};
  if (world_.chance(0.3)) s.gates[world_.below(3)].max_age = world_.chance(0.5) ? Duration(4h) : Duration(24h);
  if (world_.chance(0.4)) s.gates[2].run = test::script({"hooks/lint.sh", "${release.version}"});
  if (world_.chance(0.15)) {
    s.gates[1].run = test::script({"hooks/scan.sh", "${release.version}"});
    s.gates[1].schedule = "0 */6 * * *";
  }
  draw_metrics(s);
  return s;
}

void Actors::draw_metrics(Service& s) {
  for (const auto* name : {"error-rate", "latency"}) {
    Metric metric;
    metric.name = name;
    metric.query = metric.name + "{slot=\"${slot}\"}";
    metric.max = Decimal{"0.05"};
    if (world_.chance(0.5)) {
      metric.baseline =
          Baseline{world_.chance(0.3) ? std::optional<Duration>(10min) : std::nullopt, Decimal{"0.01"}, {}, {}};
    }
    if (world_.chance(0.5)) metric.min_samples = MinSamples{"requests{slot=\"${slot}\"}", Decimal{"50"}};
    metric.failure_limit = static_cast<std::uint32_t>(world_.below(3));
    metric.inconclusive_limit = static_cast<std::uint32_t>(world_.below(2));
    metric.consecutive_error_limit = 1 + static_cast<std::uint32_t>(world_.below(2));
    metric.line = 90;
    s.analysis.push_back(std::move(metric));
  }
}

Environment Actors::random_environment(const Site& site) {
  auto place = test::environment(site.name, site.has_slots || world_.chance(0.5));
  if (site.has_slots) {
    place.shift = test::script({"hooks/shift.sh", "${slot}"});
    place.prometheus = "http://127.0.0.1:9090";
  }
  if (site.has_locations) draw_locations(place);
  if (world_.chance(0.3)) place.self_heal = SelfHealRule{world_.chance(0.3), 9};
  for (auto n = world_.chance(0.3) ? 1 + world_.below(2) : 0; n > 0; --n) {
    Window window;
    window.kind = world_.chance(0.6) ? WindowKind::allow : WindowKind::deny;
    window.schedule = std::to_string(world_.below(60)) + " 9 * * *";
    window.duration = 8h;
    window.time_zone = "UTC";
    place.windows.push_back(std::move(window));
  }
  if (world_.chance(0.3)) place.overrun = false;
  if (world_.chance(0.25)) {
    const auto from = world_.now() + std::chrono::hours(world_.below(48));
    place.maintenance = {{"upgrade", from, from + std::chrono::hours(1 + world_.below(12)), 8}};
  }
  if (world_.chance(0.25)) place.max_concurrent = ConcurrencyRule{1 + static_cast<std::uint32_t>(world_.below(2)), 7};
  draw_monitors(place);
  return place;
}

void Actors::draw_locations(Environment& place) {
  for (const auto* name : {"eu", "us", "sa"}) {
    if (!place.locations.empty() && world_.chance(0.3)) continue;
    place.locations.push_back({name, 1 + static_cast<std::uint32_t>(world_.below(2)), false, {}, 20});
  }
  if (world_.chance(0.6)) place.locations.push_back({"ap", 0, true, {}, 24});
  if (world_.chance(0.7)) place.on_location_failure = static_cast<OnLocationFailure>(world_.below(3));
}

void Actors::draw_monitors(Environment& place) {
  for (const auto* monitor : {"api", "certificate"}) {
    if (!world_.chance(0.5)) continue;
    Monitor m;
    m.name = monitor;
    m.check = test::health(monitor);
    m.every = 1min;
    m.failure_limit = 2;
    if (m.name == "api") {
      for (const auto& each : products_) m.services.push_back(each.name);
      m.on_failure = world_.chance(0.7) ? OnMonitorFailure::rollback : OnMonitorFailure::incident;
      if (world_.chance(0.5)) m.sla = Sla{6h, Decimal{"90"}, {{95, 1s, 9}}, 9};
    }
    place.monitors.push_back(std::move(m));
  }
}

AccessPolicy Actors::random_policy() {
  AccessPolicy policy;
  policy.name = "access";
  for (const auto& id : people_) {
    policy.people.push_back({id, {}, {}, {}});
    if (world_.chance(0.8)) policy.people.back().keys = {"SHA256:" + id};
  }
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

Release Actors::new_release(Product& product) {
  auto& known = product.releases;
  Release release{"v" + std::to_string(known.size() + 1),
                  next_commit(),
                  {{"image", "registry.example.com/x@sha256:" + std::to_string(commits_)}}};
  if (product.has_source && (!product.is_built || world_.chance(0.7))) release.commit = world_.any_of(source_).sha;
  const auto dice = world_.below(10);
  if (dice == 0 && !known.empty()) {  // another version of the same candidate
    release.commit = known.back().commit;
    release.artifacts = known.back().artifacts;
  } else if (dice == 1 && product.is_built) {
    release.commit.clear();
  } else if (dice == 2 || !product.is_built) {
    release.artifacts.clear();
  } else if (dice == 3 && !known.empty() && !known.back().commit.empty()) {  // a version that reads like a commit
    release.version = known.back().commit;
    if (world_.chance(0.5)) release.commit.clear();
    if (std::ranges::find(known, release.version, &Release::version) != known.end())
      release.version = "v" + std::to_string(known.size() + 1);
  }
  if (!product.is_built) release.artifacts.clear();
  known.push_back(release);
  return release;
}

const Release& Actors::some_release(const std::string& service) {
  return world_.any_of(product(service).releases);
}

Target Actors::random_wish(const TargetId& id) {
  Target target;
  target.id = id;
  auto& of = product(id.service);
  target.release = world_.chance(0.6) ? new_release(of) : world_.any_of(of.releases);
  if (world_.chance(0.3)) target.variables["replicas"] = std::to_string(world_.below(3));
  target.suspend = world_.chance(0.05);
  if (world_.chance(0.4)) target.on_delete = OnDelete::retire;
  if (world_.chance(0.2)) {  // only the version: it may not be registered yet
    target.release.commit.clear();
    target.release.artifacts.clear();
  }
  return target;
}

std::string Actors::reason(const std::string& text) {
  if (!world_.chance(0.1)) return text;
  auto longer = std::string(world_.below(3), 'x') + text + ": ";
  while (longer.size() + 3 <= 4'096) longer += "€";
  return longer;
}

// Its first twelve digits, which a release may be called by, are its own.
std::string Actors::next_commit() {
  return test::commit_id(++commits_).substr(30) + test::commit_id(0).substr(10);
}

}  // namespace headgate::sim
