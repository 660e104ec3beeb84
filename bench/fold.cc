// From the log on disk into the state, against a plain RocksDB scan of the same records; proofs and their verification.
#include <random>
#include <stdexcept>

#include "bench/plain_rocksdb.h"
#include "bench/topics.h"
#include "bench/workload.h"
#include "engine/domain/decide.h"
#include "store/checkpoint.h"
#include "store/merkle_tree.h"
#include "store/snapshot_store.h"

namespace headgate::bench {
namespace {

template <class T>
T value_of(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

double fold_rate(const store::RocksDbLog& log, State& state) {
  const auto seconds = seconds_of([&] {
    state = State{};
    value_of(log.fold(0, log.size(), [&](const Recorded<Event>& record) { evolve(state, record); }));
  });
  if (state.next != log.size()) throw std::runtime_error("a fold that saw something else");
  return static_cast<double>(log.size()) / seconds;
}

// With a snapshot 10,000 records behind the end.
void bench_start(Harness& harness, std::unique_ptr<store::RocksDbLog>& log, const std::filesystem::path& dir) {
  {
    auto snapshots = value_of(store::SnapshotStore::open(dir / "snapshots"));
    const auto behind = log->size() - 10'000;
    State state;
    value_of(log->fold(0, behind, [&](const Recorded<Event>& record) { evolve(state, record); }));
    value_of(snapshots.save(state, value_of(log->root(behind))));
  }
  harness.measure("start/1M", "s", [&] {
    value_of(log->close());
    log.reset();
    return seconds_of([&] {
      log = value_of(store::RocksDbLog::open({.dir = dir, .origin = kOrigin}));
      const auto snapshots = value_of(store::SnapshotStore::open(dir / "snapshots"));
      auto snapshot = snapshots.load(log->size());
      if (!snapshot || value_of(log->root(snapshot->state.next)) != snapshot->root) {
        throw std::runtime_error("no snapshot of this log");
      }
      auto& state = snapshot->state;
      value_of(log->fold(state.next, log->size(), [&](const Recorded<Event>& record) { evolve(state, record); }));
    });
  });
}

void bench_verify(Harness& harness, const std::string& size, const store::RocksDbLog& log) {
  harness.compare(
      "verify/" + size, "records/s", Better::more,
      [&] { return static_cast<double>(log.size()) / seconds_of([&] { value_of(log.verify({})); }); },
      "SHA-256 over the same bytes",
      [&] {
        double hashing = 0;
        for (Position from = 0; from < log.size(); from += 10'000) {
          const auto records = value_of(log.read(from, 10'000));
          hashing += seconds_of([&] {
            for (const auto& record : records) static_cast<void>(store::leaf_hash(record.bytes));
          });
        }
        return static_cast<double>(log.size()) / hashing;
      });
}

// The proof file of records anywhere, under one checkpoint.
void bench_proof(Harness& harness, const std::string& size, const store::RocksDbLog& log) {
  constexpr int kProofs = 2'000;
  std::mt19937_64 random(1);
  std::uniform_int_distribution<Position> positions(0, log.size() - 1);
  const auto key = value_of(store::SigningKey::generate(kOrigin));
  const auto checkpoint = store::sign_checkpoint({kOrigin, log.size(), value_of(log.root(log.size()))}, key);
  harness.measure("proof/" + size, "us", [&] {
    std::size_t bytes = 0;
    const auto seconds = seconds_of([&] {
      for (int i = 0; i < kProofs; ++i) {
        const auto index = positions(random);
        bytes += store::tlog_proof_text({index, value_of(log.inclusion_proof(index, log.size())), checkpoint}).size();
      }
    });
    if (bytes < kProofs * checkpoint.size()) throw std::runtime_error("proofs that are none");
    return seconds / kProofs * 1e6;
  });
}

}  // namespace

void bench_fold(Harness& harness) {
  const std::vector<std::pair<std::string, Position>> sizes{{"10k", 10'000}, {"100k", 100'000}, {"1M", 1'000'000}};
  for (const auto& [name, count] : sizes) {
    const bool start = name == "1M" && harness.wants("start/1M");
    if (!start && !harness.wants_any({"fold/" + name, "verify/" + name, "proof/" + name})) continue;
    const auto dir = harness.fresh_dir();
    auto log = filled_log(dir, count);
    if (harness.wants("fold/" + name)) {
      const auto plain = plain_copy(harness.fresh_dir(), *log);
      State state;
      harness.compare(
          "fold/" + name, "events/s", Better::more, [&] { return fold_rate(*log, state); },
          "a plain RocksDB scan of the same records", [&] { return scan_rate(*plain, count); },
          count < 50'000 ? 21 : 5);
    }
    bench_proof(harness, name, *log);
    bench_verify(harness, name, *log);
    if (start) bench_start(harness, log, dir);
  }
}

}  // namespace headgate::bench
