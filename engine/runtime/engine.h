// The shell around the calculation, in two threads (and one that saves snapshots):
//
//   writer     drains the queue of commands, decides and evolves each in memory and stages the records
//   committer  makes a batch durable in one synced write, and only then publishes, answers and dispatches
//
// While the disk syncs one batch, the next one grows: what the disk takes longer for comes in larger batches.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/domain/decide.h"
#include "engine/ports/clock.h"
#include "engine/ports/command_sink.h"
#include "engine/ports/event_log.h"
#include "engine/ports/executor.h"
#include "engine/ports/snapshots.h"
#include "engine/ports/state_view.h"
#include "engine/runtime/dispatcher.h"
#include "engine/runtime/fair_shared_mutex.h"
#include "engine/runtime/observer.h"
#include "engine/runtime/writer.h"

namespace headgate::runtime {

struct EngineOptions {
  std::string version;
  std::string origin;  // for the first record of a new log
  std::string verifier_key;
  std::size_t queue_limit = 16'384;    // commands that wait; more are refused
  std::size_t batch_commands = 1'024;  // taken into one batch
  std::size_t workers = 32;            // activities at a time
  Position snapshot_every = 250'000;   // events between snapshots
  std::size_t waiter_limit = 10'000;   // calls of when_at that wait
};

class Engine final : public CommandSink, public StateView {
 public:
  // Folds the log (from the newest snapshot on), writes log.created and engine.started, and starts writer and workers.
  // `fatal` is called once when the log refuses records, from an engine's thread; the process must end then.
  static Result<std::unique_ptr<Engine>> start(EngineOptions options, EventLog& log, Snapshots& snapshots, Clock& clock,
                                               Executor& executor, DigestFunction digest, Observer& observer,
                                               std::function<void(const Error&)> fatal);
  ~Engine() override;

  bool submit(Submission submission, std::function<void(Result<Receipt>)> done) override;

  // The published state: everything durable up to state.next, under the lock that StateView tells of.
  template <class F>
  auto read(F&& f) const {
    const std::shared_lock lock(published_mutex_);
    return f(published_);
  }
  void with_state(const std::function<void(const State&)>& f) const override { read(f); }
  Position position() const { return published_position_.load(std::memory_order_acquire); }
  // Calls back exactly once: when position() >= `position` (true), after `timeout`, or when the engine stops (false).
  // From the caller's thread where that is so already or too many wait, else from one of the engine's, which other
  // answers wait for: it must be quick and must not throw.
  void when_at(Position position, Duration timeout, std::function<void(bool)> call);
  // Called with position() after each batch, from the committer's thread (the last one from stop's): must be quick, and
  // wait for no lock that somebody holds for long. The subscription ends when the returned token is destroyed, and is
  // not running any more when the destructor returns.
  std::shared_ptr<void> subscribe(std::function<void(Position)> call);

  std::size_t queue_depth() const;
  // Refuses new commands, lets running activities finish for `drain`, stops the rest (they resume after the next
  // start), answers what was accepted, writes engine.stopped, saves a snapshot. Idempotent.
  void stop(Duration drain);

 private:
  struct Queued {
    Submission submission;
    std::function<void(Result<Receipt>)> done;
  };
  // Commands that were decided, and what came of them: one synced write, then the answers.
  struct Decided {
    Batch batch;
    std::vector<Queued> commands;
    std::vector<Result<Receipt>> receipts;
    std::unique_ptr<StagedRecords> staged;  // null when there is nothing to write
  };
  struct Waiter {
    Position position;
    Duration deadline;  // steady
    std::function<void(bool)> call;
  };

  Engine(EngineOptions options, EventLog& log, Snapshots& snapshots, Clock& clock, Executor& executor,
         DigestFunction digest, Observer& observer, std::function<void(const Error&)> fatal);
  Result<void> load();
  void run(std::stop_token stop);
  bool decide_all(std::vector<Queued> commands, Timestamp now);  // false: the log refused
  bool growing() const;                                          // something was decided and not handed over yet
  bool hand_over();  // to the committer, if it is idle; false: the log refused
  Decided take_decided();
  void run_commits(std::stop_token stop);
  bool commit(Decided decided);  // false: the log refused
  void answer(Decided& decided, const std::vector<Hash>& leaves);
  void refused(const Error& error);
  void publish(const Batch& batch);
  void release_waiters();
  void release_all();  // waiters, at the end; from then on nobody waits
  void write_stop();
  void write_snapshots(std::stop_token stop);
  std::vector<Queued> take_commands(std::stop_token stop);

  EngineOptions options_;
  EventLog& log_;
  Snapshots& snapshots_;
  Clock& clock_;
  DigestFunction digest_;
  Observer& observer_;
  std::function<void(const Error&)> fatal_;

  // Of the writer's thread.
  Writer writer_;  // the live state, ahead of the log by two batches at most: the growing one and the one that syncs
  std::vector<Queued> commands_;  // of the growing batch
  std::vector<Result<Receipt>> receipts_;
  std::size_t staged_events_ = 0;  // of the growing batch

  mutable FairSharedMutex published_mutex_;
  State published_;
  std::atomic<Position> published_position_{0};

  mutable std::mutex queue_mutex_;
  std::condition_variable_any writer_wakes_;
  std::deque<Queued> queue_;
  bool writer_waits_ = false;  // for commands or for the committer; else nobody needs to be woken
  std::optional<Decided> handed_over_;
  bool committing_ = false;  // from the handing over until it is durable and answered
  std::condition_variable_any committer_wakes_;
  void enqueue(Queued queued);  // with the mutex held
  bool accepting_ = true;       // from outside
  bool closed_ = false;         // outcomes of activities too
  bool failed_ = false;         // the log refused

  std::mutex waiters_mutex_;
  std::vector<Waiter> waiters_;
  bool waiting_ended_ = false;

  std::mutex subscribers_mutex_;
  std::map<std::uint64_t, std::function<void(Position)>> subscribers_;
  std::uint64_t next_subscriber_ = 0;

  std::mutex snapshot_mutex_;
  std::condition_variable_any snapshot_due_;
  std::atomic<Position> snapshot_position_{0};  // of the newest one; 0: there is none

  Dispatcher dispatcher_;  // its workers enqueue outcomes

  std::mutex stop_mutex_;
  bool started_ = false;  // all threads are there
  bool stopped_ = false;
  std::jthread snapshot_thread_;
  std::jthread commit_thread_;
  std::jthread writer_thread_;
};

// The state as it was when `position` events were in the log: from the newest snapshot at or before it. unavailable
// when stopped.
Result<State> state_at(const EventLog& log, const Snapshots& snapshots, Position position,
                       const std::stop_token& stop = {});
// A promotion as its own events tell it, ended or not; not_found when there is none.
Result<Promotion> promotion_of_log(const EventLog& log, const PromotionId& id);

}  // namespace headgate::runtime
