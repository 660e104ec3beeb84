// Witnesses: what is asked of them, what is believed, and that none of them holds up anything.
#include "app/witness.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <mutex>

#include "app/checkpoint_publisher.h"
#include "app/cosignatures.h"
#include "app/server_config.h"
#include "engine/ports/clock.h"
#include "tests/app/fake_witness.h"

namespace headgate::app {
namespace {

using std::chrono::milliseconds;

class EmptyTiles final : public store::TileReader {
  Result<void> read_tile(store::TileId, store::TileHashes&) const override {
    return fail(ErrorCode::not_found, "the log of this test has no full tile");
  }
};

class WitnessTest : public testing::Test {
 protected:
  void grow(std::uint64_t count, std::string_view salt = "") {
    for (std::uint64_t i = 0; i < count; ++i) {
      tree_.append(store::leaf_hash(std::to_string(tree_.size()) + std::string(salt)),
                   [](store::TileId, const store::TileHashes&) { FAIL() << "more than a tile"; });
    }
  }
  std::string note() { return store::sign_checkpoint({"log.example.com", tree_.size(), tree_.root()}, key_); }
  Result<std::string> cosign() { return witness_->cosign(note(), tree_.size(), {}); }
  void restart() {
    witness_ = std::make_unique<Witness>(
        "http://witness.example.com/submit/", fake_.key(), fake_,
        [this](std::uint64_t from, std::uint64_t size) { return tree_.consistency_proof(from, size, tiles_); });
  }
  ErrorCode refusal(std::string_view words) {
    const auto result = cosign();
    EXPECT_FALSE(result.has_value());
    if (result) return ErrorCode::io;
    EXPECT_NE(result.error().message.find(words), std::string::npos) << result.error().message;
    return result.error().code;
  }

  EmptyTiles tiles_;
  store::MerkleTree tree_;
  store::SigningKey key_ = *store::SigningKey::generate("log.example.com");
  FakeWitness fake_{key_.verifier()};
  std::unique_ptr<Witness> witness_;

