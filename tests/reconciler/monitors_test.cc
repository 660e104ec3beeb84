// How monitors count, how outages are measured, and both over a running engine: a release that fails after its success
// goes back.
#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>

#include "engine/ports/pause.h"
#include "reconciler/monitor_watch.h"
#include "reconciler/probe.h"
#include "reconciler/windows.h"
#include "tests/fakes/http_client.h"
#include "tests/runtime/engine_fixture.h"

namespace headgate::reconciler {
namespace {

using namespace std::chrono_literals;
using runtime::testing::eventually;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const MonitorId api{"staging", "api"};

Timestamp at(const char* text) {
  return *parse_timestamp(text);
}

// ------------------------------------------------------------------------------------------------------------ counting

Monitor three_times() {
  Monitor m;
  m.name = "api";
  m.failure_limit = 3;
  return m;
}

TEST(MonitorTally, TellsAFailureOnceItIsOneAndARecovery) {
  MonitorTally tally;
  const auto monitor = three_times();
  EXPECT_FALSE(tally.news(api, monitor, false)) << "nobody has looked";
  const auto began = at("2026-11-20T10:00:00Z");
  for (int i = 0; i < 2; ++i) tally.add({false, {}, "no", began + i * 1min}, nullptr);
  EXPECT_FALSE(tally.news(api, monitor, false));
  tally.add({false, {}, "still no", began + 2min}, nullptr);
  const auto news = tally.news(api, monitor, false);
  ASSERT_TRUE(news);
  EXPECT_EQ(news->failures, 3U);
  EXPECT_EQ(news->since, began);
  EXPECT_EQ(news->reason, "still no");
  EXPECT_FALSE(tally.news(api, monitor, true)) << "it is known";
  tally.add({true, 5ms, "", began + 3min}, nullptr);
  EXPECT_FALSE(tally.news(api, monitor, false));
  EXPECT_TRUE(tally.news(api, monitor, true)->passed);
}

TEST(MonitorTally, ForgetsFailuresFromBeforeAMaintenance) {
  MonitorTally tally;
  const auto began = at("2026-11-20T10:00:00Z");
  for (int i = 0; i < 2; ++i) tally.add({false, {}, "no", began}, nullptr);
  tally.begin_anew();
  tally.add({false, {}, "no", began + 1h}, nullptr);
  EXPECT_FALSE(tally.news(api, three_times(), false));
}

TEST(MonitorTally, SumsUpEachHourWhenItIsOver) {
  MonitorTally tally;
  const Sla sla{24h, {}, {{95, 1'700ms, 0}}, 0};
  const auto hour = at("2026-11-20T10:00:00Z");
  tally.add({true, 3ms, "", hour + 1min}, &sla);
  tally.add({true, 1'600ms, "", hour + 2min}, &sla);
  tally.add({true, 1'701ms, "", hour + 3min}, &sla);
  tally.add({false, {}, "no answer", hour + 59min}, &sla);
  tally.add({true, 2h, "", hour + 61min}, &sla);
  EXPECT_THAT(tally.take(api, hour + 59min, false), IsEmpty());
  const auto over = tally.take(api, hour + 61min, false);
  ASSERT_EQ(over.size(), 1U);
  EXPECT_EQ(over[0].hour, hour);
  EXPECT_EQ(over[0].checks, 4U);
  EXPECT_EQ(over[0].failures, 1U);
  EXPECT_THAT(over[0].latency, ElementsAre(LatencyBucket{5, 1}, LatencyBucket{1'700, 1}, LatencyBucket{2'000, 1}));
  tally.put_back(over[0]);
  const auto all = tally.take(api, hour + 61min, true);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0], over[0]);
  EXPECT_THAT(all[1].latency, ElementsAre(LatencyBucket{3'600'000, 1}));
  EXPECT_THAT(tally.take(api, hour + 5h, true), IsEmpty());
}

TEST(MonitorHours, ChangeTheIntervalInTheirTimeZone) {
  Monitor m = three_times();
  m.every = 15min;
  m.during = {{5min, "0 8 * * 1-5", 10h, "Europe/Rome", 0}, {1min, "0 0 * * *", 24h, "UTC", 0}};
  EXPECT_EQ(interval_at(m, at("2026-11-20T07:00:00Z")), 5min) << "a Friday, eight in Rome";
  EXPECT_EQ(interval_at(m, at("2026-11-20T16:59:59Z")), 5min);
  EXPECT_EQ(interval_at(m, at("2026-11-20T17:00:00Z")), 1min) << "the next one that it is in";
  m.during.pop_back();
  EXPECT_EQ(interval_at(m, at("2026-11-20T17:00:00Z")), 15min);
  EXPECT_EQ(interval_at(m, at("2026-11-21T10:00:00Z")), 15min) << "a Saturday";
  EXPECT_EQ(interval_at(m, at("2026-07-20T06:00:00Z")), 5min) << "summer time";
}

// ------------------------------------------------------------------------------------------------------------- outages

TEST(OutageMeter, MeasuresFromTheLastAnswerToTheNext) {
  OutageMeter meter;
  meter.asked(1s, true);
  meter.asked(2s, false);
  meter.asked(3s, false);
  EXPECT_TRUE(meter.away());
  EXPECT_EQ(meter.away_for(3s), 2s);
  meter.asked(4s, true);
  EXPECT_FALSE(meter.away());
  meter.asked(5s, false);
  meter.asked(6s, true);
  EXPECT_EQ(meter.result(), (ProbeResult{6, 3, 3s}));
}

TEST(OutageMeter, WhatNeverAnsweredWasNotAway) {
  OutageMeter meter;
  meter.asked(1s, false);
  meter.asked(9s, true);
  meter.end(20s);
  EXPECT_EQ(meter.result().longest, 0s);
}

TEST(OutageMeter, WhatIsAwayAtTheEndWasAwayUntilThen) {
  OutageMeter meter;
  meter.asked(1s, true);
  meter.asked(2s, false);
  meter.end(5s);
  EXPECT_EQ(meter.result(), (ProbeResult{2, 1, 4s}));
}

TEST(ProbeRun, FollowsAnOutageThatOutlastsTheStep) {
  std::atomic<int> asked{0};
  ProbeRun run({{}, 1ms, 20s}, [&](const Check&, std::stop_token) {
    CheckResult result;
    const int n = ++asked;  // away from the fifth to the ninth
    result.verdict = n >= 5 && n < 10 ? CheckResult::Verdict::failed : CheckResult::Verdict::passed;
    return result;
  });
  ASSERT_TRUE(eventually([&] { return asked >= 5; }));
  const auto seen = run.finish({});
  EXPECT_GE(seen.probes, 10U);
  EXPECT_EQ(seen.failures, 5U);
  EXPECT_GE(seen.longest, 5ms);
}

TEST(ProbeRun, GivesUpOnceTheOutageIsLongerThanAllowed) {
  std::atomic<int> asked{0};
  ProbeRun run({{}, 1ms, 10ms}, [&](const Check&, std::stop_token) {
    CheckResult result;
    result.verdict = ++asked == 1 ? CheckResult::Verdict::passed : CheckResult::Verdict::failed;
    return result;
  });
  ASSERT_TRUE(eventually([&] { return asked >= 2; }));
  EXPECT_GT(run.finish({}).longest, 10ms);
}

// ------------------------------------------------------------------------------------------------------- a running
// engine

// The wall clock of the engine under test, and time that really goes by, or faster.
class RunningClock final : public Clock {
 public:
  explicit RunningClock(const Clock& wall) : wall_(wall) {}
  Timestamp now() const override { return wall_.now(); }
  Duration steady() const override {
    return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()) +
           Duration(passed_.load());
  }
  void pass(Duration time) { passed_ += time.count(); }

 private:
  const Clock& wall_;
  std::atomic<Duration::rep> passed_{0};
};

// The greeter of the fixture, looked at every few milliseconds. Its second release answers its health check, and fails
// from then on.
class Watched : public runtime::testing::EngineTest {
 protected:
  Environment place() {
    auto e = runtime::testing::staging_environment();
    Monitor m;
    m.name = "api";
    m.services = {"greeter"};
    m.check.name = "api";
    m.check.http = HttpCheck{"http://greeter.example.com/health", 200, {}, {}};
    m.every = 5ms;
    m.failure_limit = 3;
    m.on_failure = OnMonitorFailure::rollback;
    e.monitors = {m};
    return e;
  }
  void bring(const std::string& version) {
    auto service = runtime::testing::greeter_service();
    service.stages[0].gates.clear();
    service.stages[0].before.clear();
    service.stages[0].wait = 0s;
    push("c" + version, {service, place(), runtime::testing::greeter_target(version)});
  }
  std::string current() {
    return engine->read([](const State& state) {
      const auto* t = state.find({"greeter", "staging"});
      return t && t->current && !t->promotion ? t->current->release.version : std::string();
    });
  }
  void watch() {
    monitors.emplace(
        2, *engine, *engine, http,
        [this](const MonitorId& id, const headgate::Run& run, std::stop_token stop) {
          return command(id, run, std::move(stop));
        },
        running, [](NoticeLevel, std::string_view, std::string_view) {});
  }
  void TearDown() override {
    monitors.reset();
    EngineTest::TearDown();
  }

  MonitorWatch::RunCommand command = [](const MonitorId&, const headgate::Run&,
                                        const std::stop_token&) -> Result<ProcessResult> {
    return fail(ErrorCode::forbidden, "no commands here");
  };
  std::atomic<bool> healthy{true};
  std::atomic<int> upgraded{0};  // looks at what is under maintenance
  fakes::FakeHttpClient http{[this](const HttpRequest& request, const std::stop_token&) {
    HttpResponse response;
    if (request.url == "http://upgraded.example.com/") ++upgraded;
    response.status = healthy ? 200 : 500;
    return response;
  }};
  RunningClock running{clock};
  std::optional<MonitorWatch> monitors;
};

TEST_F(Watched, AReleaseThatFailsAfterItsSuccessGoesBack) {
  executor.answer = [this](const Activity& activity, std::stop_token) {
    if (activity.step.kind == StepKind::deploy && activity.to.release.version == "v1") healthy = true;
    return Outcome{};
  };
  bring("v1");
  ASSERT_TRUE(run(RecordObservation{{"greeter", "staging"}, {}}));
  ASSERT_TRUE(eventually([&] { return current() == "v1"; }));
  bring("v2");
  ASSERT_TRUE(eventually([&] { return current() == "v2"; }));
  watch();
  healthy = false;
  ASSERT_TRUE(eventually([&] { return current() == "v1"; }));
  ASSERT_TRUE(
      eventually([&] { return engine->read([](const State& state) { return !state.monitors.at(api).failing; }); }));
  EXPECT_EQ(count<MonitorFailed>(), 1U) << "looks that change nothing write nothing";
  EXPECT_EQ(count<MonitorRecovered>(), 1U);
  EXPECT_EQ(count<MonitorSummarized>(), 0U) << "the hour is not over";
  EXPECT_TRUE(engine->read([](const State& state) {
    return state.quarantine("greeter", state.services.at("greeter").releases.at("v2").release) != nullptr &&
           state.incidents.size() == 1;
  }));
  monitors.reset();
  EXPECT_TRUE(eventually([&] { return count<MonitorSummarized>() == 1; })) << "the end of the watch tells its count";
}

TEST_F(Watched, DuringMaintenanceNobodyLooks) {
  auto e = place();
  e.monitors[0].check.http->url = "http://upgraded.example.com/";
  e.maintenance = {{"upgrade", clock.now(), clock.now() + 1h, 0}};
  e.monitors.push_back(e.monitors[0]);
  e.monitors[1].name = "other";
  auto open = place();
  open.name = "production";
  open.monitors[0].services.clear();
  open.monitors[0].on_failure = OnMonitorFailure::incident;
  push("c1", {e, open});
  healthy = false;
  watch();
  ASSERT_TRUE(eventually([&] { return count<MonitorFailed>() == 1; })) << "of the other environment";
  EXPECT_EQ(upgraded, 0);
}

// Monitors that run a command each, every few milliseconds, and are of no service.
class WatchedByCommands : public Watched {
 protected:
  static Environment place(const std::string& environment, const std::vector<std::string>& names) {
    auto e = runtime::testing::staging_environment();
    e.name = environment;
    for (const auto& name : names) {
      Monitor m;
      m.name = name;
      m.check.name = name;
      m.check.run.emplace().command = {"/bin/look"};
      m.every = 5ms;
      e.monitors.push_back(m);
    }
    return e;
  }

  // Every command hangs until it is stopped, but /bin/mended.
  void hang_until_mended() {
    command = [this](const MonitorId&, const headgate::Run& run, const std::stop_token& stop) -> Result<ProcessResult> {
      ProcessResult result;
      if (run.command.front() == "/bin/mended") {
        ++answered;
        return result;
      }
      ++hanging;
      result.end = pause(1h, stop) ? ProcessResult::End::timed_out : ProcessResult::End::stopped;
      return result;
    };
  }

  std::atomic<int> answered{0};
  std::atomic<int> hanging{0};
  std::atomic<bool> for_good{false};
  std::mutex mutex;
  std::map<std::string, int> looks;
  std::map<std::string, Duration> timeouts;
};

TEST_F(WatchedByCommands, WhatHangsKeepsNobodyElseWaiting) {
  command = [this](const MonitorId& id, const headgate::Run&, const std::stop_token& stop) -> Result<ProcessResult> {
    ProcessResult result;
    if (id.environment == "staging") {
      ++answered;
      return result;
    }
    {
      const std::scoped_lock lock(mutex);
      ++looks[id.name];
    }
    if (for_good) {
      ++hanging;
      pause(1h, stop);
    }
    running.pass(1min);
    result.end = ProcessResult::End::timed_out;
    return result;
  };
  const auto hangs = place("production", {"h1", "h2", "h3", "h4", "h5"});
  push("c1", {hangs});
  watch();
  // Each of them is known to hang once it is looked at for the second time.
  ASSERT_TRUE(eventually([&] {
    const std::scoped_lock lock(mutex);
    return looks.size() == 5 && std::ranges::all_of(looks, [](const auto& each) { return each.second >= 2; });
  }));
  for_good = true;
  ASSERT_TRUE(eventually([&] { return hanging == 1; }));
  push("c2", {hangs, place("staging", {"answers"})});
  EXPECT_TRUE(eventually([&] { return answered >= 20; }));
  EXPECT_EQ(hanging, 1) << "of two workers";
}

TEST_F(WatchedByCommands, LooksWhoseMonitorHasChangedAreStoppedAndBegunAnew) {
  hang_until_mended();
  auto e = place("staging", {"one", "other"});
  for (auto& monitor : e.monitors) monitor.every = 1h;
  push("c1", {e});
  watch();
  ASSERT_TRUE(eventually([&] { return hanging == 2; })) << "all workers are taken";
  for (auto& monitor : e.monitors) monitor.check.run->command = {"/bin/mended"};
  push("c2", {e});
  EXPECT_TRUE(eventually([&] { return answered == 2; }));
  EXPECT_EQ(hanging, 2);
  EXPECT_EQ(count<MonitorFailed>(), 0U) << "a stop says nothing of what is looked at";
}

TEST_F(WatchedByCommands, LooksWhoseMonitorHasGoneAreStoppedForGood) {
  hang_until_mended();
  auto e = place("staging", {"one", "other"});
  push("c1", {e});
  watch();
  ASSERT_TRUE(eventually([&] { return hanging == 2; }));
  e.monitors = {e.monitors[0]};
  e.monitors[0].name = "another";
  e.monitors[0].check.run->command = {"/bin/mended"};
  push("c2", {e});
  EXPECT_TRUE(eventually([&] { return answered > 0; })) << "a worker is free";
  EXPECT_EQ(hanging, 2) << "none was begun again";
}

TEST_F(WatchedByCommands, ACommandHasUntilTheNextLookWhereItsDocumentSaysNothing) {
  command = [this](const MonitorId& id, const headgate::Run& run, const std::stop_token&) -> Result<ProcessResult> {
    const std::scoped_lock lock(mutex);
    timeouts[id.name] = run.timeout;
    return ProcessResult{};
  };
  auto e = place("staging", {"often", "seldom", "daily", "said"});
  e.monitors[1].every = 3min;
  e.monitors[2].every = 24h;
  e.monitors[3].check.run->timeout = 10min;
  push("c1", {e});
  watch();
  ASSERT_TRUE(eventually([&] {
    const std::scoped_lock lock(mutex);
    return timeouts.size() == 4;
  }));
  monitors.reset();
  EXPECT_EQ(timeouts,
            (std::map<std::string, Duration>{{"often", 1min}, {"seldom", 3min}, {"daily", 15min}, {"said", 10min}}));
}

}  // namespace
}  // namespace headgate::reconciler
