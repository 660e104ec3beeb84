// Durable events a second: producers that wait for each of their events, and one committing thread that takes whatever
// has come in since its last sync (for the log, a thread beside it encodes and hashes that meanwhile). The floor writes
// the very same bytes to plain RocksDB, without tree, index or watermark.
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <iterator>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

#include "bench/topics.h"
#include "bench/workload.h"
#include "store/codec.h"

namespace headgate::bench {
namespace {

constexpr auto kWarmUp = std::chrono::milliseconds(200);
constexpr auto kRun = std::chrono::milliseconds(1'500);

// Wakes one sleeper. Not std::binary_semaphore, which spins before it sleeps: dozens of spinning producers would take
// the two cores from what is measured.
class Bell {
 public:
  void ring() {
    {
      const std::scoped_lock lock(mutex_);
      rung_ = true;
    }
    rings_.notify_one();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    rings_.wait(lock, [this] { return std::exchange(rung_, false); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable rings_;
  bool rung_ = false;
};

template <class Item>
struct Request {
  Item item;
  Bell* done = nullptr;
};

// What producers have asked for, in the order of arrival.
template <class Item>
class Requests {
 public:
  using List = std::vector<Request<Item>>;

  void put(Request<Item> request) {
    {
      const std::scoped_lock lock(mutex_);
      waiting_.push_back(std::move(request));
    }
    arrived_.notify_one();
  }
  // Everything that waits; blocks until something does or `enough` holds. Empty: closed, or enough.
  template <class Enough>
  List take(Enough&& enough) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return !waiting_.empty() || closed_ || enough(); });
    return std::exchange(waiting_, {});
  }
  List take() {
    return take([] { return false; });
  }
  void look_again() {
    { const std::scoped_lock lock(mutex_); }
    arrived_.notify_one();
  }
  void close() {
    {
      const std::scoped_lock lock(mutex_);
      closed_ = true;
    }
    arrived_.notify_one();
  }
  void answer(const List& list) {
    committed += list.size();
    for (const auto& request : list) request.done->ring();
  }

  std::atomic<std::uint64_t> committed{0};

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  List waiting_;
  bool closed_ = false;
};

// Items a second that `serve` makes durable with so many producers. It returns when the requests are closed.
template <class Item, class Make, class Serve>
double durable_per_second(std::size_t producers, Make&& make, Serve&& serve) {
  Requests<Item> requests;
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < producers; ++i) {
    threads.emplace_back([&, i] {
      Bell done;
      while (!stop) {
        requests.put({make(i), &done});
        done.wait();
      }
    });
  }
  std::thread server([&] { serve(requests); });
  std::this_thread::sleep_for(kWarmUp);
  const auto before = requests.committed.load();
  const auto begin = std::chrono::steady_clock::now();
  std::this_thread::sleep_for(kRun);
  const auto count = requests.committed - before;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  stop = true;
  for (auto& thread : threads) thread.join();
  requests.close();
  server.join();
  return static_cast<double>(count) / took.count();
}

// A disk whose sync takes a millisecond, whatever is below.
class SlowSync : public rocksdb::FileSystemWrapper {
 public:
  SlowSync() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "SlowSync"; }
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override {
    auto status = FileSystemWrapper::NewWritableFile(name, options, result, debug);
    if (status.ok()) *result = std::make_unique<File>(std::move(*result));
    return status;
  }

 private:
  class File : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    using FSWritableFileOwnerWrapper::FSWritableFileOwnerWrapper;
    rocksdb::IOStatus Sync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override { return wait(); }
    rocksdb::IOStatus Fsync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override { return wait(); }

   private:
    static rocksdb::IOStatus wait() {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      return rocksdb::IOStatus::OK();
    }
  };
};

// Events of the workload that fit anywhere: the committing thread gives them their position and time.
struct Material {
  std::vector<Recorded<Event>> events = Workload().next(20'000);
  std::vector<std::string> texts;
  Material() {
    for (const auto& event : events) store::encode(texts.emplace_back(), kOrigin, event);
  }
};

// As the engine does it: one thread stages what comes in while another waits for the disk.
class LogServer {
 public:
  using Event = Recorded<headgate::Event>;

  LogServer(EventLog& log, Requests<Event>& requests, Timestamp time) : log_(log), requests_(requests), time_(time) {}

  void serve() {
    std::thread committer([this] { commit(); });
    for (;;) {
      auto taken = requests_.take([this] { return !growing_.empty() && !committing_; });
      if (taken.empty() && growing_.empty()) break;
      stage(std::move(taken));
      if (committing_.exchange(true)) continue;
      handed_over_ = {log_.seal(), std::exchange(growing_, {})};
      bell_.ring();
    }
    while (committing_) std::this_thread::yield();
    handed_over_ = {};
    bell_.ring();
    committer.join();
  }