  void SetUp() override { restart(); }
};

TEST_F(WitnessTest, CosignsAsTheLogGrows) {
  for (const std::uint64_t more : {1, 1, 5, 30, 100}) {
    grow(more);
    const auto line = cosign();
    ASSERT_TRUE(line.has_value()) << line.error().message;
    EXPECT_TRUE(store::open_checkpoint(note() + *line, key_.verifier()).has_value());
    EXPECT_EQ(fake_.size, tree_.size());
  }
  EXPECT_EQ(fake_.answers, std::vector<int>(5, 200));
  EXPECT_EQ(fake_.last_url, "POST http://witness.example.com/submit/add-checkpoint");
}

TEST_F(WitnessTest, AsksForTheSizeThatItDoesNotKnow) {
  grow(7);
  ASSERT_TRUE(cosign().has_value());
  restart();
  grow(20);
  ASSERT_TRUE(cosign().has_value());
  EXPECT_EQ(fake_.answers, (std::vector<int>{200, 409, 200}));
  restart();
  ASSERT_TRUE(cosign().has_value());  // the same size again: an empty proof
  EXPECT_EQ(fake_.answers, (std::vector<int>{200, 409, 200, 409, 200}));
}

TEST_F(WitnessTest, IsToldOfAnotherHistory) {
  grow(9);
  ASSERT_TRUE(cosign().has_value());
  tree_ = {};
  grow(9, "other");
  EXPECT_EQ(refusal("another root for 9 records"), ErrorCode::conflict);
  restart();
  fake_.silent_conflict = true;
  EXPECT_EQ(refusal("another root for 9 records"), ErrorCode::conflict);
  grow(5, "other");
  restart();
  EXPECT_EQ(refusal("another history"), ErrorCode::conflict);
  tree_ = {};
  grow(4);
  restart();
  EXPECT_EQ(refusal("cosigned 9 records, the log has 4"), ErrorCode::conflict);
  EXPECT_EQ(fake_.size, 9u);
}

TEST_F(WitnessTest, BelievesNoWrongCosignature) {
  grow(3);
  fake_.wrong_signature = true;
  EXPECT_EQ(refusal("does not belong to this checkpoint"), ErrorCode::corrupt);
  fake_.wrong_signature = false;
  fake_.foreign_lines = true;  // passed over
  const auto line = cosign();
  ASSERT_TRUE(line.has_value()) << line.error().message;
  EXPECT_EQ(line->find("other.example.com"), std::string::npos);
  for (const std::string garbage : {"hello\n", "\n\n", "— a b\n", "— witness.example.com/w1 AAAA\n", "x"}) {
    grow(1);
    fake_.garbage = garbage;
    EXPECT_FALSE(cosign().has_value()) << garbage;
  }
  // A good cosignature, but of the checkpoint before.
  grow(1);
  fake_.garbage = *line;
  EXPECT_EQ(refusal("does not belong to this checkpoint"), ErrorCode::corrupt);
}

TEST_F(WitnessTest, SaysWhyItRefuses) {
  grow(3);
  for (const auto& [status, words, code] :
       {std::tuple{403, "does not trust the log's key", ErrorCode::forbidden},
        std::tuple{404, "does not know this log", ErrorCode::not_found},
        std::tuple{422, "another history", ErrorCode::conflict}, std::tuple{500, "500", ErrorCode::unavailable},
        std::tuple{302, "302", ErrorCode::unavailable}, std::tuple{409, "without a size", ErrorCode::unavailable}}) {
    fake_.status = status;
    EXPECT_EQ(refusal(words), code) << status;
  }
  fake_.status.reset();
  fake_.unreachable = Error{ErrorCode::timed_out, "no answer", {}};
  EXPECT_EQ(refusal("no answer"), ErrorCode::timed_out);
  fake_.unreachable.reset();
  EXPECT_TRUE(cosign().has_value());
}

Result<ServerConfig> config_with(const std::string& checkpoints) {
  return parse_server_config("headgate.yaml",
                             "repositories: [{name: environments, url: ./environments, role: environments}]\n"
                             "checkpoints: " +
                                 checkpoints + "\n");
}

TEST_F(WitnessTest, IsConfiguredByUrlAndKey) {
  const auto key = fake_.key().text();
  const auto witness = "{url: \"https://witness.example.com/submit\", key: \"" + key + "\"}";
  const auto good = config_with("{git: {url: ./audit.git, every: 10s}, witnesses: [" + witness + "]}");
  ASSERT_TRUE(good.has_value()) << good.error().message;
  ASSERT_EQ(good->checkpoints.witnesses.size(), 1u);
  EXPECT_EQ(good->checkpoints.witnesses[0].key, key);
  ASSERT_TRUE(good->checkpoints.git.has_value());
  EXPECT_EQ(good->checkpoints.git->branch, "checkpoints");
  EXPECT_EQ(good->checkpoints.git->every, std::chrono::seconds(10));
  for (const auto& [text, words] : std::map<std::string, std::string>{
           {"{witnesses: [" + witness + ", " + witness + "]}", "one twice"},
           {"{witnesses: [{url: \"https://w.example.com\", key: \"" + key_.verifier().text() + "\"}]}", "cosignatures"},
           {"{witnesses: [{url: \"ftp://w.example.com\", key: \"" + key + "\"}]}", "submission prefix"},
           {"{witnesses: [{key: \"" + key + "\"}]}", "url"},
           {"{git: {branch: main}}", "url"},
           {"{git: {url: ./audit.git, force: true}}", "force"}}) {
    const auto bad = config_with(text);
    ASSERT_FALSE(bad.has_value()) << text;
    EXPECT_NE(bad.error().message.find(words), std::string::npos) << text << ": " << bad.error().message;
    EXPECT_TRUE(bad.error().message.starts_with("headgate.yaml:2:")) << bad.error().message;
  }
}

// A log that grows each time that somebody looks, a quarter of a second apart.
class CosignaturesTest : public testing::Test, private Clock {
 protected:
  Timestamp now() const override { return {}; }
  Duration steady() const override { return steady_; }
  static std::string note(std::uint64_t size) { return "note " + std::to_string(size) + "\n"; }
  std::string to_cosign() {
    steady_ += milliseconds(250);
    return held_.to_cosign()->note;
  }
  void cosign(const std::string& witness) {
    const auto note = to_cosign();
    held_.add(note, witness, witness + " " + note);
  }
  std::string shown() { return held_.shown()->cosigned(); }
  void pass(Duration time) { steady_ += time; }

  Cosignatures held_{2,
                     [this]() -> Result<NewCheckpoint> {
                       ++size_;
                       return NewCheckpoint{note(size_), size_};
                     },
                     *this};

