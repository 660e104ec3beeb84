#include <atomic>

#include "tests/runtime/engine_fixture.h"

namespace headgate::runtime::testing {
namespace {

TEST_F(EngineTest, WritesTheFirstRecordsOfANewLog) {
  ASSERT_EQ(engine->position(), 2U);
  engine->read([](const State& state) {
    EXPECT_EQ(state.origin, "test");
    EXPECT_EQ(state.verifier_key, "key");
  });
  EXPECT_EQ(count<LogCreated>(), 1U);
  EXPECT_EQ(count<EngineStarted>(), 1U);
}

TEST_F(EngineTest, CarriesAPromotionToItsEnd) {
  begin_promotion();
  ASSERT_TRUE(eventually([&] { return count<TimerSet>() == 1; }));
  EXPECT_TRUE(executor.started_now().empty()) << "nothing happens outside before the wait is over";
  clock.pass(30s);
  ASSERT_TRUE(eventually([&] { return count<PromotionSucceeded>() == 1; }));
  EXPECT_EQ(executor.started_now(),
            (std::vector<std::string>{"greeter/staging/1/migrate#1", "greeter/staging/1/deploy#1",
                                      "greeter/staging/1/health#1"}));
  engine->read([](const State& state) {
    EXPECT_EQ(state.find({"greeter", "staging"})->current->release.version, "v1");
    EXPECT_TRUE(state.active.empty());
  });
}

TEST_F(EngineTest, AnswersOnlyWhatIsDurable) {
  const auto receipt = run(CreateToken{"token:a", "sha256:x", {}, {}});
  ASSERT_TRUE(receipt);
  EXPECT_EQ(receipt->last + 1, log->size());
  EXPECT_EQ(receipt->leaf_hash, *log->leaf_hash(receipt->last));
  EXPECT_GE(engine->position(), receipt->seen);
}

TEST_F(EngineTest, RepeatsTheFirstAnswerUnderAnIdempotencyKey) {
  const Submission once{.command = CreateToken{"token:a", "sha256:x", {}, {}},
                        .actor = "token:admin",
                        .idempotency_key = "k",
                        .request_digest = "d"};
  const auto first = run(once);
  ASSERT_TRUE(first);
  const auto again = run(once);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(again->last, first->last);
  EXPECT_EQ(again->leaf_hash, first->leaf_hash);
  ASSERT_EQ(again->events.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<TokenCreated>(again->events.front()));

  auto other = once;
  other.request_digest = "another";
  const auto refused = run(other);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_input);

