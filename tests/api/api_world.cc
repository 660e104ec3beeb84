#include "tests/api/api_world.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <future>

#include "api/record_view.h"
#include "api/secrets.h"
#include "engine/base/digest.h"
#include "store/blob_store.h"
#include "store/people_directory.h"

namespace headgate::api::test {

Outcome TestExecutor::execute(const Activity&, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, stop, [this] { return !held_; });
  if (stop.stop_requested()) return {Outcome::Kind::stopped, "asked to stop", {}, {}};
  return std::exchange(next_, std::nullopt).value_or(Outcome{});
}

void TestExecutor::hold(bool held) {
  const std::scoped_lock lock(mutex_);
  held_ = held;
  changed_.notify_all();
}

void TestExecutor::fail_next(Outcome outcome) {
  const std::scoped_lock lock(mutex_);
  next_ = std::move(outcome);
}

Result<std::string> TestProofs::checkpoint() const {
  if (!signed_yet) return fail(ErrorCode::unavailable, "no checkpoint is signed yet");
  return "test.example.com\n3\nroot\n\n— test.example.com signature\n";
}

Result<std::string> TestProofs::proof(Position position) const {
  return fmt::format("c2sp.org/tlog-proof@v1\nindex {}\n", position);
}

Result<std::string> TestProofs::tile(unsigned level, std::uint64_t number, unsigned width) const {
  if (level > 0 || number > 0) return fail(ErrorCode::not_found, "the tree has not grown that far");
  return std::string(width * 32, 't');
}

std::vector<RepositoryStatus> TestRepositories::list() const {
  return {{"environments", "file:///srv/environments.git", "main", std::string(40, 'a'), SystemClock().now(), ""},
          {"monorepo", "file:///srv/monorepo.git", "main", std::string(40, 'b'), SystemClock().now(), ""}};
}

Result<void> TestRepositories::sync(std::string_view name) {
  if (name != "environments") return fail(ErrorCode::not_found, fmt::format("no repository '{}'", name));
  const std::scoped_lock lock(mutex);
  synced.emplace_back(name);
  return {};
}

TestBackups::TestBackups() {
  for (const std::uint64_t id : {3, 5, 6}) told.backups.push_back({.id = id, .size = id * 10});
  told.runs = 3;
  told.last_id = 6;
}

Result<BackupReport> TestBackups::report() const {
  const std::scoped_lock lock(mutex);
  return told;
}

Result<std::uint64_t> TestBackups::start(std::optional<std::uint64_t> verify) {
  const std::scoped_lock lock(mutex);
  if (told.running) return fail(ErrorCode::conflict, "a backup is under way");
  told.running = true;
  begun.push_back(verify);
  return told.runs + 1;
}

std::string token_for(std::string_view who) {
  auto text = "hg_" + std::string(who);
  text.resize(token_length, '0');
  return text;
}

ApiWorld::ApiWorld(ApiOptions options, HttpLimits limits) {
  blobs = *store::BlobStore::open(dir / "blobs");
  people = *store::PeopleDirectory::open(dir / "people");
  runtime::EngineOptions engine_options;
  engine_options.version = "test";
  engine_options.origin = "test.example.com";
  engine_options.workers = 2;
  auto started = runtime::Engine::start(engine_options, log, snapshots, clock, executor, &sha256_digest, metrics,
                                        [](const Error& error) { ADD_FAILURE() << error.message; });
  HEADGATE_CHECK(started.has_value());
  engine = std::move(*started);
  configure();

  api = std::make_unique<Api>(
      ApiDependencies{
          .engine = *engine,
          .log = log,
          .snapshots = snapshots,
          .blobs = *blobs,
          .people = *people,
          .clock = clock,
          .proofs = proofs,
          .repositories = repositories,
          .metrics = metrics,
          .not_ready =
              [this] {
                const std::scoped_lock lock(not_ready_mutex);
                return not_ready;
              },
          .backups = &backups,
          .evidence = [this](std::span<const StoredRecord> records,
                             const StoredRecord& exported) { return evidence(records, exported); },
          .last_look = [this](const TargetId& id, const std::string& location) { return last_look(id, location); }},
      options);
  Router router;
  api->add_routes(router);
  for (const auto* route : router.routes()) routes.emplace_back(route->method, route->pattern);
  HttpServerOptions server_options;
  server_options.threads = 1;
  server_options.limits = limits;
  server_options.decorate = [this](Response& response) { api->decorate(response); };
  server_options.on_request = [this](const Access& access) { metrics.on_request(access); };
  auto listening = HttpServer::start(std::move(server_options), std::move(router));
  HEADGATE_CHECK(listening.has_value());
  server = std::move(*listening);
}

