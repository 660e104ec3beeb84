// Durable events a second: producers that wait for each of their events, and one committing thread that takes whatever
// has come in since its last sync. The floor writes the very same bytes to plain RocksDB, without tree, index or
// watermark.
#include <rocksdb/file_system.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "bench/plain_rocksdb.h"
#include "bench/topics.h"
#include "bench/workload.h"
#include "store/codec.h"

namespace headgate::bench {
namespace {

constexpr auto kWarmUp = std::chrono::milliseconds(200);
constexpr auto kRun = std::chrono::milliseconds(1'500);

// What a producer sleeps on. (std::binary_semaphore spins first, which takes the cores from the committing thread.)
class Answer {
 public:
  void give() {
    {
      const std::scoped_lock lock(mutex_);
      given_ = true;
    }
    there_.notify_one();
  }
  void await() {
    std::unique_lock lock(mutex_);
    there_.wait(lock, [this] { return given_; });
    given_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable there_;
  bool given_ = false;
};

template <class Item>
struct Request {
  Item* item = nullptr;  // the producer's
  Answer* answer = nullptr;
};

// Events a second that `commit` (a batch, in the order of arrival) makes durable with so many producers. Each has its
// own items ready before: making them is not what is measured, neither of the log nor of the floor.
template <class Item, class Commit>
double durable_per_second(std::size_t producers, const std::vector<Item>& material, Commit&& commit) {
  std::mutex mutex;
  std::condition_variable arrived;
  std::vector<Request<Item>> queue;
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> committed{0};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < producers; ++i) {
    threads.emplace_back([&, i] {
      Answer answer;
      std::vector<Item> items;
      for (std::size_t at = i; at < material.size(); at += producers) items.push_back(material[at]);
      for (std::size_t at = 0; !stop; at = (at + 1) % items.size()) {
        {
          const std::scoped_lock lock(mutex);
          queue.push_back({&items[at], &answer});
        }
        arrived.notify_one();
        answer.await();
      }
    });
  }
  std::atomic<bool> producers_gone{false};
  std::thread committer([&] {
    std::vector<Request<Item>> batch;
    for (;;) {
      {
        std::unique_lock lock(mutex);
        arrived.wait(lock, [&] { return !queue.empty() || producers_gone; });
        if (queue.empty()) return;
        std::swap(batch, queue);
      }
      commit(batch);
      committed += batch.size();
      for (auto& request : batch) request.answer->give();
      batch.clear();
    }
  });
  std::this_thread::sleep_for(kWarmUp);
  const auto before = committed.load();
  const auto begin = std::chrono::steady_clock::now();
  std::this_thread::sleep_for(kRun);
  const auto count = committed.load() - before;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  stop = true;
  for (auto& thread : threads) thread.join();
  {
    const std::scoped_lock lock(mutex);
    producers_gone = true;
  }
  arrived.notify_one();
  committer.join();
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

// Events of the workload that fit anywhere: the committing thread gives them their position and time. Few enough to
// stay in the processor's cache, as events do that were decided a moment ago.
struct Material {
  std::vector<Recorded<Event>> events = Workload().next(2'000);
  std::vector<std::string> texts;
  Material() {
    for (const auto& event : events) store::encode(texts.emplace_back(), kOrigin, event);
  }
};

double run_log(Harness& harness, const Material& material, std::size_t producers,
               std::shared_ptr<rocksdb::FileSystem> file_system) {
  const auto dir = harness.fresh_dir();
  double rate = 0;
  {
    auto log = store::RocksDbLog::open({.dir = dir, .origin = kOrigin, .file_system = std::move(file_system)});
    if (!log) throw std::runtime_error(log.error().message);
    const auto written = [](const auto& done) {
      if (!done) throw std::runtime_error(done.error().message);
    };
    auto time = material.events.back().meta.time;
    rate = durable_per_second(producers, material.events, [&](std::vector<Request<Recorded<Event>>>& batch) {
      auto position = (*log)->size();
      for (const auto& request : batch) {
        request.item->meta.position = position;
        request.item->meta.time = time;
        written((*log)->stage(position++, {request.item, 1}));
      }
      time += Duration(1);
      written((*log)->commit((*log)->seal()));
    });
  }
  std::filesystem::remove_all(dir);
  return rate;
}

double run_plain(Harness& harness, const Material& material, std::size_t producers,
                 const std::shared_ptr<rocksdb::FileSystem>& file_system) {
  const auto dir = harness.fresh_dir();
  double rate = 0;
  {
    const auto db = plain_rocksdb(dir, file_system);
    PlainWriter writer(*db);
    rate = durable_per_second(producers, material.texts, [&](std::vector<Request<std::string>>& batch) {
      for (const auto& request : batch) writer.add(*request.item);
      writer.commit();
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
