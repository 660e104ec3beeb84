// What becomes of an activity: real commands under real supervisors, answers of a web server that a test gives, and the
// promises of the port, which the executor of the runtime's tests keeps as well.
#include "reconciler/step_executor.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <future>
#include <system_error>

#include "engine/base/digest.h"
#include "reconciler/git_blob_id.h"
#include "store/blob_store.h"
#include "tests/fakes/http_client.h"
#include "tests/reconciler/test_directory.h"
#include "tests/runtime/engine_fixture.h"

namespace headgate::reconciler {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using Kind = Outcome::Kind;

Activity activity_of(StepKind kind, std::vector<std::string> command, std::uint32_t attempt = 1) {
  Activity activity;
  activity.id = {{{"greeter", "staging"}, 7}, "deploy"};
  activity.attempt = attempt;
  activity.step.name = "deploy";
  activity.step.kind = kind;
  if (!command.empty()) activity.step.run = Run{std::move(command), {}, 1min};
  activity.to.release = {"v2", std::string(40, 'b'), {{"image", "sha256:abc"}}};
  activity.from = Wish{{"v1", std::string(40, 'a'), {}}, {}};
  return activity;
}

// An executor over commands that are scripts of the test.
struct OverCommands {
  explicit OverCommands(std::string_view script, const std::string& user = {})
      : program(directory.script("act", script).string()),
        blobs(store::BlobStore::open(directory.path() / "blobs").value()) {
    CommandSettings settings;
    settings.mode = CommandMode::allowlist;
    settings.allow = {{program, {}}};
    settings.user = user;
    policy.emplace(CommandPolicy::make(settings).value());
    driver.emplace(
        runner, exports, *policy, [](const std::string&) { return fail(ErrorCode::not_found, "no scripts"); },
        directory.path() / "work", [] { return nullptr; });
    executor.emplace(*driver, http, *blobs, [](NoticeLevel, std::string_view, std::string_view) {});
  }
  Outcome run(Activity activity, std::stop_token stop = {}) { return executor->execute(activity, std::move(stop)); }