ApiWorld::~ApiWorld() {
  executor.hold(false);
  server->stop(std::chrono::milliseconds(0));
  api->stop();
  engine->stop(Duration::zero());
}

Result<Receipt> ApiWorld::run(Command command, std::string actor) {
  std::promise<Result<Receipt>> promise;
  Submission submission;
  submission.command = std::move(command);
  submission.actor = std::move(actor);
  HEADGATE_CHECK(engine->submit(std::move(submission), [&](Result<Receipt> r) { promise.set_value(std::move(r)); }));
  return promise.get_future().get();
}

void ApiWorld::make_token(std::string_view who, std::vector<Role> roles, std::optional<Timestamp> expires) {
  const auto id = people->token_id(who);
  HEADGATE_CHECK(id.has_value());
  HEADGATE_CHECK(run(CreateToken{*id, sha256_digest(token_for(who)), std::move(roles), expires}).has_value());
}

namespace {

Stage stage(const std::string& environment) {
  Stage s;
  s.environment = environment;
  s.line = 7;
  s.requires_line = 8;
  return s;
}

Environment environment(const std::string& name) {
  Environment e;
  e.name = name;
  e.driver.deploy.command = {"/bin/deploy", "${release.version}"};
  e.driver.observe.command = {"/bin/observe"};
  return e;
}

}  // namespace

void ApiWorld::configure() {
  const std::string commit(40, 'c');
  for (const char* name : {"alice", "carol", "dave", "erin", "frank"}) {
    person[name] = people->claim({.id = {}, .name = name, .emails = {}, .oidc = {}, .signing_keys = {}})->id;
    make_token(name, {});
  }
  for (const auto role :
       {Role::viewer, Role::auditor, Role::reporter, Role::approver, Role::operator_, Role::break_glass, Role::admin}) {
    make_token(name_of(role), {role});
  }
  make_token("nothing", {});

  Service gateway;
  gateway.name = "gateway";
  gateway.gates = {headgate::Gate{"unit-tests", {}, 3, {}, {}}};
  auto staging = stage("staging");
  staging.gates = {"unit-tests"};
  auto production = stage("production");
  production.gates = {"unit-tests"};
  production.healthy = {"staging"};
  production.approvals = {{"managers", 2, 12}};
  gateway.stages = {staging, production};
  Service billing;
  billing.name = "billing";
  billing.stages = {stage("staging")};

  AccessPolicy access;
  access.name = "access";
  for (const auto& [name, id] : person) access.people.push_back({id, {*people->token_id(name)}});
  access.teams = {{"managers", {person["alice"], person["carol"], person["dave"], person["erin"]}}};
  const auto grant = [&](const std::string& name, Role role, std::vector<std::string> services,
                         std::vector<std::string> environments) {
    access.grants.push_back({{}, person[name], {}, role, std::move(environments), std::move(services)});
  };
  grant("alice", Role::operator_, {"*"}, {"*"});
  grant("alice", Role::approver, {"*"}, {"*"});
  grant("carol", Role::approver, {"gateway"}, {"production"});
  grant("dave", Role::approver, {"*"}, {"*"});
  grant("frank", Role::viewer, {"billing"}, {"*"});
  grant("erin", Role::auditor, {"billing"}, {"*"});
  grant("dave", Role::break_glass, {"*"}, {"*"});
  access.grants.back().require_claims = {{"amr", "mfa"}};

  CommitObserved observed;
  observed.repository = "environments";
  observed.branch = "main";
  observed.sha = commit;
  observed.author = observed.committer = person["frank"];
  observed.message = "Describe the world";
  HEADGATE_CHECK(run(ObserveCommits{"environments", "main", {}, {observed}}).has_value());
  StageDocuments documents;
  documents.commit = commit;
  for (const Document& document : {Document(gateway), Document(billing), Document(environment("staging")),
                                   Document(environment("production")), Document(access)}) {
    documents.accepted.push_back({{"world.yaml", 1, std::string(40, 'b')}, document});
  }
  HEADGATE_CHECK(run(documents).has_value());
  HEADGATE_CHECK(run(AcceptConfiguration{"environments", commit}).has_value());
}

