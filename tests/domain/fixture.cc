#include "tests/domain/fixture.h"

#include <algorithm>

#include "engine/domain/promote.h"
#include "tests/domain/explain_check.h"

namespace headgate::test {
namespace {

std::string hex(std::uint64_t value, int digits) {
  std::string text(static_cast<std::size_t>(digits), '0');
  for (auto at = text.rbegin(); at != text.rend(); ++at, value >>= 4) *at = "0123456789abcdef"[value & 15];
  return text;
}

std::uint64_t fnv(std::string_view text, std::uint64_t hash) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

std::string number(const PromotionId& id) {
  return " #" + std::to_string(id.number);
}

struct Line {
  std::string of(const StepId& id) { return " " + id.step; }
  std::string operator()(const PromotionPlanned& e) { return number(e.promotion) + " " + e.to.release.version; }
  std::string operator()(const DesiredChanged& e) { return " " + e.to.release.version; }
  std::string operator()(const ReleaseRegistered& e) { return " " + e.id.version; }
  std::string operator()(const ReleaseQuarantined& e) { return " " + e.id.version; }
  std::string operator()(const ReleaseReinstated& e) { return " " + e.id.version; }
  std::string operator()(const GateReported& e) { return " " + e.gate; }
  std::string operator()(const GateDue& e) { return " " + e.gate + " of " + std::to_string(e.versions.size()); }
  std::string operator()(const GateStarted& e) {
    return " " + e.gate + " " + e.release.version + "#" + std::to_string(e.attempt);
  }
  std::string operator()(const GateRetried& e) { return " " + e.gate + "#" + std::to_string(e.attempt); }
  std::string operator()(const TargetObserved& e) { return e.version.empty() ? " nothing" : " " + e.version; }
  std::string operator()(const TargetAdopted& e) { return " " + e.wish.release.version; }
  std::string operator()(const ApprovalGranted& e) { return " " + e.team; }
  std::string operator()(const ApprovalVoided& e) { return " " + e.approver; }
  std::string operator()(const ApprovalExpired& e) { return " " + e.approver; }
  std::string operator()(const RollbackStarted& e) { return e.to ? " to " + e.to->release.version : " to nothing"; }
  std::string operator()(const ActivityStarted& e) { return of(e.id) + "#" + std::to_string(e.attempt); }
  std::string operator()(const ActivityFenced& e) { return of(e.id) + "#" + std::to_string(e.attempt); }
  std::string operator()(const ConfigurationApproved& e) { return " " + e.team; }
  std::string operator()(const TargetRenamed& e) { return " " + to_string(e.from) + " -> " + to_string(e.target); }
  template <class E>
  std::string operator()(const E& e) {
    if constexpr (requires { number(e.promotion); }) {
      return number(e.promotion);
    } else if constexpr (requires { e.id.step; }) {
      return of(e.id);
    } else {
      return {};
    }
  }
};

}  // namespace

std::string test_digest(std::string_view text) {
  std::string digest = "sha256:";
  for (std::uint64_t i = 0; i < 4; ++i) digest += hex(fnv(text, 14695981039346656037ULL + i * 7919), 16);
  return digest;
}

std::string line_of(const Event& event) {
  if (std::holds_alternative<StepPlanned>(event)) return {};
  return std::string(type_name(event)) + std::visit(Line{}, event);
}

std::string commit_id(std::uint64_t n) {
  return hex(n, 40);
}

// ------------------------------------------------------------------------------------------------------- documents

Run script(std::vector<std::string> command) {
  Run run;
  run.blob = commit_id(fnv(command.front(), 1));
  run.command = std::move(command);
  return run;
}

Hook hook(const std::string& name) {
  return {name, script({"hooks/" + name + ".sh"}), 60};
}

Check health(const std::string& name) {
  Check check;
  check.name = name;
  check.http = HttpCheck{"http://${service}.example.com/" + name, 200, {}, {}};
  check.line = 70;
  return check;
}

Stage stage(const std::string& environment) {
  Stage s;
  s.environment = environment;
  s.line = 30;
  s.requires_line = 31;
  s.wait_line = 40;
  return s;
}

Environment environment(const std::string& name, bool can_retire) {
  Environment e;
  e.name = name;
  e.driver.deploy = script({"hooks/deploy.sh", "${release.version}"});
  e.driver.observe = script({"hooks/observe.sh"});
  if (can_retire) e.driver.retire = script({"hooks/retire.sh"});
  return e;
}

Environment reporting(const std::string& name) {
  auto e = environment(name);
  e.self_heal = SelfHealRule{false, 8};
  return e;
}

Service service(std::vector<Stage> stages) {
  Service s;
  s.name = "gateway";
  Gate tests{"unit-tests", {}, 10, {}, {}};
  tests.metrics["coverage"].min = Decimal{"90"};
  Gate scan{"scan", {}, 12, {}, {}};
  scan.metrics["critical"].max = Decimal{"0"};
  s.gates = {tests, scan, Gate{"lint", {}, 14, {}, {}}};
  s.stages = std::move(stages);
  return s;
}

Release release(const std::string& version) {
  return {version, commit_id(fnv(version, 2)), {{"image", "registry.example.com/gateway@sha256:" + version}}};
}

Target target(const TargetId& id, const Release& wished, StringMap variables) {
  return {id, wished, std::move(variables), false};
}

AccessPolicy access_policy() {
  AccessPolicy policy;
  policy.name = "access";
  for (const char* name : {"alice", "bob", "carol", "dave", "erin"}) {
    policy.people.push_back({"person:" + std::string(name), {"token:" + std::string(name)}});
  }
  policy.teams = {{"managers", {"person:carol", "person:dave", "person:erin"}},
                  {"platform", {"person:alice", "person:bob", "person:carol"}}};
  policy.grants = {{"managers", {}, {}, Role::approver, {"*"}, {"*"}},
                   {"platform", {}, {}, Role::approver, {"*"}, {"*"}},
                   {{}, "person:alice", {}, Role::operator_, {"*"}, {"*"}}};
  return policy;
}

// ------------------------------------------------------------------------------------------------------------ world

World::World(std::span<const Guard> guards) : guards_(guards) {
  when(CreateLog{"test.example.com", "key"}, "engine");
}

World World::running_v1(const Stage& s, bool can_retire) {
  World world;
  const TargetId id{"gateway", s.environment};
  world.push({{access_policy(), environment(s.environment, can_retire), service({s}), target(id, release("v1"))},
              {},
              "person:frank"});
  world.observe(id, "v1");
  return world;
}

Context World::context(const std::string& actor) const {
  return {now, actor, &test_digest, guards_, claims};
}

void World::record(Event event, const std::string& actor, std::set<TargetId>& touched) {
  Recorded<Event> recorded;
  recorded.meta.position = state.next;
  recorded.meta.time = state.record_time(event, now);
  recorded.meta.actor = actor;
  recorded.event = std::move(event);
  evolve(state, recorded, &touched);
  log.push_back(std::move(recorded));
}

void World::settle(std::set<TargetId> touched) {
  for (std::size_t rounds = 0; !touched.empty(); ++rounds) {
    HEADGATE_CHECK(rounds < 10'000);  // else advance never comes to rest
    const auto id = *touched.begin();
    auto events = advance(state, id, context("engine"));
    // As the writer has it: what waits has been judged, and nothing follows until something touches it.
    const bool waits = !events.empty() && std::holds_alternative<StepWaiting>(events.back());
    if (events.empty()) touched.erase(touched.begin());
    for (auto& event : events) record(std::move(event), "engine", touched);
    if (waits) HEADGATE_CHECK(advance(state, id, context("engine")).empty());
  }
}

Lines World::since(std::size_t position) {
  check_fold();
  Lines lines;
  for (auto at = position; at < log.size(); ++at) {
    if (auto line = line_of(log[at].event); !line.empty()) lines.push_back(std::move(line));
  }
  return lines;
}

void World::check_fold() {
  for (; folded_up_to_ < log.size(); ++folded_up_to_) evolve(folded_, log[folded_up_to_]);
  EXPECT_TRUE(folded_ == state) << "the state kept live is not the fold of the log";
  for (const auto& id : state.active) {
    for (const auto& guard : guards_) {
      for (const auto& condition : guard.judge(state, *state.targets.at(id).promotion, now)) {
        EXPECT_EQ(not_explained(guard, condition), "");
      }
    }
  }
}

Lines World::when(const Command& command, const std::string& actor) {
  const auto before = log.size();
  auto decided = decide(state, command, context(actor));
  if (!decided) {
    error = decided.error();
    return {"refused: " + std::to_string(static_cast<int>(error.code)) + ": " + error.message};
  }
  std::set<TargetId> touched;
  for (auto& event : *decided) record(std::move(event), actor, touched);
  settle(std::move(touched));
  return since(before);
}

Lines World::push(const Push& p) {
  std::vector<SourcedDocument> accepted;
  for (const auto& document : p.documents) {
    const auto key = key_of(document);
    accepted.push_back({{key.name + ".yaml", 1 + p.moved_by, commit_id(commits_ + 1)}, document});
  }
  return commit(p, std::move(accepted));
}

Lines World::accept(std::vector<SourcedDocument> documents, const std::string& author) {
  Push by;
  by.author = author;
  return commit(by, std::move(documents));
}

Lines World::commit(const Push& p, std::vector<SourcedDocument> accepted) {
  CommitObserved commit;
  commit.repository = "environments";
  commit.branch = "main";
  commit.sha = commit_id(++commits_);
  commit.author = p.author;
  commit.committer = p.author;
  commit.co_authors = p.co_authors;
  when(ObserveCommits{"environments", "main", {}, {commit}}, "engine");
  when(StageDocuments{commit.sha, std::move(accepted), p.removed}, "engine");
  return when(AcceptConfiguration{"environments", commit.sha, governance, {}}, "engine");
}

Lines World::approve_configuration(const std::string& person, const std::string& team) {
  const auto& proposal = state.configuration.proposal;
  return when(ApproveConfiguration{proposal ? proposal->change.digest : std::string(), team, {}}, person);
}

Lines World::decline_configuration(const std::string& person) {
  const auto& proposal = state.configuration.proposal;
  return when(DeclineConfiguration{proposal ? proposal->change.digest : std::string(), "no"}, person);
}

Lines World::push(const Document& document, const std::string& author) {
  return push(Push{{document}, {}, author, {}, 0});
}

Lines World::gate(const std::string& gate, const std::string& version, GateStatus status,
                  std::map<std::string, Decimal, std::less<>> metrics) {
  ReportGate report;
  report.service = "gateway";
  report.commit = release(version).commit;
  report.gate = gate;
  report.status = status;
  report.metrics = std::move(metrics);
  return when(report);
}

Lines World::gates_pass(const std::string& version) {
  auto lines = gate("unit-tests", version, GateStatus::passed, {{"coverage", {"91.5"}}});
  for (auto& line : gate("scan", version, GateStatus::passed, {{"critical", {"0"}}})) lines.push_back(line);
  for (auto& line : gate("lint", version)) lines.push_back(line);
  return lines;
}

Lines World::observe(const TargetId& id, const std::string& version) {
  return when(RecordObservation{id, {version, version.empty() ? StringMap{} : release(version).artifacts}}, "engine");
}

Lines World::approve(const PromotionId& id, const std::string& person, const std::string& team) {
  const auto* p = state.live(id);
  return when(Approve{id, p ? p->plan_digest : std::string(), team, {}}, person);
}

Lines World::request(const TargetId& id, const std::string& version, const std::string& actor) {
  return when(RequestPromotion{id, release(version), "by hand"}, actor);
}

Lines World::cancel(const PromotionId& id, const std::string& actor) {
  return when(Cancel{id, {}}, actor);
}

Lines World::pass(Duration elapsed) {
  const auto before = log.size();
  const auto end = now + elapsed;
  const auto next = [&]() -> std::optional<std::pair<Timestamp, TargetId>> {
    std::optional<std::pair<Timestamp, TargetId>> first;
    for (const auto* wakeups : {&state.wakeups, &state.flow_wakeups}) {
      if (!wakeups->empty() && (!first || *wakeups->begin() < *first)) first = *wakeups->begin();
    }
    return first;
  };
  while (const auto soonest = next()) {
    const auto& [due, id] = *soonest;
    if (due > end) break;
    now = std::max(now, due);
    const auto size = log.size();
    settle({id});
    HEADGATE_CHECK(log.size() > size);  // else it is due for ever and nothing comes of it
  }
  now = end;
  return since(before);
}

Lines World::clock_jumps(Duration delta) {
  now += delta;
  return when(StepClock{delta}, "engine");
}

Lines World::effects() const {
  Lines lines;
  for (const auto& effect : pending_effects(state)) {
    lines.push_back(to_string(effect.id) + "#" + std::to_string(effect.attempt));
  }
  return lines;
}

Activity World::effect(const TargetId& id) const {
  const auto effect = pending_effect(state, id);
  HEADGATE_CHECK(effect);
  return *effect;
}

Lines World::finish(const TargetId& id, Outcome::Kind kind, const std::string& reason) {
  const auto activity = effect(id);
  return when(CompleteActivity{activity.id, activity.attempt, {kind, reason, {}, {}}}, "engine");
}

Lines World::finish_all(const TargetId& id) {
  const auto before = log.size();
  while (pending_effect(state, id)) finish(id);
  return since(before);
}

Lines World::plan_by_trigger(const TargetId& id, const std::string& version, Trigger trigger) {
  const auto before = log.size();
  const Wish wish{release(version), {}};
  const PromotionId next{id, at(id).last_number + 1};
  const auto plan = plan_for(state, next, wish, way_back_from(state, id, wish), &test_digest);
  HEADGATE_CHECK(plan.has_value());
  std::vector<Event> events;
  plan_events(events, next, trigger, *plan, {}, {});
  std::set<TargetId> touched;
  for (auto& event : events) record(std::move(event), "engine", touched);
  settle(std::move(touched));
  return since(before);
}

const TargetState& World::at(const TargetId& id) const {
  const auto* found = state.find(id);
  HEADGATE_CHECK(found);
  return *found;
}

const Promotion& World::live(const TargetId& id) const {
  HEADGATE_CHECK(at(id).promotion);
  return *at(id).promotion;
}

std::string World::running(const TargetId& id) const {
  return at(id).current ? at(id).current->release.version : "nothing";
}

Lines World::unmet(const TargetId& id) const {
  Lines lines;
  for (const auto& condition : judge(state, live(id), now)) {
    if (!condition.met) lines.push_back(condition.text);
  }
  return lines;
}

std::string World::idle(const TargetId& id) const {
  const auto conditions = explain_idle(state, id);
  return conditions.empty() ? std::string() : conditions.front().text;
}

Lines World::steps(const TargetId& id) const {
  Lines names;
  for (const auto& step : live(id).steps) names.push_back(step.step->name);
  return names;
}

}  // namespace headgate::test
