// A repository of 10,000 files: a small push is a small difference. What it costs is printed, not judged; that is why
// it has a program and a label (bench) of its own.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "reconciler/git_repository.h"
#include "tests/reconciler/git_fixture.h"

namespace headgate::reconciler {
namespace {

using std::chrono::duration;
using std::chrono::steady_clock;

double milliseconds_since(steady_clock::time_point start) {
  return duration<double, std::milli>(steady_clock::now() - start).count();
}

// Of this thread: what the work costs however busy the machine is.
double cpu_milliseconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

void print(const char* what, std::vector<double> times) {
  std::ranges::sort(times);
  std::printf("  %-40s median %7.2f ms  p99 %7.2f ms  (%zu)\n", what, times[times.size() / 2],
              times[times.size() * 99 / 100], times.size());
}

void measure(int folders, int files, const std::string& scheme) {
  TestFolder folder;
  TestRepository work(folder.path() / "work");
  for (int i = 0; i < folders; ++i) {
    for (int j = 0; j < files; ++j) {
      write_file(work.path() / ("d" + std::to_string(i)) / (std::to_string(j) + ".yaml"),
                 "kind: Target\nname: t" + std::to_string(i * files + j) + "\n");
    }
  }
  std::string known = work.commit("many");
  const auto bare = folder.path() / "bare.git";
  work.git({"clone", "-q", "--bare", "--no-local", work.path().string(), bare.string()});
  ASSERT_EQ(run({"git", "config", "receive.autogc", "false"}, bare).exit_code, 0);
  work.git({"remote", "add", "origin", bare.string()});
  std::unique_ptr<GitDaemon> daemon;
  GitRepositoryConfig config;
  config.name = "large";
  config.clone = folder.path() / "clone.git";
  config.poll = std::chrono::hours(1);
  config.url = bare.string();
  if (scheme == "git") {
    daemon = std::make_unique<GitDaemon>(folder.path());
    config.url = daemon->url("bare.git");
  }
  auto repository = std::move(*GitRepository::create(config));
  std::printf("%s, %d folders of %d files\n", scheme.c_str(), folders, files);
  auto start = steady_clock::now();
  ASSERT_EQ(repository->fetch("", 10, {})->sha, known);
  std::printf("  %-40s %10.1f ms\n", "first fetch", milliseconds_since(start));
  start = steady_clock::now();
  ASSERT_EQ(repository->changes("", known)->size(), static_cast<std::size_t>(folders * files));
  std::printf("  %-40s %10.1f ms\n", "all files listed", milliseconds_since(start));
  repository->nudge();
  ASSERT_TRUE(repository->wait(std::chrono::seconds(1), {}));

  std::vector<double> woken, fetched, differed, read, unchanged, from_push, cpu;
  for (int i = 0; i < 60; ++i) {
    const std::string path = "d" + std::to_string(i % folders) + "/0.yaml";
    const std::string head = work.commit_file(path, "kind: Target\nchanged: " + std::to_string(i) + "\n");
    double cpu_before = 0;
    const auto pushed = steady_clock::now();
    if (daemon == nullptr) {
      std::jthread push([&] { work.git({"push", "-q", "origin", "main"}); });
      ASSERT_TRUE(repository->wait(std::chrono::seconds(20), {}));
      from_push.push_back(milliseconds_since(pushed));
      cpu_before = cpu_milliseconds();
      const auto seen = steady_clock::now();
      const auto fetching = repository->fetch(known, 10, {});
      fetched.push_back(milliseconds_since(seen));
      ASSERT_TRUE(fetching.has_value()) << fetching.error().message;
      ASSERT_EQ(fetching->sha, head);
      ASSERT_EQ(repository->changes(known, head)->size(), 1u);
      differed.push_back(milliseconds_since(seen));
    } else {
      work.git({"push", "-q", "origin", "main"});
      cpu_before = cpu_milliseconds();
      const auto seen = steady_clock::now();
      ASSERT_EQ(repository->fetch(known, 10, {})->sha, head);
      fetched.push_back(milliseconds_since(seen));
      ASSERT_EQ(repository->changes(known, head)->size(), 1u);
      differed.push_back(milliseconds_since(seen));
    }
    cpu.push_back(cpu_milliseconds() - cpu_before);
    const auto again = steady_clock::now();
    ASSERT_EQ(repository->fetch(head, 10, {})->commit_count, 0u);
    unchanged.push_back(milliseconds_since(again));
    known = head;
  }
  if (!from_push.empty()) print("start of `git push` to woken", from_push);
  print("fetch of one commit", fetched);
  print("fetch and changes()", differed);
  print("fetch and changes(), CPU of the thread", cpu);
  print("fetch, nothing new", unchanged);
}

TEST(GitSpeed, LocalRepositoryOf10000Files) {
  measure(100, 100, "local");
}
TEST(GitSpeed, LocalRepositoryOf10000FilesInOneFolder) {
  measure(1, 10'000, "local");
}
TEST(GitSpeed, GitDaemonWith10000Files) {
  measure(100, 100, "git");
}

}  // namespace
}  // namespace headgate::reconciler
