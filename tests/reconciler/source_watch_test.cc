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
    config.tags = {"*"};
    config.clone = folder_.path() / "mono.git";
    repository_ = GitRepository::create(std::move(config)).value();
    sink_.emplace(*engine);
    watch_.emplace("mono", 1s, *repository_, people_, *engine, *sink_, clock,
                   [this](NoticeLevel, std::string_view text, std::string_view of) {
                     notices_.push_back(std::string(of) + ": " + std::string(text));
                   });
  }
  // One service for each of the patterns, triggered by it.
  void triggered_by(const std::vector<std::string>& patterns) {
    std::vector<Document> documents{runtime::testing::staging_environment()};
    for (std::size_t i = 0; i < patterns.size(); ++i) {
      auto service = runtime::testing::greeter_service();
      service.name = "s" + std::to_string(i);
      service.source = ServiceSource{"mono", {"src/**"}, 3};
      StageTrigger trigger;
      trigger.kind = Trigger::tag;
      trigger.tag = patterns[i];
      service.stages.front().triggers = {trigger};
      documents.emplace_back(std::move(service));
    }
    push("c2", std::move(documents));
  }
  void commit_at(int day, const std::string& text) {
    write_file(remote_.path() / "src/main.txt", text);
    remote_.commit(text, {"GIT_COMMITTER_DATE=" + std::to_string(2'000'000'000 + day * 86'400) + " +0000"});
  }
  std::vector<std::string> tags_of(const std::string& service) {
    std::vector<std::string> tags;
    EXPECT_TRUE(log->fold(0, log->size(), [&](const Recorded<Event>& e) {
      const auto* observed = std::get_if<SourceObserved>(&e.event);
      if (observed && observed->service.text == service && !observed->tag.empty()) tags.push_back(observed->tag);
    }));
    return tags;
  }

  TestFolder folder_;
  TestRepository remote_{folder_.path() / "remote"};
  OfflinePeople people_;
  std::unique_ptr<GitRepository> repository_;
  std::optional<StopsAfterCommits> sink_;
  std::optional<SourceWatch> watch_;
  std::vector<std::string> notices_;
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

TEST_F(SourceWatchTest, TagsOfManyServicesOnOneCommitAreAllTold) {
  std::vector<std::string> patterns;
  for (int i = 0; i < 40; ++i) patterns.push_back("s" + std::to_string(i) + "-v*");
  triggered_by(patterns);
  for (int i = 0; i < 40; ++i) remote_.git({"tag", "s" + std::to_string(i) + "-v1"});
  ASSERT_TRUE(watch_->look({}));
  for (int i = 0; i < 40; ++i) {
    const auto name = "s" + std::to_string(i);
    EXPECT_EQ(tags_of(name), std::vector<std::string>{name + "-v1"});
  }
  for (int i = 0; i < 40; ++i) remote_.git({"tag", "s" + std::to_string(i) + "-v2"});
  ASSERT_TRUE(watch_->look({}));
  for (int i = 0; i < 40; ++i) EXPECT_EQ(tags_of("s" + std::to_string(i)).size(), 2U) << i;
}

TEST_F(SourceWatchTest, ATagIsSeenThoughNewerCommitsHaveManyOthers) {
  triggered_by({"v*.*.*"});
  for (int i = 1; i <= 40; ++i) {
    commit_at(i, std::to_string(i));
    remote_.git({"tag", "nightly-" + std::to_string(i)});
  }
  remote_.git({"tag", "v1.0.0", "nightly-5"});
  ASSERT_TRUE(watch_->look({}));
  EXPECT_EQ(tags_of("s0"), std::vector<std::string>{"v1.0.0"});
}

TEST_F(SourceWatchTest, OfManyTagsTheNewestAreFollowedAndLaterEachThatComes) {
  triggered_by({"v*"});
  for (int i = 10; i < 50; ++i) {
    commit_at(i, std::to_string(i));
    remote_.git({"tag", "v" + std::to_string(i)});
  }
  ASSERT_TRUE(watch_->look({}));
  EXPECT_EQ(tags_of("s0").size(), 32U);
  EXPECT_EQ(tags_of("s0").front(), "v18");
  ASSERT_EQ(notices_.size(), 1U);
  EXPECT_TRUE(notices_.front().starts_with("s0: 8 older tags of repository mono")) << notices_.front();
  remote_.git({"tag", "v10.1", "v10"});
  ASSERT_TRUE(watch_->look({}));
  EXPECT_EQ(tags_of("s0").size(), 33U);
  EXPECT_EQ(tags_of("s0").back(), "v10.1");
  // After a start nobody knows when a tag was put: an old one must not be brought over a newer one.
  SourceWatch again("mono", 1s, *repository_, people_, *engine, *sink_, clock,
                    [](NoticeLevel, std::string_view, std::string_view) {});
  ASSERT_TRUE(again.look({}));
  EXPECT_EQ(tags_of("s0").size(), 33U);
  EXPECT_EQ(notices_.size(), 1U) << "told once";
}

TEST_F(SourceWatchTest, MoreTagsThanTheStateHoldsAreToldOnce) {
  triggered_by({"v*"});
  ASSERT_TRUE(watch_->look({}));
  for (int i = 0; i < 80; ++i) remote_.git({"tag", "v" + std::to_string(i)});
  ASSERT_TRUE(watch_->look({}));
  EXPECT_EQ(tags_of("s0").size(), 80U);
  ASSERT_TRUE(watch_->look({}));
  EXPECT_EQ(tags_of("s0").size(), 80U);
}

}  // namespace
}  // namespace headgate::reconciler