 private:
  struct Batch {
    std::unique_ptr<StagedRecords> staged;
    Requests<Event>::List requests;
  };

  void stage(Requests<Event>::List taken) {
    records_.clear();
    for (auto& request : taken) {
      request.item.meta.position = next_ + records_.size();
      request.item.meta.time = time_;
      records_.push_back(std::move(request.item));
    }
    time_ += Duration(1);
    if (auto done = log_.stage(next_, records_); !done) throw std::runtime_error(done.error().message);
    next_ += records_.size();
    std::move(taken.begin(), taken.end(), std::back_inserter(growing_));
  }

  void commit() {
    for (;;) {
      bell_.wait();
      auto batch = std::exchange(handed_over_, {});
      if (!batch.staged) return;
      if (auto done = log_.commit(std::move(batch.staged)); !done) throw std::runtime_error(done.error().message);
      committing_ = false;
      requests_.look_again();
      requests_.answer(batch.requests);
    }
  }

  EventLog& log_;
  Requests<Event>& requests_;
  Timestamp time_;
  Position next_ = 0;
  std::vector<Event> records_;
  Requests<Event>::List growing_;
  Batch handed_over_;
  std::atomic<bool> committing_{false};
  Bell bell_;
};

double run_log(Harness& harness, const Material& material, std::size_t producers,
               std::shared_ptr<rocksdb::FileSystem> file_system) {
  const auto dir = harness.fresh_dir();
  double rate = 0;
  {
    auto log = store::RocksDbLog::open({.dir = dir, .origin = kOrigin, .file_system = std::move(file_system)});
    if (!log) throw std::runtime_error(log.error().message);
    std::vector<std::size_t> at(producers);
    rate = durable_per_second<Recorded<Event>>(
        producers,
        [&](std::size_t i) {
          at[i] += producers;
          return material.events[(i + at[i]) % material.events.size()];
        },
        [&](Requests<Recorded<Event>>& requests) {
          LogServer(**log, requests, material.events.back().meta.time).serve();
        });
  }
  std::filesystem::remove_all(dir);
  return rate;
}

double run_plain(Harness& harness, const Material& material, std::size_t producers,
                 std::shared_ptr<rocksdb::FileSystem> file_system) {
  const auto dir = harness.fresh_dir();
  double rate = 0;
  {
    std::unique_ptr<rocksdb::Env> env;
    rocksdb::Options options;
    options.create_if_missing = true;
    if (file_system) env = rocksdb::NewCompositeEnv(file_system);
    if (env) options.env = env.get();
    rocksdb::DB* opened = nullptr;
    if (const auto status = rocksdb::DB::Open(options, dir, &opened); !status.ok()) {
      throw std::runtime_error(status.ToString());
    }
    const std::unique_ptr<rocksdb::DB> db(opened);
    std::vector<std::size_t> at(producers);
    rate = durable_per_second<std::string>(
        producers,
        [&](std::size_t i) {
          at[i] += producers;
          return material.texts[(i + at[i]) % material.texts.size()];
        },
        [&](Requests<std::string>& requests) {
          std::uint64_t position = 0;
          rocksdb::WriteBatch write;
          for (auto batch = requests.take(); !batch.empty(); batch = requests.take()) {
            write.Clear();
            for (const auto& request : batch) {
              std::array<char, 8> key;
              for (std::size_t i = 0; i < 8; ++i) key[i] = static_cast<char>(position >> (56 - 8 * i));
              ++position;
              write.Put({key.data(), key.size()}, request.item);
            }
            rocksdb::WriteOptions synced;
            synced.sync = true;
            if (const auto status = db->Write(synced, &write); !status.ok())
              throw std::runtime_error(status.ToString());
            requests.answer(batch);
          }
        });
  }
  std::filesystem::remove_all(dir);
  return rate;
}

}  // namespace

void bench_append(Harness& harness) {
  if (!harness.wants_any({"append/1", "append/16", "append/64", "append-1ms/64"})) return;
  const Material material;
  for (const std::size_t producers : {1U, 16U, 64U}) {
    harness.compare(
        "append/" + std::to_string(producers), "events/s", Better::more,
        [&] { return run_log(harness, material, producers, nullptr); },
        "one thread commits the same bytes to plain RocksDB from a queue, synced",
        [&] { return run_plain(harness, material, producers, nullptr); });
  }
  const auto slow = std::make_shared<SlowSync>();
  harness.compare(
      "append-1ms/64", "events/s", Better::more, [&] { return run_log(harness, material, 64, slow); },
      "the same on the same slow file system", [&] { return run_plain(harness, material, 64, slow); });
}

}  // namespace headgate::bench
