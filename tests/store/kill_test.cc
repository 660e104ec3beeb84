// kill -9 at any moment: every acknowledged event is there, once, at its position.
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <random>

#include "store/event_filter.h"
#include "store/rocksdb_log.h"
#include "tests/store/log_events.h"
#include "tests/store/temp_dir.h"
#include "tests/torture.h"

namespace headgate::store {
namespace {

// Runs the writer until it has acknowledged `until` events, then kills it. Returns the last acknowledgement it gave.
Position write_and_kill(const std::filesystem::path& dir, Position until) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  posix_spawn_file_actions_addclose(&actions, ends[1]);
  std::string program = HEADGATE_LOG_WRITER;
  std::string folder = dir.string();
  char* arguments[] = {program.data(), folder.data(), nullptr};
  pid_t child = 0;
  EXPECT_EQ(::posix_spawn(&child, program.c_str(), &actions, nullptr, arguments, environ), 0);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  std::FILE* lines = ::fdopen(ends[0], "r");
  Position acknowledged = 0;
  unsigned long long number = 0;
  while (acknowledged < until && std::fscanf(lines, "%llu", &number) == 1) acknowledged = number;
  EXPECT_GE(acknowledged, until) << "the writer ended by itself";
  ::kill(child, SIGKILL);
  while (std::fscanf(lines, "%llu", &number) == 1) acknowledged = number;  // said before it died
  std::fclose(lines);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  return acknowledged;
}

TEST(Kill, WhatWasAcknowledgedIsThere) {
  const TempDir dir;
  std::mt19937_64 delays(torture_seed("kill -9"));
  Position size = 0;
  for (std::size_t round = 0; round < torture_rounds(5); ++round) {
    const auto acknowledged = write_and_kill(dir.path(), size + 50 + delays() % 500);
    const auto log = RocksDbLog::open({.dir = dir.path(), .index_flush_events = 300});
    HEADGATE_ASSERT_OK(log);
    size = (*log)->size();
    ASSERT_GE(size, acknowledged);
    HEADGATE_ASSERT_OK((*log)->verify({}));

    // The writer's sequence, computed once more.
    std::mt19937_64 random(99);
    Timestamp time = kLogBegin;
    std::vector<Recorded<Event>> expected;
    while (expected.size() < size) {
      auto events = some_events(random, expected.size(), time, 1 + random() % 20);
      time = events.back().meta.time;
      std::ranges::move(events, std::back_inserter(expected));
    }
    ASSERT_EQ(expected.size(), size) << "part of a batch";
    Position at = 0;
    HEADGATE_ASSERT_OK((*log)->fold(0, size, [&](const auto& record) { ASSERT_TRUE(record == expected[at++]); }));
    // The index has caught up, and holds nothing twice.
    EventQuery query{.filter = {.service = "web", .actor = "engine"}, .limit = 10'000};
    std::vector<Position> matching;
    for (const auto& record : expected) {
      if (matches(query.filter, record)) matching.push_back(record.meta.position);
    }
    std::vector<Position> found;
    const auto page = (*log)->query(query);
    HEADGATE_ASSERT_OK(page);
    for (const auto& record : page->records) found.push_back(record.position);
    ASSERT_EQ(found, matching);
  }
}

}  // namespace
}  // namespace headgate::store