 private:
  Duration steady_{};
  std::uint64_t size_ = 0;
};

TEST_F(CosignaturesTest, ComeTogetherWhileTheLogGrows) {
  for (std::uint64_t round = 1; round < 10; ++round) {
    cosign("b");
    EXPECT_EQ(held_.complete(held_.best(0)), round > 1);  // what was complete stays until this is
    cosign("a");
    EXPECT_TRUE(held_.complete(held_.best(round)));
    EXPECT_EQ(shown(), note(round) + "a " + note(round) + "b " + note(round));
    EXPECT_EQ(held_.with_lines(note(round)), shown());
    pass(Cosignatures::round_length);
  }
}

TEST_F(CosignaturesTest, DoNotWaitForOneThatIsGone) {
  cosign("a");
  cosign("b");
  for (std::uint64_t round = 2; round < 10; ++round) {
    pass(Cosignatures::round_length);
    cosign("a");
  }
  EXPECT_EQ(shown(), note(9) + "a " + note(9));
  held_.add(note(8), "b", "late but of more cosignatures\n");
  EXPECT_EQ(shown(), note(9) + "a " + note(9)) << "the log went back";
  EXPECT_TRUE(held_.complete(held_.best(0)));
  held_.add(note(1), "b", "too late\n");
  EXPECT_EQ(held_.with_lines(note(1)), note(1));
}

TEST_F(CosignaturesTest, ShowTheLogGrowWithoutAnyOfThem) {
  for (std::uint64_t round = 1; round < 10; ++round) {
    EXPECT_EQ(shown(), note(round));
    pass(Cosignatures::round_length);
  }
  EXPECT_EQ(held_.best(100).note, "");
  EXPECT_TRUE(held_.wait(milliseconds(1)));
  held_.close();
  EXPECT_FALSE(held_.wait(std::chrono::hours(1)));
}

// What a publisher did, for a test that waits for it.
struct Watched {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::uint64_t> published;
  std::size_t failures = 0;
  std::uint64_t newest = 1;  // 0: there is none
  bool failing = false;
  bool hanging = false;

  CheckpointPublisher::Newest newest_one() {
    return [this]() -> Result<NewCheckpoint> {
      const std::scoped_lock lock(mutex);
      if (newest == 0) return fail(ErrorCode::io, "no checkpoint can be signed");
      return NewCheckpoint{"note " + std::to_string(newest), newest};
    };
  }
  CheckpointPublisher::Publish publish() {
    return [this](const NewCheckpoint& checkpoint, std::stop_token stop) -> Result<void> {
      std::unique_lock lock(mutex);
      if (hanging) {
        std::condition_variable_any never;
        changed.notify_all();
        never.wait(lock, stop, [] { return false; });
        return fail(ErrorCode::unavailable, "stopped");
      }
      if (failing) return fail(ErrorCode::unavailable, "not now");
      published.push_back(checkpoint.size);
      return {};
    };
  }
  CheckpointPublisher::Told told() {
    return [this](const Result<void>& done) {
      const std::scoped_lock lock(mutex);
      if (!done) ++failures;
      changed.notify_all();
    };
  }
  template <class Condition>
  bool wait(Condition condition) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(10), condition);
  }
  void set(std::uint64_t size, bool fails) {
    const std::scoped_lock lock(mutex);
    newest = size;
    failing = fails;
  }
};

TEST(CheckpointPublisherTest, PublishesWhatIsNewAndTriesAgain) {
  Watched watched;
  const CheckpointPublisher publisher({.every = milliseconds(2), .max_pause = milliseconds(8)}, watched.newest_one(),
                                      watched.publish(), watched.told());
  ASSERT_TRUE(watched.wait([&] { return watched.published.size() == 1; }));
  watched.set(2, true);
  ASSERT_TRUE(watched.wait([&] { return watched.failures >= 3; }));
  watched.set(3, false);
  ASSERT_TRUE(watched.wait([&] { return watched.published.size() == 2; }));
  const std::scoped_lock lock(watched.mutex);
  EXPECT_EQ(watched.published, (std::vector<std::uint64_t>{1, 3}));  // each once, the newest one after a failure
}

TEST(CheckpointPublisherTest, TellsThatThereIsNoCheckpoint) {
  Watched watched;
  watched.newest = 0;
  const CheckpointPublisher publisher({.every = milliseconds(2), .max_pause = milliseconds(8)}, watched.newest_one(),
                                      watched.publish(), watched.told());
  ASSERT_TRUE(watched.wait([&] { return watched.failures >= 2; }));
  watched.set(1, false);
  ASSERT_TRUE(watched.wait([&] { return watched.published.size() == 1; }));
}

TEST(CheckpointPublisherTest, StopsWhileItsPlaceHangs) {
  Watched watched;
  watched.hanging = true;
  std::unique_lock lock(watched.mutex);
  auto publisher = std::make_unique<CheckpointPublisher>(CheckpointPublisher::Options{.every = std::chrono::hours(1)},
                                                         watched.newest_one(), watched.publish(), watched.told());
  ASSERT_EQ(watched.changed.wait_for(lock, std::chrono::seconds(10)), std::cv_status::no_timeout);
  lock.unlock();
  publisher.reset();
  EXPECT_TRUE(watched.published.empty());
  EXPECT_EQ(watched.failures, 0U);  // that it was stopped says nothing about the place
}

}  // namespace
}  // namespace headgate::app