std::string ApiWorld::request(std::string_view method, std::string_view path, std::string_view who,
                              std::string_view body, std::string_view headers) {
  auto text = fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\n{}", method, path, headers);
  if (!who.empty()) text += fmt::format("Authorization: Bearer {}\r\n", token_for(who));
  if (!body.empty() || (method != "GET" && method != "HEAD")) {
    const bool typed = headers.find("Content-Type") != std::string_view::npos;
    text += fmt::format("{}Content-Length: {}\r\n", typed ? "" : "Content-Type: application/json\r\n", body.size());
  }
  return text + "\r\n" + std::string(body);
}

Answer ApiWorld::call(std::string_view method, std::string_view path, std::string_view who, std::string_view body,
                      std::string_view headers) {
  RawClient client(endpoint());
  EXPECT_TRUE(client.send(request(method, path, who, body, headers)));
  auto answer = client.read_answer(method == "HEAD");
  EXPECT_TRUE(answer.has_value()) << method << " " << path;
  return answer.value_or(Answer{});
}

void ApiWorld::report_gate(const std::string& version) {
  const auto body =
      fmt::format(R"({{"service":"gateway","version":"{}","gate":"unit-tests","status":"passed"}})", version);
  const auto answer = call("POST", "/v1/gates", "reporter", body);
  EXPECT_EQ(answer.status, 201) << answer.body;
}

void ApiWorld::release_to_staging(const std::string& version) {
  const auto body = fmt::format(
      R"({{"service":"gateway","version":"{}","artifacts":{{"image":"registry/gateway@{}"}}}})", version, version);
  const auto answer = call("POST", "/v1/releases", "reporter", body);
  EXPECT_EQ(answer.status, 201) << answer.body;
  report_gate(version);
  EXPECT_TRUE(reaches(promote(version, "staging"), "succeeded"));
}

std::string ApiWorld::promote(const std::string& version, const std::string& environment, const std::string& reason) {
  const auto body =
      fmt::format(R"({{"service":"gateway","environment":"{}","release":{{"version":"{}"}},"reason":"{}"}})",
                  environment, version, reason);
  const auto answer = call("POST", "/v1/promotions", "operator", body);
  EXPECT_EQ(answer.status, 201) << answer.body;
  return at(answer, "/id");
}

bool ApiWorld::reaches(const std::string& id, const std::string& phase) {
  return eventually([&] { return at(call("GET", "/v1/promotions/" + id), "/phase") == phase; });
}

std::string ApiWorld::plan_digest(const std::string& id) {
  return at(call("GET", "/v1/promotions/" + id), "/plan_digest");
}

std::vector<std::string> ApiWorld::stored() const {
  std::vector<std::string> records;
  auto stored = log.read(0, log.size());
  HEADGATE_CHECK(stored.has_value());
  for (auto& record : *stored) records.push_back(std::move(record.bytes));
  return records;
}

std::vector<std::string> ApiWorld::stored(std::string_view type) const {
  auto records = stored();
  std::erase_if(records, [&](const std::string& record) { return view_record(record)->type != type; });
  return records;
}

namespace {

const JsonValue* find(const JsonValue& root, std::string_view pointer) {
  const JsonValue* value = &root;
  while (!pointer.empty() && value != nullptr) {
    pointer.remove_prefix(1);
    const auto end = std::min(pointer.find('/'), pointer.size());
    const auto token = pointer.substr(0, end);
    pointer.remove_prefix(end);
    if (const auto* array = value->array()) {
      std::size_t index = 0;
      std::from_chars(token.data(), token.data() + token.size(), index);
      value = index < array->size() ? &(*array)[index] : nullptr;
    } else {
      value = value->find(token);
    }
  }
  return value;
}

}  // namespace

std::string at(std::string_view json, std::string_view pointer) {
  const auto root = parse_json(json);
  if (!root) return "(no JSON)";
  const auto* value = find(*root, pointer);
  if (value == nullptr) return "(absent)";
  if (const auto* text = value->string()) return *text;
  if (const auto* number = value->number()) return number->text;
  if (const auto* flag = value->boolean()) return *flag ? "true" : "false";
  return value->is_null() ? "null" : "(nested)";
}

std::string at(const Answer& answer, std::string_view pointer) {
  return at(answer.body, pointer);
}

std::size_t size_at(std::string_view json, std::string_view pointer) {
  const auto root = parse_json(json);
  const auto* value = root ? find(*root, pointer) : nullptr;
  return value != nullptr && value->array() != nullptr ? value->array()->size() : 0;
}

}  // namespace headgate::api::test
