// An engine over a real log, with executors that return at once.
#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>

#include "engine/runtime/engine.h"
#include "store/rocksdb_log.h"

namespace headgate::bench {

class RealClock final : public Clock {
 public:
  Timestamp now() const override;
  Duration steady() const override;
};

class InstantExecutor final : public Executor {
 public:
  Outcome execute(const Activity&, std::stop_token) override { return {}; }
};

class NoSnapshots final : public Snapshots {
 public:
  Result<void> save(const State&, const Hash&) override { return {}; }
  std::optional<Snapshot> load(Position) const override { return std::nullopt; }
};

// Hands every durable event on, on the committer's thread.
class Listener final : public runtime::Observer {
 public:
  using OnEvent = std::function<void(const Recorded<Event>&)>;
  // From here on; whoever was told before is not any more on return.
  void tell(OnEvent on_event) {
    const std::scoped_lock lock(mutex_);
    on_event_ = std::move(on_event);
  }
  void batch_appended(std::span<const Recorded<Event>> events, Duration) override {
    const std::scoped_lock lock(mutex_);
    if (!on_event_) return;
    for (const auto& event : events) on_event_(event);
  }

 private:
  std::mutex mutex_;
  OnEvent on_event_;
};

struct EngineWorld {
  explicit EngineWorld(const std::filesystem::path& dir);
  ~EngineWorld();
  void run(Command command, std::string actor = "engine");  // and waits for it; throws when it is refused
  // Documents of one commit, in as many commands as it takes.
  void push(const std::string& commit, std::vector<Document> documents);

  RealClock clock;
  InstantExecutor executor;
  NoSnapshots snapshots;
  Listener listener;
  std::unique_ptr<store::RocksDbLog> log;
  std::unique_ptr<runtime::Engine> engine;
};

std::string digest_of(std::string_view text);
// A service of `environments` stages; each with a gate, an approval of the team, three hooks and three checks:
// nine steps, with the deploy.
Service bench_service(const std::string& name, const std::vector<std::string>& environments);
Environment bench_environment(const std::string& name);
AccessPolicy bench_access();  // team release-managers: person:manager, approver everywhere

}  // namespace headgate::bench