  auto somebody_else = once;
  somebody_else.actor = "token:other";
  somebody_else.command = CreateToken{"token:b", "sha256:y", {}, {}};
  EXPECT_FALSE(run(somebody_else)->repeated) << "a key belongs to who used it";
}

TEST_F(EngineTest, RemembersKeysOverARestart) {
  const Submission once{.command = CreateToken{"token:a", "sha256:x", {}, {}},
                        .actor = "token:admin",
                        .idempotency_key = "k",
                        .request_digest = "d"};
  ASSERT_TRUE(run(once));
  restart();
  const auto again = run(once);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(count<TokenCreated>(), 1U);
}

TEST_F(EngineTest, DryRunWritesNothing) {
  const auto before = log->size();
  const auto receipt = run(Submission{.command = CreateToken{"token:a", "sha256:x", {}, {}}, .dry_run = true});
  ASSERT_TRUE(receipt);
  EXPECT_EQ(receipt->events.size(), 1U);
  EXPECT_EQ(log->size(), before);
  EXPECT_FALSE(engine->read([](const State& state) { return state.tokens.contains("token:a"); }));
}

TEST_F(EngineTest, TakesUpAnAttemptAgainAfterARestart) {
  std::atomic<bool> reachable = false;
  std::atomic<bool> deploying = false;
  executor.answer = [&](const Activity& activity, std::stop_token stop) {
    if (activity.step.name != "deploy" || reachable) return Outcome{};
    deploying = true;
    while (!stop.stop_requested()) std::this_thread::yield();
    return Outcome{Outcome::Kind::stopped, "stopped", {}, {}};
  };
  begin_promotion();
  ASSERT_TRUE(eventually([&] { return count<TimerSet>() == 1; }));
  clock.pass(31s);
  ASSERT_TRUE(eventually([&] { return deploying.load(); }));
  reachable = true;
  restart();
  ASSERT_TRUE(eventually([&] { return count<PromotionSucceeded>() == 1; }));
  const auto started = executor.started_now();
  EXPECT_EQ(std::ranges::count(started, "greeter/staging/1/deploy#1"), 2) << "the same attempt, under the same key";
  EXPECT_EQ(count<ActivityStarted>(), 3U);
}

TEST_F(EngineTest, RunsAGateAndTakesItUpAgainAfterARestart) {
  std::atomic<bool> reachable = false;
  std::atomic<bool> running = false;
  executor.answer = [&](const Activity& activity, std::stop_token stop) {
    if (activity.gate.empty() || reachable) return Outcome{};
    running = true;
    while (!stop.stop_requested()) std::this_thread::yield();
    return Outcome{Outcome::Kind::stopped, "stopped", {}, {}};
  };
  auto service = greeter_service();
  service.gates.front().run = headgate::Run{{"/bin/scan"}, {}, 1min};
  push("c1", {service, staging_environment(), greeter_target("v1")});
  ASSERT_TRUE(run(RecordObservation{{"greeter", "staging"}, {}}));
  ASSERT_TRUE(eventually([&] { return running.load(); }));
  reachable = true;
  restart();
  ASSERT_TRUE(eventually([&] { return count<GateReported>() == 1; }));
  const auto started = executor.started_now();
  EXPECT_EQ(std::ranges::count(started, "greeter/@gates/1/tests#1"), 2) << "the same attempt, under the same key";
  EXPECT_EQ(count<GateStarted>(), 1U);
  EXPECT_TRUE(eventually([&] { return count<TimerSet>() == 1; })) << "the promotion goes on";
}

TEST_F(EngineTest, FencesAnActivityThatIsCancelled) {
  std::atomic<bool> was_stopped = false;
  executor.answer = [&](const Activity& activity, std::stop_token stop) {
    if (activity.step.name != "migrate") return Outcome{};
    while (!stop.stop_requested()) std::this_thread::yield();
    was_stopped = true;
    return Outcome{};  // a late success
  };
  begin_promotion();
  ASSERT_TRUE(eventually([&] { return count<TimerSet>() == 1; }));
  clock.pass(31s);
  ASSERT_TRUE(eventually([&] { return executor.started_now().size() == 1; }));
  ASSERT_TRUE(run(Submission{.command = Cancel{{{"greeter", "staging"}, 1}, "enough"}, .actor = "person:x"}));
  ASSERT_TRUE(eventually([&] { return was_stopped.load(); }));
  ASSERT_TRUE(eventually([&] { return count<ActivityFenced>() == 2; })) << "fenced, and the late outcome recorded";
  EXPECT_EQ(count<ActivitySucceeded>(), 0U);
  EXPECT_EQ(count<PromotionCancelled>(), 1U);
}

TEST_F(EngineTest, OneActivityAtATimeOnATarget) {
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  executor.answer = [&](const Activity& activity, std::stop_token stop) {
    most = std::max(most.load(), ++running);
    if (activity.step.name == "deploy" && activity.id.promotion.number == 1) {
      // Goes on for a while after it was asked to stop, as a process group that dies slowly does.
      while (!stop.stop_requested()) std::this_thread::yield();
      for (int i = 0; i < 1000; ++i) std::this_thread::yield();
    }
    --running;
    return Outcome{Outcome::Kind::terminal, "x", {}, {}};
  };
  auto service = greeter_service();
  service.stages.front().before.clear();
  service.stages.front().wait = 0s;
  auto environment = staging_environment();
  environment.driver.retire = headgate::Run{{"/bin/retire"}, {}, 1min};
  push("c1", {service, environment, greeter_target("v1")});
  ASSERT_TRUE(run(RecordObservation{{"greeter", "staging"}, {}}));
  ASSERT_TRUE(run(ReportGate{"greeter", std::string(40, '1'), {}, "tests", GateStatus::passed, {}, {}, {}, {}}));
  ASSERT_TRUE(eventually([&] { return executor.started_now().size() == 1; }));
  ASSERT_TRUE(run(Submission{.command = Cancel{{{"greeter", "staging"}, 1}, "enough"}, .actor = "person:x"}));
  ASSERT_TRUE(eventually([&] { return executor.started_now().size() == 2; }));
  EXPECT_EQ(executor.started_now().back(), "greeter/staging/1/rollback-retire#1");
  EXPECT_EQ(most, 1);
}

TEST_F(EngineTest, AnAttemptThatHangsIsGoneBeforeItIsRetried) {
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  executor.answer = [&](const Activity& activity, std::stop_token stop) {
    most = std::max(most.load(), ++running);
    if (activity.step.name == "deploy" && activity.attempt == 1) {
      while (!stop.stop_requested()) std::this_thread::yield();
      for (int i = 0; i < 1000; ++i) std::this_thread::yield();
    }
    --running;
    return Outcome{};  // of the first attempt: a late success
  };
  begin_promotion();
  ASSERT_TRUE(eventually([&] { return count<TimerSet>() == 1; }));
  clock.pass(31s);
  ASSERT_TRUE(eventually([&] { return executor.started_now().size() == 2; }));
  ASSERT_TRUE(run(Submission{.command = RetryPromotion{{{"greeter", "staging"}, 1}, "it hangs"}, .actor = "person:x"}));
  ASSERT_TRUE(eventually([&] { return count<ActivityFenced>() == 2; })) << "fenced, and the late outcome recorded";
  clock.pass(2s);
  ASSERT_TRUE(eventually([&] { return count<PromotionSucceeded>() == 1; }));
  EXPECT_EQ(executor.started_now(),
            (std::vector<std::string>{"greeter/staging/1/migrate#1", "greeter/staging/1/deploy#1",
                                      "greeter/staging/1/deploy#2", "greeter/staging/1/health#1"}));
  EXPECT_EQ(most, 1);
}

TEST_F(EngineTest, RefusesWhenTheQueueIsFull) {
  engine->stop(Duration::zero());
  EXPECT_FALSE(engine->submit({.command = StartEngine{"x"}}, [](Result<Receipt>) { FAIL(); }));
}

TEST_F(EngineTest, StopsWhileATargetIsDueThatHasNothingToDo) {
  engine->stop(Duration::zero());
  engine.reset();
  snapshots.change_states([](State& state) { state.wakeups.insert({Timestamp{}, {"nobody", "nowhere"}}); });
  start();
  ASSERT_TRUE(run(CreateToken{"token:a", "sha256:x", {}, {}}));
  auto stopped = std::async(std::launch::async, [&] { engine->stop(Duration::zero()); });
  ASSERT_EQ(stopped.wait_for(20s), std::future_status::ready);
  EXPECT_EQ(count<EngineStopped>(), 2U);
}

TEST_F(EngineTest, NobodyWaitsForAPositionOnceItHasStopped) {
  int calls = 0;
  bool reached = true;
  const auto note = [&](bool ok) {
    ++calls;
    reached = ok;
  };
  engine->when_at(engine->position() + 1'000, 1h, note);
  engine->stop(Duration::zero());
  EXPECT_EQ(calls, 1);
  EXPECT_FALSE(reached);
  engine->when_at(engine->position() + 1'000, 1h, note);
  EXPECT_EQ(calls, 2) << "nobody would release it any more";
  engine->when_at(engine->position(), 1h, note);
  EXPECT_EQ(calls, 3);
  EXPECT_TRUE(reached);
}

TEST_F(EngineTest, CallsBackAtAPosition) {
  std::promise<bool> reached;
  const auto at = engine->position() + 1;
  engine->when_at(at, 1h, [&](bool ok) { reached.set_value(ok); });
  ASSERT_TRUE(run(CreateToken{"token:a", "sha256:x", {}, {}}));
  EXPECT_TRUE(reached.get_future().get());

  std::promise<bool> timed_out;
  engine->when_at(engine->position() + 1'000, 2s, [&](bool ok) { timed_out.set_value(ok); });
  clock.pass(3s);
  EXPECT_FALSE(timed_out.get_future().get());
}

TEST_F(EngineTest, KeepsAWaitsLengthWhenTheClockIsStepped) {
  begin_promotion();
  ASSERT_TRUE(eventually([&] { return count<TimerSet>() == 1; }));
  clock.step(24h);
  ASSERT_TRUE(eventually([&] { return count<ClockStepped>() == 1; }));
  EXPECT_EQ(count<TimerFired>(), 0U);
  clock.pass(30s);
  ASSERT_TRUE(eventually([&] { return count<PromotionSucceeded>() == 1; }));
}

TEST_F(EngineTest, KeepsAWaitsLengthWhenTheClockIsSetBackWhileItIsStopped) {
  begin_promotion();
  ASSERT_TRUE(eventually([&] { return count<TimerSet>() == 1; }));
  clock.step(-24h);
  restart();
  EXPECT_EQ(count<ClockStepped>(), 1U);
  EXPECT_EQ(count<TimerFired>(), 0U);
  clock.pass(30s);
  ASSERT_TRUE(eventually([&] { return count<PromotionSucceeded>() == 1; }));
  restart();
  EXPECT_EQ(count<ClockStepped>(), 1U) << "records are ahead of the clock still, and that is known";
}

TEST_F(EngineTest, StartsFromASnapshotAndDropsAForeignOne) {
  begin_promotion();
  restart();  // saves one
  ASSERT_GE(snapshots.count(), 1U);
  const auto live = engine->read([](const State& state) { return state; });
  const auto folded = state_at(*log, MemorySnapshots(), live.next);
  ASSERT_TRUE(folded);
  EXPECT_EQ(*folded, live);

  snapshots.spoil_roots();
  restart();
  const auto again = engine->read([](const State& state) { return state; });
  EXPECT_EQ(*state_at(*log, MemorySnapshots(), again.next), again);
}

TEST_F(EngineTest, SavesASnapshotSoonAfterAStartThatFoundNone) {
  begin_promotion();
  engine->stop(Duration::zero());
  engine.reset();
  snapshots.spoil_roots();  // passed over, as those of another version are
  const auto spoilt = snapshots.count();
  ASSERT_GE(log->size(), 10U);
  snapshot_every = 10;
  start();
  ASSERT_TRUE(eventually([&] { return snapshots.count() > spoilt; }));
}

TEST_F(EngineTest, AFoldOfTheLogCanBeStopped) {
  std::stop_source stopped;
  stopped.request_stop();
  const auto state = state_at(*log, MemorySnapshots(), log->size(), stopped.get_token());
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().code, ErrorCode::unavailable);
}

TEST_F(EngineTest, TellsAnEndedPromotionFromItsOwnEvents) {
  begin_promotion();
  ASSERT_TRUE(eventually([&] { return count<TimerSet>() == 1; }));
  clock.pass(31s);
  ASSERT_TRUE(eventually([&] { return count<PromotionSucceeded>() == 1; }));
  const auto promotion = promotion_of_log(*log, {{"greeter", "staging"}, 1});
  ASSERT_TRUE(promotion) << promotion.error().message;
  EXPECT_EQ(promotion->phase, Phase::succeeded);
  EXPECT_EQ(promotion->steps.size(), 5U);
  EXPECT_EQ(promotion_of_log(*log, {{"greeter", "staging"}, 2}).error().code, ErrorCode::not_found);
}

// A log whose next commit takes as long as the test wishes, or fails.
class UnsteadyLog final : public EventLog {
 public:
  explicit UnsteadyLog(EventLog& log) : log_(log) {}
  Result<void> stage(Position expected, std::span<const Recorded<Event>> events) override {
    return log_.stage(expected, events);
  }
  std::unique_ptr<StagedRecords> seal() override { return log_.seal(); }
  Result<Appended> commit(std::unique_ptr<StagedRecords> batch) override {
    ++commits;
    slow.wait(true);
    if (failing) return fail(ErrorCode::io, "no space left on device");
    return log_.commit(std::move(batch));
  }
  Position size() const override { return log_.size(); }
  Result<std::vector<StoredRecord>> read(Position from, std::size_t limit) const override {
    return log_.read(from, limit);
  }
  Result<void> fold(Position from, Position to,
                    const std::function<void(const Recorded<Event>&)>& visit) const override {
    return log_.fold(from, to, visit);
  }
  Result<EventPage> query(const EventQuery& query) const override { return log_.query(query); }
  Result<Hash> leaf_hash(Position position) const override { return log_.leaf_hash(position); }
  Result<Hash> root(Position size) const override { return log_.root(size); }
  Result<Position> position_at(Timestamp time) const override { return log_.position_at(time); }

  std::atomic<bool> failing = false;
  std::atomic<bool> slow = false;
  std::atomic<int> commits = 0;

 private:
  EventLog& log_;
};

TEST_F(EngineTest, DecidesTheNextBatchWhileTheLogIsBusyAndShowsNoneOfItBefore) {
  engine->stop(Duration::zero());
  engine.reset();
  UnsteadyLog unsteady(*memory);
  log = &unsteady;
  start();
  const auto before = engine->position();
  unsteady.commits = 0;
  unsteady.slow = true;
  std::atomic<int> answered = 0;
  const auto create = [&](int i) {
    return engine->submit({.command = CreateToken{"token:" + std::to_string(i), "sha256:" + std::to_string(i), {}, {}}},
                          [&](Result<Receipt> receipt) { answered += receipt.has_value() ? 1 : 1'000; });
  };
  ASSERT_TRUE(create(0));
  ASSERT_TRUE(eventually([&] { return unsteady.commits == 1; }));
  for (int i = 1; i <= 20; ++i) ASSERT_TRUE(create(i));
  // The writer has taken them all, and nobody sees any of it.
  ASSERT_TRUE(eventually([&] { return engine->queue_depth() == 0; }));
  EXPECT_EQ(answered, 0);
  EXPECT_EQ(engine->position(), before);
  EXPECT_EQ(unsteady.commits, 1);
  unsteady.slow = false;
  unsteady.slow.notify_all();
  ASSERT_TRUE(eventually([&] { return answered == 21; }));
  EXPECT_EQ(engine->position(), before + 21);
  EXPECT_EQ(unsteady.commits, 2) << "what came in meanwhile is one batch";
  engine->stop(Duration::zero());
  engine.reset();
  log = memory.get();
}

TEST_F(EngineTest, AnswersAtItsEndWhatItAccepted) {
  engine->stop(Duration::zero());
  engine.reset();
  queue_limit = 10'000;
  UnsteadyLog unsteady(*memory);
  log = &unsteady;
  start();
  unsteady.commits = 0;
  unsteady.slow = true;
  const std::size_t in_a_batch = EngineOptions{}.batch_commands;
  int accepted = 0;
  std::atomic<int> answered = 0;
  const auto create = [&] {
    const auto id = std::to_string(accepted);
    const bool taken =
        engine->submit({.command = CreateToken{"token:" + id, "sha256:" + id, {}, {}}},
                       [&](Result<Receipt> receipt) { answered += receipt.has_value() ? 1 : 1'000'000; });
    if (taken) ++accepted;
    return taken;
  };
  EXPECT_TRUE(create());
  EXPECT_TRUE(eventually([&] { return unsteady.commits == 1; }));
  for (std::size_t i = 0; i < in_a_batch + 500; ++i) EXPECT_TRUE(create());
  EXPECT_TRUE(eventually([&] { return engine->queue_depth() == 500; })) << "the next batch is full, the rest waits";
  auto stopped = std::async(std::launch::async, [&] { engine->stop(Duration::zero()); });
  EXPECT_TRUE(eventually([&] { return !create(); })) << "it takes nothing more";
  unsteady.slow = false;
  unsteady.slow.notify_all();
  stopped.get();
  EXPECT_EQ(answered, accepted);
  engine.reset();
  log = memory.get();
}

TEST_F(EngineTest, StopsAtOnceWhenTheLogRefuses) {
  engine->stop(Duration::zero());
  engine.reset();
  UnsteadyLog failing(*memory);
  log = &failing;
  start();
  failing.failing = true;
  std::atomic<bool> answered = false;
  ASSERT_TRUE(engine->submit({.command = CreateToken{"token:a", "sha256:x", {}, {}}},
                             [&](Result<Receipt>) { answered = true; }));
  std::atomic<int> waited_in_vain = 0;
  engine->when_at(engine->position() + 1'000, 1h, [&](bool reached) { waited_in_vain += reached ? 1'000 : 1; });
  ASSERT_TRUE(eventually([&] { return !engine->submit({.command = StartEngine{"x"}}, [](Result<Receipt>) {}); }));
  engine->stop(Duration::zero());
  ASSERT_EQ(fatal.size(), 1U);
  EXPECT_NE(fatal.front().find("no space left"), std::string::npos);
  EXPECT_FALSE(answered) << "the outcome is unknown: nobody is answered";
  EXPECT_EQ(waited_in_vain, 1);
  EXPECT_FALSE(engine->read([](const State& state) { return state.tokens.contains("token:a"); }));
  engine.reset();
  log = memory.get();
}

}  // namespace
}  // namespace headgate::runtime::testing
