#include "tests/pipelines/player.h"

#include <algorithm>
#include <set>
#include <sstream>

#include "engine/domain/gate_runs.h"
#include "engine/domain/locations.h"
#include "engine/domain/monitors.h"
#include "reconciler/schedules.h"
#include "reconciler/windows.h"
#include "tests/pipelines/vocabulary.h"

namespace headgate::pipelines {
namespace {

using Kind = Outcome::Kind;

std::unexpected<Error> mistake(std::string text) {
  return fail(ErrorCode::invalid_input, std::move(text));
}

bool waits_for_somebody(const Promotion& p) {
  const auto* step = p.current();
  return !step || step->step->kind == StepKind::gates || step->step->kind == StepKind::approval;
}

// How people sign in unless the scenario says otherwise.
const Claims two_factors{{"amr", {"mfa", "pwd"}}};
const Claims password_alone{{"amr", {"pwd"}}};

// What a good release measures.
Measured good(const Metric& metric) {
  const auto value = metric.min.value_or(Decimal{"0"});
  Measured measured{value, {}, value};
  if (metric.min_samples) measured.samples = metric.min_samples->min;
  return measured;
}

}  // namespace

Player::Player(const std::vector<SourcedDocument>& documents, const People& people) : people_(people) {
  world.claims = two_factors;
  world.accept(documents, "person:setup");
  std::vector<std::string> all;
  for (const auto& [name, known] : world.state.services) {
    if (!known.document || !known.document->document.source) continue;
    for (const auto& pattern : known.document->document.source->paths) all.push_back(path_within(pattern));
  }
  source_.commit(test::commit_id(0), "main", all);
  look_at_calendars();
}

// ------------------------------------------------------------------------------------------------ what they speak of

Result<TargetId> Player::place(const std::string& text) const {
  const auto slash = text.find('/');
  const TargetId id =
      slash == std::string::npos ? TargetId{service, text} : TargetId{text.substr(0, slash), text.substr(slash + 1)};
  if (id.service.empty()) {
    return mistake("no service was named before '" + text + "': write <service>/" + text);
  }
  if (!world.state.service(id.service)) return mistake("no service " + id.service);
  if (!world.state.environments.contains(id.environment)) {
    return mistake("no environment " + id.environment);
  }
  return id;
}

Result<std::vector<TargetId>> Player::places(const std::string& text) const {
  std::vector<TargetId> ids;
  std::istringstream in(text);
  for (std::string word; in >> word;) {
    if (word == "and") continue;
    if (word.ends_with(',')) word.pop_back();
    HEADGATE_TRY(const auto id, place(word));
    ids.push_back(id);
  }
  return ids;
}

Result<std::string> Player::person(const std::string& name) const {
  for (const auto& known : people_.list()) {
    if (known.name == name) return known.id;
  }
  return mistake("the AccessPolicy knows no " + name);
}

Result<Timestamp> Player::time(const std::string& text) const {
  // 2026-11-23 10:00 UTC
  if (text.size() != 20 || !text.ends_with(" UTC")) {
    return mistake("found time '" + text + "', expected one such as 2026-11-23 10:00 UTC");
  }
  return parse_timestamp(text.substr(0, 10) + "T" + text.substr(11, 5) + ":00Z");
}

Result<Duration> Player::duration(const std::string& text) {
  Duration all{0};
  std::istringstream in(text);
  for (std::string number; in >> number;) {
    if (number == "and") continue;
    std::string unit;
    in >> unit;
    if (unit.ends_with('s')) unit.pop_back();
    const bool digits = std::ranges::all_of(number, [](char c) { return c >= '0' && c <= '9'; });
    const std::map<std::string, Duration> units{{"second", std::chrono::seconds(1)},
                                                {"minute", std::chrono::minutes(1)},
                                                {"hour", std::chrono::hours(1)},
                                                {"day", std::chrono::days(1)}};
    const auto of = units.find(unit);
    if (!digits || number.size() > 6 || of == units.end()) {
      return mistake("found '" + text + "', expected a time such as 30 minutes, or 1 hour and 5 minutes");
    }
    all += of->second * std::stol(number);
  }
  return all;
}

Release Player::release(const std::string& of, const std::string& wanted) const {
  const auto same = renamed.find(wanted);
  const auto& built = same == renamed.end() ? wanted : same->second;
  // What a Target document says of a release is how it was registered.
  for (const auto& [id, known] : world.state.targets) {
    if (id.service != of || !known.document) continue;
    const auto& wish = known.document->document.release;
    if (wish.version == built && !wish.commit.empty()) return {wanted, wish.commit, wish.artifacts};
  }
  const auto digest = test::test_digest(of + built).substr(7);
  return {wanted,
          test::test_digest("commit " + built).substr(7, 40),
          {{"image", "registry.example.com/" + of + "@sha256:" + digest}}};
}

const Promotion* Player::live(const TargetId& id) const {
  const auto* known = world.state.find(id);
  return known && known->promotion ? &*known->promotion : nullptr;
}

Result<const Promotion*> Player::under_way(const TargetId& id) const {
  if (const auto* p = live(id)) return p;
  const auto why = target(id) ? world.idle(id) : std::string();
  return mistake("no promotion is under way in " + to_string(id) + (why.empty() ? "" : ": " + why));
}

void Player::speak_of(const std::string& of, const std::string& wanted) {
  service = of;
  version = wanted;
}

Result<void> Player::seen(const TargetId& id, const Observation& observed) {
  std::vector<std::string> locations;
  for (const auto& location : locations_of(world.state, id)) {
    if (!location.standby) locations.push_back(location.name);
  }
  if (locations.empty()) locations.emplace_back();  // it is one place
  for (const auto& location : locations) {
    RecordObservation command{id, observed};
    command.location = location;
    HEADGATE_TRY_VOID(tell(command, "engine"));
  }
  return {};
}

// ------------------------------------------------------------------------------------------------------ what they do

Result<void> Player::tell(const Command& command, const std::string& actor) {
  const auto lines = world.when(command, actor);
  if (!lines.empty() && lines.front().starts_with("refused: ")) refused.push_back(world.error.message);
  look_at_authors();
  return {};
}

Result<void> Player::ask(const std::string& who, Role role, const TargetId& id, const Command& command) {
  HEADGATE_TRY(const auto actor, person(who));
  const Principal principal{{}, actor, one_factor.contains(who) ? password_alone : two_factors};
  if (!may(world.state, principal, role, Reach::of(id))) {
    const auto missing = missing_claims(world.state, principal, role, Reach::of(id));
    refused.push_back(who + " does not hold the role " + std::string(name_of(role)) + " in " + id.environment +
                      (missing.empty() ? "" : ": " + missing));
    return {};
  }
  world.claims = principal.claims;
  const auto told = tell(command, actor);
  world.claims = two_factors;
  return told;
}

Result<void> Player::register_release(const std::string& wanted, const std::string& of, const std::string& same_as) {
  if (!same_as.empty()) renamed[wanted] = same_as;
  speak_of(of, wanted);
  return tell(RegisterRelease{of, release(of, wanted), {}, {wanted}}, "token:ci");
}

Result<void> Player::push(const std::string& wanted, const std::string& branch, const std::vector<std::string>& paths) {
  const auto commit = release(service, wanted).commit;
  if (!source_.holds(commit)) source_.commit(commit, branch, paths);
  return tell(ObserveSource{source_.observe(world.state, commit, branch, {})}, "engine");
}

Result<void> Player::tag(const std::string& name, const std::string& wanted) {
  const auto commit = release(service, wanted).commit;
  if (!source_.holds(commit)) return mistake(wanted + " was not pushed to a branch before");
  return tell(ObserveSource{source_.observe(world.state, commit, {}, name)}, "engine");
}

Result<void> Player::report(const std::string& gate, GateStatus status,
                            const std::map<std::string, Decimal, std::less<>>& metrics) {
  if (service.empty()) return mistake("no release was named before");
  ReportGate command;
  command.service = service;
  command.commit = release(service, version).commit;
  command.gate = gate;
  command.status = status;
  command.metrics = metrics;
  return tell(command, "token:ci");
}

// In the order that the gates ask for, with figures just within their bounds.
Result<void> Player::report_all(const std::string& wanted, const std::string& but) {
  const auto* document = world.state.service(service);
  if (!document) return mistake("no service was named before");
  const auto of = version;
  version = wanted;
  std::set<std::string> done;
  for (std::size_t round = 0; round <= document->gates.size(); ++round) {
    for (const auto& gate : document->gates) {
      if (gate.name == but || done.contains(gate.name)) continue;
      if (!std::ranges::all_of(gate.after, [&](const auto& name) { return done.contains(name) || name == but; })) {
        continue;
      }
      std::map<std::string, Decimal, std::less<>> metrics;
      for (const auto& [name, bounds] : gate.metrics) {
        metrics[name] = bounds.min ? *bounds.min : bounds.max ? *bounds.max : Decimal{"0"};
      }
      HEADGATE_TRY_VOID(report(gate.name, GateStatus::passed, metrics));
      done.insert(gate.name);
    }
  }
  version = of;
  return {};
}

Result<void> Player::finish(const TargetId& id, const std::string& step, Kind kind) {
  HEADGATE_TRY(const auto* p, under_way(id));
  const auto effect = pending_effect(world.state, id);
  if (!effect || effect->id.step != step) {
    const auto* at = p->current();
    return mistake("expected step " + step + " under way in " + to_string(id) + ", found " +
                   (effect ? effect->id.step
                    : at   ? at->step->name + ", which waits"
                           : "none"));
  }
  // A check that says no is evidence; whatever else fails has failed for good.
  const bool check = effect->step.kind == StepKind::health;
  const auto how = kind == Kind::terminal && check ? Kind::unhealthy : kind;
  world.finish(id, how, how == Kind::succeeded ? "" : "as the scenario says");
  look_at_authors();
  return {};
}

Result<Activity> Player::gate_run(const std::string& gate) const {
  const auto run = pending_gate_run(world.state, service);
  if (run && run->gate == gate) return *run;
  return std::unexpected(mistake("expected that the gate " + gate + " of " + service + " is being run, found " +
                                 (run ? run->gate : "none")));
}

Result<void> Player::finish_gate(const std::string& gate, Kind kind,
                                 const std::map<std::string, Decimal, std::less<>>& metrics) {
  HEADGATE_TRY(const auto run, gate_run(gate));
  Outcome outcome{kind, kind == Kind::succeeded ? "" : "as the scenario says", {}, {}};
  outcome.metrics = metrics;
  return tell(CompleteActivity{run.id, run.attempt, outcome}, "engine");
}

Result<void> Player::answers(const TargetId& id, const std::string& step, std::uint32_t attempt) {
  HEADGATE_TRY_VOID(under_way(id));
  const auto effect = pending_effect(world.state, id);
  if (!effect || effect->id.step != step || !effect->step.check) {
    return mistake("expected the check " + step + " under way in " + to_string(id) + ", found " +
                   (effect ? effect->id.step : "none"));
  }
  const auto& check = *effect->step.check;
  const bool in_time = attempt > 0 && attempt <= check.attempts;
  pass(check.after + check.interval * ((in_time ? attempt : check.attempts) - 1));
  return finish(id, step, in_time ? Kind::succeeded : Kind::unhealthy);
}

bool Player::measure() {
  bool any = false;
  for (const auto& effect : pending_effects(world.state)) {
    if (!effect.measure) continue;
    const auto& metric = effect.measure->metric;
    Outcome outcome;
    outcome.measured = good(metric);
    if (const auto told = measured.find(metric.name); told != measured.end()) {
      outcome.kind = told->second.kind;
      outcome.reason = told->second.reason;
      const auto& says = told->second.measured;
      if (says.value) outcome.measured.value = says.value;
      if (says.baseline) outcome.measured.baseline = says.baseline;
      if (says.samples) outcome.measured.samples = says.samples;
    }
    world.when(CompleteActivity{effect.id, effect.attempt, outcome}, "engine");
    any = true;
  }
  return any;
}

Result<const Monitor*> Player::monitor(const MonitorId& id) const {
  if (const auto* known = find_monitor(world.state, id)) return known;
  return std::unexpected(mistake("environment " + id.environment + " has no monitor " + id.name));
}

Result<void> Player::look(const MonitorId& id, int times, bool passes, std::optional<Duration> latency) {
  for (int i = 0; i < times; ++i) {
    if (i > 0) {
      HEADGATE_TRY(const auto* known, monitor(id));
      pass(reconciler::interval_at(*known, world.now));
    }
    HEADGATE_TRY(const auto* known, monitor(id));
    auto& tally = tallies_[id];
    if (is_silent(world.state.environments.find(id.environment)->second.document, world.now)) {
      tally.begin_anew();
      continue;
    }
    tally.add({passes, latency, passes ? "" : "as the scenario says", world.now}, known->sla ? &*known->sla : nullptr);
    const auto* state = monitor_state(world.state, id);
    if (const auto news = tally.news(id, *known, state && state->failing)) {
      HEADGATE_TRY_VOID(tell(*news, "engine"));
    }
  }
  return {};
}

void Player::sum_up() {
  for (auto& [id, tally] : tallies_) {
    for (const auto& hour : tally.take(id, world.now, false)) world.when(SummarizeMonitor{hour}, "engine");
  }
}

Result<void> Player::finish_after(const TargetId& id, const std::string& step, Duration away) {
  HEADGATE_TRY_VOID(under_way(id));
  const auto effect = pending_effect(world.state, id);
  if (!effect || effect->id.step != step) {
    return mistake("expected step " + step + " under way in " + to_string(id));
  }
  Outcome outcome;
  if (effect->probe) outcome.downtime = ProbeResult{60, away > Duration::zero() ? 1U : 0U, away};
  return tell(CompleteActivity{effect->id, effect->attempt, outcome}, "engine");
}

void Player::pass(Duration elapsed) {
  const auto end = world.now + elapsed;
  for (;;) {
    while (measure()) {
    }
    look_at_calendars();
    auto next = end;
    for (const auto* wakeups : {&world.state.wakeups, &world.state.flow_wakeups}) {
      if (!wakeups->empty()) next = std::min(next, std::max(world.now, wakeups->begin()->first));
    }
    world.pass(next - world.now);
    if (next >= end) break;
  }
  while (measure()) {
  }
  sum_up();
  look_at_authors();
}

Result<void> Player::everything(const TargetId& id, const std::string& up_to) {
  HEADGATE_TRY_VOID(under_way(id));
  for (int i = 0; i < 10'000; ++i) {
    const auto* p = live(id);
    if (!p) break;
    const auto* step = p->current();
    if (step && !up_to.empty() && step->step->name == up_to && step->status != StepStatus::pending) return {};
    if (measure()) continue;
    if (pending_effect(world.state, id)) {
      world.finish(id);
    } else if (const auto due = p->next_due(world.state.effects_paused.has_value()); due && !waits_for_somebody(*p)) {
      pass(std::max(*due - world.now, Duration::zero()));
    } else {
      break;
    }
  }
  look_at_authors();
  if (up_to.empty()) return {};
  return mistake("step " + up_to + " has not begun in " + to_string(id));
}

bool Player::help(const Promotion& promotion) {
  const auto p = promotion;
  for (const auto& condition : judge(world.state, p, world.now)) {
    if (condition.met) continue;
    const auto& guard = condition.guard;
    if (guard == "gates" || guard == "maxAge" || guard == "after") {
      const auto before = world.log.size();
      const auto spoken = std::pair(service, version);
      service = p.id.target.service;
      const auto reported = report_all(p.to.release.version, {});
      std::tie(service, version) = spoken;
      return reported && world.log.size() > before;
    }
    if (guard == "approvals" || guard == "otherwise" || guard == "extraApproval" || guard == "approveSwitch") {
      for (const auto& somebody : people_.list()) {
        const auto lines = world.approve(p.id, somebody.id);
        if (!lines.empty() && !lines.front().starts_with("refused: ")) return true;
      }
      return false;
    }
  }
  return false;
}

// By whatever it takes: evidence is reported, people approve, time goes by, everything succeeds.
Result<void> Player::bring(const TargetId& id) {
  std::optional<Timestamp> until;
  for (int i = 0; i < 10'000 && live(id); ++i) {
    look_at_authors();
    const auto& p = *live(id);
    if (measure()) continue;
    if (pending_effect(world.state, id)) {
      world.finish(id);
    } else if (help(p)) {
      continue;
    } else if (!world.state.wakeups.empty() || !world.state.flow_wakeups.empty()) {
      auto next = Timestamp::max();
      for (const auto* wakeups : {&world.state.wakeups, &world.state.flow_wakeups}) {
        if (!wakeups->empty()) next = std::min(next, wakeups->begin()->first);
      }
      pass(std::max(next - world.now, Duration::zero()));
    } else {
      break;
    }
  }
  return {};
}

Result<void> Player::run_in(const std::vector<TargetId>& ids, const std::string& wanted) {
  for (const auto& id : ids) {
    const auto* known = target(id);
    if (!known || !known->observed) {
      HEADGATE_TRY_VOID(seen(id, {}));
    }
    const auto* p = live(id);
    if (!p || p->to.release.version != wanted) {
      HEADGATE_TRY_VOID(tell(RegisterRelease{id.service, release(id.service, wanted), {}, {}}, "token:ci"));
      p = live(id);
      if (!p || p->to.release.version != wanted) {
        HEADGATE_TRY_VOID(
            tell(RequestPromotion{id, release(id.service, wanted), "the beginning of a scenario"}, "person:setup"));
      }
    }
    HEADGATE_TRY_VOID(bring(id));
    if (world.running(id) != wanted) {
      const auto* stuck = live(id);
      std::string why;
      for (const auto& text : stuck ? world.unmet(id) : test::Lines{world.idle(id)}) why += ": " + text;
      return mistake(wanted + " could not be brought to " + to_string(id) + why);
    }
    const auto release_there = target(id)->current->release;
    HEADGATE_TRY_VOID(seen(id, {release_there.version, release_there.artifacts}));
  }
  return {};
}

// ----------------------------------------------------------------------------------------- what the shell does else

void Player::look_at_calendars() {
  for (const auto& [name, environment] : world.state.environments) {
    const auto& windows = environment.document.windows;
    const auto known = world.state.windows.find(name);
    if (!reconciler::expansion_is_due(windows, known == world.state.windows.end() ? nullptr : &known->second,
                                      world.now)) {
      continue;
    }
    const auto expanded = reconciler::expand_windows(name, windows, world.now);
    HEADGATE_CHECK(expanded.has_value());
    world.when(ExpandWindows{windows, *expanded}, "engine");
    return look_at_calendars();  // the states of before are gone
  }
  for (const auto& [id, schedule] : reconciler::schedules_due(world.state, world.now)) {
    const auto expanded = reconciler::expand_schedule(id, schedule, world.now);
    HEADGATE_CHECK(expanded.has_value());
    world.when(ExpandSchedule{*expanded}, "engine");
  }
  for (const auto& [of, gate, schedule] : reconciler::gate_schedules_due(world.state, world.now)) {
    const auto expanded = reconciler::expand_gate_schedule(of, gate, schedule, world.now);
    HEADGATE_CHECK(expanded.has_value());
    world.when(ExpandGateSchedule{*expanded}, "engine");
  }
}

void Player::look_at_authors() {
  const auto active = world.state.active;
  for (const auto& id : active) {
    const auto* p = live(id);
    if (!p || p->phase != Phase::waiting || p->attribution || p->to.release.commit.empty()) continue;
    PromotionAttributed attributed{p->id, "source", {}, p->to.release.commit, true, 1, {}};
    if (p->from) attributed.from = p->from->release.commit;
    if (const auto wrote = authors.find(p->to.release.version); wrote != authors.end()) {
      attributed.people = wrote->second;
    }
    world.when(RecordAuthors{attributed}, "engine");
  }
}

// ----------------------------------------------------------------------------------------------------------- playing

Result<void> Player::play(const Scenario& scenario) {
  for (const auto& row : scenario.rows) {
    const auto at = [&](const std::string& sentence, const std::string& what) {
      return std::unexpected(mistake("line " + std::to_string(row.line) + ": '" + sentence + "': " + what));
    };
    const auto speaks_of_refusal = [](const std::string& s) { return s.starts_with("it is refused"); };
    row_began = world.now;
    refused.clear();
    for (const auto* cell : {&row.given, &row.when}) {
      for (const auto& sentence : *cell) {
        if (cell == &row.when && &sentence == row.when.data()) row_began = world.now;
        const auto found = match(actions(), sentence);
        if (!found.sentence) return at(sentence, "not a sentence of the vocabulary");
        const auto done = found.sentence->play(*this, found.words);
        if (!done) return at(sentence, done.error().message);
        if (!refused.empty() && std::ranges::none_of(row.then, speaks_of_refusal)) {
          return at(sentence, "refused: " + refused.back());
        }
      }
    }
    for (const auto& sentence : row.then) {
      const auto found = match(expectations(), sentence);
      if (!found.sentence) return at(sentence, "not a sentence of the vocabulary");
      const auto holds = found.sentence->play(*this, found.words);
      if (!holds) return at(sentence, holds.error().message);
    }
  }
  return {};
}

}  // namespace headgate::pipelines