  TestDirectory directory;
  std::string program;
  fakes::FakeHttpClient http;
  std::unique_ptr<store::BlobStore> blobs;
  ProcessRunner runner{
      {.lock_directory = directory.path() / "run", .supervisor = HEADGATE_PROCESS_HOST, .grace = 300ms}};
  ScriptExports exports{directory.path() / "exports"};
  std::optional<CommandPolicy> policy;
  std::optional<CommandDriver> driver;
  std::optional<StepExecutor> executor;
};

TEST(StepExecutor, TellsACommandWhatItIsAboutAndKeepsItsEvidence) {
  OverCommands over(R"(echo some output
printf '{"id":"%s","attempt":%s,"to":"%s","from":"%s"}\n' "$HEADGATE_ACTIVITY" "$HEADGATE_ATTEMPT" \
  "$HEADGATE_RELEASE_VERSION" "$HEADGATE_PREVIOUS_VERSION"
)");
  const auto outcome = over.run(activity_of(StepKind::deploy, {over.program}, 3));
  EXPECT_EQ(outcome.kind, Kind::succeeded) << outcome.reason;
  EXPECT_EQ(outcome.evidence.text, R"({"id":"greeter/staging/7/deploy","attempt":3,"to":"v2","from":"v1"})");
  EXPECT_EQ(outcome.output, "") << "of a success only the evidence is kept";
}

TEST(StepExecutor, GivesTheUserOfCommandsAFolderOfTheirOwn) {
  OverCommands over("echo text > kept && printf '{\"user\":\"%s\"}\\n' \"$(id -un)\"\n", "nobody");
  const auto outcome = over.run(activity_of(StepKind::deploy, {over.program}));
  if (::geteuid() != 0) {
    EXPECT_THAT(outcome.reason, HasSubstr("only root may start commands as somebody else"));
    return;
  }
  EXPECT_EQ(outcome.kind, Kind::succeeded) << outcome.reason;
  EXPECT_EQ(outcome.evidence.text, R"({"user":"nobody"})");
}

TEST(StepExecutor, TellsOfNoSlotByAnEmptyOne) {
  OverCommands over("set -u; printf '{\"slot\":\"%s\"}\\n' \"$HEADGATE_SLOT\"\n");
  EXPECT_EQ(over.run(activity_of(StepKind::deploy, {over.program})).evidence.text, R"({"slot":""})");
}

TEST(StepExecutor, KeepsTheOutputOfACommandThatFailed) {
  OverCommands over("echo going; echo 'no such image' >&2; exit \"$1\"\n");
  const auto final = over.run(activity_of(StepKind::deploy, {over.program, "1"}));
  EXPECT_EQ(final.kind, Kind::terminal);
  EXPECT_THAT(final.reason, HasSubstr("no such image"));
  EXPECT_EQ(over.blobs->get(final.output).value_or("none"),
            "== standard output\ngoing\n\n== standard error\nno such image\n\n");
  EXPECT_EQ(over.run(activity_of(StepKind::deploy, {over.program, "75"})).kind, Kind::retryable) << "EX_TEMPFAIL";
}

TEST(StepExecutor, TriesNothingAgainThatTheHostForbids) {
  OverCommands over("exit 0\n");
  const auto outcome = over.run(activity_of(StepKind::deploy, {"/bin/true"}));
  EXPECT_EQ(outcome.kind, Kind::terminal);
  EXPECT_THAT(outcome.reason, HasSubstr("/bin/true"));
}

TEST(StepExecutor, TakesAnAnswerForOrAgainstTheReleaseAndNoneForNeither) {
  OverCommands over("exit 0\n");
  auto health = activity_of(StepKind::health, {});
  Check check;
  check.name = "health";
  check.http = HttpCheck{"http://greeter.example.com/health", 200, {}, {}};
  check.attempts = 1;
  health.step.check = check;
  const auto answers = [&](int status) {
    over.http = fakes::FakeHttpClient([status](const HttpRequest&, std::stop_token) -> Result<HttpResponse> {
      return HttpResponse{status, {}, "body", 3ms};
    });
    return over.run(health).kind;
  };
  EXPECT_EQ(answers(200), Kind::succeeded);
  EXPECT_EQ(answers(500), Kind::unhealthy);
}

TEST(StepExecutor, TakesTheExitOfAGatesRunForWhatTheGateFound) {
  OverCommands over(R"(printf '{"metrics":{"coverage":91.50},"environment":"%s"}\n' "$HEADGATE_ENVIRONMENT"; exit "$1"
)");
  const auto run = [&](const std::string& exit) {
    auto activity = activity_of(StepKind::run, {over.program, exit});
    activity.gate = "tests";
    return over.run(std::move(activity));
  };
  const auto passed = run("0");
  EXPECT_EQ(passed.kind, Kind::succeeded) << passed.reason;
  EXPECT_EQ(passed.metrics.at("coverage").text, "91.50");
  EXPECT_THAT(passed.evidence.text, HasSubstr(R"("environment":"")")) << "a release has none";
  const auto failed = run("1");
  EXPECT_EQ(failed.kind, Kind::unhealthy);
  EXPECT_EQ(failed.metrics.at("coverage").text, "91.50");
  EXPECT_EQ(run("75").kind, Kind::retryable) << "that tells nothing of the release";
}

TEST(StepExecutor, TriesAgainWhatTheHostHadNoThreadFor) {
  OverCommands over("exit 0\n");
  over.http = fakes::FakeHttpClient([](const HttpRequest&, std::stop_token) -> Result<HttpResponse> {
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
  });
  auto health = activity_of(StepKind::health, {});
  health.step.check = Check{};
  health.step.check->name = "health";
  health.step.check->http = HttpCheck{"http://greeter.example.com/health", 200, {}, {}};
  EXPECT_EQ(over.run(health).kind, Kind::retryable);
}

TEST(StepExecutor, RunsAnExportedScriptWithoutTheRepository) {
  OverCommands over("exit 0\n");
  const std::string script = "#!/bin/sh\necho '{}'\n";
  CommandSettings settings;
  settings.mode = CommandMode::allowlist;
  settings.allow = {{"hooks/deploy.sh", hex(sha256(script))}};
  over.policy = CommandPolicy::make(settings).value();
  auto activity = activity_of(StepKind::deploy, {"hooks/deploy.sh"});
  activity.step.run->blob = git_blob_id(script);
  const auto away = over.run(activity);
  EXPECT_EQ(away.kind, Kind::terminal) << "neither exported nor in the repository";
  ASSERT_TRUE(over.exports.ensure(git_blob_id(script), "deploy.sh", [&] { return Result<std::string>(script); }));
  const auto outcome = over.run(activity);
  EXPECT_EQ(outcome.kind, Kind::succeeded) << outcome.reason;
}

// ------------------------------------------------------------------------------------------- what the port promises

struct OfTheProgram {
  OverCommands over{"echo $$ > ../../pid.$$ && mv ../../pid.$$ ../../pid\nexec sleep 600\n"};
  Executor& get() { return *over.executor; }
  Activity lasting() { return activity_of(StepKind::deploy, {over.program}); }
  bool began() { return !over.directory.read("pid").empty(); }
  // Whether anything of the attempt runs.
  bool runs() {
    std::ifstream stat("/proc/" + std::to_string(std::stoi(over.directory.read("pid"))) + "/stat");
    std::string line;
    return std::getline(stat, line) && line.find(") Z ") == std::string::npos;
  }
};

struct OfTheTests {
  runtime::testing::ScriptedExecutor executor;
  std::atomic<bool> running = false;
  OfTheTests() {
    executor.answer = [this](const Activity&, const std::stop_token& stop) {
      running = true;
      while (!stop.stop_requested()) std::this_thread::yield();
      running = false;
      return Outcome{Kind::stopped, "stopped", {}, {}};
    };
  }
  Executor& get() { return executor; }
  Activity lasting() { return activity_of(StepKind::deploy, {"/bin/true"}); }
  bool began() { return running || executor.started_now().size() == 1; }
  bool runs() { return running; }
};

template <class Subject>
class ExecutorContract : public ::testing::Test {
 protected:
  Subject subject_;
};

struct SubjectNames {
  template <class T>
  static std::string GetName(int) {
    return std::is_same_v<T, OfTheProgram> ? "OfTheProgram" : "OfTheTests";
  }
};
using Subjects = ::testing::Types<OfTheProgram, OfTheTests>;
TYPED_TEST_SUITE(ExecutorContract, Subjects, SubjectNames);

TYPED_TEST(ExecutorContract, ReturnsSoonAfterAStopAndOnlyOnceNothingRunsAnyMore) {
  std::stop_source stop;
  auto ended = std::async(std::launch::async,
                          [&] { return this->subject_.get().execute(this->subject_.lasting(), stop.get_token()); });
  ASSERT_TRUE(eventually([&] { return this->subject_.began(); }));
  EXPECT_NE(ended.wait_for(0s), std::future_status::ready) << "it blocks while the effect goes on";
  stop.request_stop();
  ASSERT_EQ(ended.wait_for(30s), std::future_status::ready);
  EXPECT_FALSE(this->subject_.runs());
  EXPECT_EQ(ended.get().kind, Kind::stopped);
}

TYPED_TEST(ExecutorContract, IsAskedFromManyThreads) {
  std::stop_source stop;
  std::vector<std::future<Outcome>> all;
  for (int i = 0; i < 8; ++i) {
    auto activity = this->subject_.lasting();
    activity.id.promotion.target.service += std::to_string(i);
    all.push_back(std::async(std::launch::async,
                             [&, activity] { return this->subject_.get().execute(activity, stop.get_token()); }));
  }
  ASSERT_TRUE(eventually([&] { return this->subject_.began(); }));
  stop.request_stop();
  for (auto& one : all) EXPECT_EQ(one.get().kind, Kind::stopped);
}

}  // namespace
}  // namespace headgate::reconciler
