// A process to be killed: appends events of a known sequence (log_events.h, seed 99) to the log in argv[1] for as long
// as it lives, and says after each append how many are acknowledged.
#include <cstdio>

#include "store/rocksdb_log.h"
#include "tests/store/log_events.h"

int main(int argc, char** argv) {
  using namespace headgate;
  if (argc != 2) return 2;
  auto log = store::RocksDbLog::open({.dir = argv[1], .origin = "headgate.example.com", .index_flush_events = 300});
  if (!log) {
    std::fprintf(stderr, "%s\n", log.error().message.c_str());
    return 1;
  }
  std::mt19937_64 random(99);
  Timestamp time = store::kLogBegin;
  Position at = 0;
  for (;;) {
    auto events = store::some_events(random, at, time, 1 + random() % 20);
    time = events.back().meta.time;
    at += events.size();
    if (at <= (*log)->size()) continue;  // an earlier run wrote them
    const auto first = events.front().meta.position;
    if (first < (*log)->size()) return 3;  // part of a batch
    const auto appended = (*log)->append(first, events);
    if (!appended) {
      std::fprintf(stderr, "%s\n", appended.error().message.c_str());
      return 1;
    }
    std::printf("%llu\n", static_cast<unsigned long long>(appended->next));
    std::fflush(stdout);
  }
}
