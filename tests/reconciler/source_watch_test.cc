// How a source repository is looked through, over a real one and a running engine; what it finds is
// git_source_test.cc's.
#include "reconciler/source_watch.h"

#include <gtest/gtest.h>

#include "reconciler/offline_people.h"
#include "tests/reconciler/git_fixture.h"
#include "tests/runtime/engine_fixture.h"

namespace headgate::reconciler {
namespace {

using namespace std::chrono_literals;

// Asks for a stop as soon as the commits of a branch are told.
class StopsAfterCommits final : public CommandSink {
 public:
  explicit StopsAfterCommits(CommandSink& sink) : sink_(sink) {}
  bool submit(Submission submission, std::function<void(Result<Receipt>)> done) override {
    if (std::holds_alternative<ObserveCommits>(submission.command)) stop.request_stop();
    return sink_.submit(std::move(submission), std::move(done));
  }
  std::stop_source stop;

 private:
  CommandSink& sink_;
};

class SourceWatchTest : public runtime::testing::EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    remote_.commit_file("src/main.txt", "one");
    auto service = runtime::testing::greeter_service();
    service.source = ServiceSource{"mono", {"src/**"}, 3};
    push("c1", {service, runtime::testing::staging_environment()});
    GitRepositoryConfig config;
    config.name = "mono";
    config.url = remote_.path().string();
    config.branches = {"main"};
    config.clone = folder_.path() / "mono.git";
    repository_ = GitRepository::create(std::move(config)).value();
    sink_.emplace(*engine);
    watch_.emplace("mono", 1s, *repository_, people_, *engine, *sink_, clock,
                   [](NoticeLevel, std::string_view, std::string_view) {});
  }

  TestFolder folder_;
  TestRepository remote_{folder_.path() / "remote"};
  OfflinePeople people_;
  std::unique_ptr<GitRepository> repository_;
  std::optional<StopsAfterCommits> sink_;
  std::optional<SourceWatch> watch_;
};

TEST_F(SourceWatchTest, ALookThatIsStoppedLooksNoFurtherAndTheNextOneDoes) {
  ASSERT_TRUE(watch_->look(sink_->stop.get_token()));
  EXPECT_EQ(count<CommitObserved>(), 1U);
  EXPECT_EQ(count<SourceObserved>(), 0U);
  ASSERT_TRUE(watch_->look({}));
  EXPECT_EQ(count<CommitObserved>(), 1U);
  EXPECT_EQ(count<SourceObserved>(), 1U);
}

TEST_F(SourceWatchTest, AComparisonThatIsStoppedIsMadeLater) {
  const auto first = remote_.head();
  remote_.commit_file("src/main.txt", "two");
  ASSERT_TRUE(watch_->look({}));
  ASSERT_EQ(count<SourceObserved>(), 1U);
  ASSERT_TRUE(run(ReportGate{"greeter", first, {}, "tests", GateStatus::passed, {}, {}, {}, {}}));
  std::stop_source stopped;
  stopped.request_stop();
  watch_->compare(stopped.get_token());
  EXPECT_EQ(count<SourceObserved>(), 1U);
  ASSERT_TRUE(watch_->look({}));
  EXPECT_EQ(count<SourceObserved>(), 2U) << "it does not count as one that is not there";
}

}  // namespace
}  // namespace headgate::reconciler
