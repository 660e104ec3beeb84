// A log that the first version wrote: it opens, is the same byte for byte, verifies under the checkpoint of its time,
// folds by way of the upcasters, and goes on.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "engine/domain/decide.h"
#include "store/checkpoint.h"
#include "store/rocksdb_log.h"
#include "store/signed_note.h"
#include "tests/schemas/record_checker.h"
#include "tests/store/temp_dir.h"

namespace headgate::store {
namespace {

namespace fs = std::filesystem;

const fs::path kFixture = HEADGATE_FIXTURE_DIR "/log-first";

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> records() {
  std::vector<std::string> all;
  std::istringstream lines(content(kFixture / "records.ndjson"));
  for (std::string line; std::getline(lines, line);) all.push_back(line);
  return all;
}

class FirstLog : public ::testing::Test {
 protected:
  FirstLog() { fs::copy(kFixture / "data", dir / "data", fs::copy_options::recursive); }

  std::unique_ptr<RocksDbLog> open() {
    auto log = RocksDbLog::open({.dir = dir / "data", .origin = "first.example.com"});
    if (!log) throw std::runtime_error(log.error().message);
    return std::move(*log);
  }
  Checkpoint checkpoint() {
    auto key = content(kFixture / "verifier-key");
    key.pop_back();
    const auto verifier = VerifierKey::parse(key);
    if (!verifier) throw std::runtime_error(verifier.error().message);
    const auto opened = open_checkpoint(content(kFixture / "checkpoint"), *verifier);
    if (!opened) throw std::runtime_error(opened.error().message);
    return *opened;
  }

  const TempDir dir;
};

TEST_F(FirstLog, IsTheSameByteForByteAndVerifies) {
  const auto expected = records();
  const auto log = open();
  ASSERT_EQ(log->size(), expected.size());
  const auto stored = log->read(0, expected.size());
  HEADGATE_ASSERT_OK(stored);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ((*stored)[i].bytes, expected[i]);
    EXPECT_EQ(schemas::problem_of(expected[i]), "");
  }
  const auto signed_then = checkpoint();
  EXPECT_EQ(signed_then.size, expected.size());
  const auto root = log->root(signed_then.size);
  HEADGATE_ASSERT_OK(root);
  EXPECT_EQ(*root, signed_then.root);
}

TEST_F(FirstLog, FoldsAndGoesOn) {
  const auto log = open();
  const auto size = log->size();
  State state;
  HEADGATE_ASSERT_OK(log->fold(0, size, [&](const Recorded<Event>& event) { evolve(state, event); }));
  EXPECT_EQ(state.next, size);
  EXPECT_EQ(state.origin, "first.example.com");
  const auto* target = state.find({"greeter", "staging"});
  ASSERT_NE(target, nullptr);
  ASSERT_TRUE(target->current);
  EXPECT_EQ(target->current->release.version, "v1");
  ASSERT_NE(state.service("greeter"), nullptr);
  EXPECT_EQ(state.service("greeter")->stages.size(), 1U);
  ASSERT_NE(state.access(), nullptr);
  EXPECT_EQ(state.services.at("greeter").quarantined.size(), 1U);

  Recorded<Event> next;
  next.meta.position = size;
  next.meta.time = state.last_time + std::chrono::seconds(1);
  next.event = EngineStarted{"2"};
  HEADGATE_ASSERT_OK(log->append(size, {&next, 1}));
  EXPECT_EQ(log->size(), size + 1);
  EXPECT_EQ(*log->root(size), checkpoint().root);
  HEADGATE_ASSERT_OK(log->close());
  const auto again = open();
  EXPECT_EQ(again->size(), size + 1);
  EXPECT_EQ(*again->root(size), checkpoint().root);
}

// What a newer version wrote is refused when the engine folds it, and the refusal names it.
TEST_F(FirstLog, ATypeThatNobodyKnowsIsNamed) {
  auto text = records().at(3);
  const auto at = text.find("dev.headgate.");
  text.insert(at + std::string_view("dev.headgate.").size(), "un");
  Recorded<Event> read;
  const auto decoded = decode(text, read);
  ASSERT_FALSE(decoded);
  EXPECT_NE(decoded.error().message.find("record 3 cannot be read: type: unknown event type dev.headgate.un"),
            std::string::npos)
      << decoded.error().message;
  EXPECT_NE(schemas::problem_of(text), "");
}

}  // namespace
}  // namespace headgate::store
