// Turns commands into batches of records, in memory. It has no thread, clock or log of its own: the engine drives it in
// real time, the simulation in virtual time.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/domain/decide.h"
#include "engine/ports/command_sink.h"

namespace headgate::runtime {

// What one append writes, and the answers that wait for it.
struct Batch {
  Position first = 0;
  std::vector<Recorded<Event>> events;
  std::set<TargetId> changed;  // whose pending effect may differ now
};

class Writer {
 public:
  explicit Writer(DigestFunction digest) : digest_(digest) {}
  void load(State state);  // everything that may follow from it by itself becomes work
  const State& state() const { return state_; }

  // Decides and evolves; what follows from it joins the same batch unless it concerns many targets.
  Result<Receipt> execute(const Submission& submission, Timestamp now);
  // Timers that are due, and work left over from before, as much as one batch should hold.
  void advance_due(Timestamp now);
  bool has_work(Timestamp now) const;
  std::optional<Timestamp> next_wakeup() const;

  const Batch& batch() const { return batch_; }  // what has come together since take_batch
  Batch take_batch();
  bool full() const { return batch_.events.size() >= max_batch_events; }

  static constexpr std::size_t max_batch_events = 4096;
  static constexpr std::size_t immediate_targets = 16;  // of one command; more become left-over work
  static constexpr std::size_t leftover_targets = 256;  // of one batch

 private:
  using Wakeup = std::pair<Timestamp, TargetId>;
  Result<std::optional<Receipt>> repeated(const Submission& submission, const std::string& key) const;
  void remember_unwritten(const std::string& key, const std::string& digest);
  Recorded<Event>& record(Event&& event, Timestamp now, std::string actor, std::optional<Position> cause);
  void advance_target(const TargetId& target, Timestamp now, std::optional<Position> cause,
                      std::set<TargetId>& touched);
  void put_off(std::set<TargetId>& touched);  // for later
  bool wakes(const Wakeup& wakeup) const;     // it is still in the state
  std::vector<Wakeup> due(Timestamp now) const;
  void settle(std::set<TargetId> touched, Timestamp now, std::optional<Position> cause);

  DigestFunction digest_;
  // By actor and key. No record holds them, so that they are known until the process ends; the oldest go.
  std::map<std::string, std::string> unwritten_;  // -> the digest of the request
  std::deque<std::string> unwritten_order_;
  State state_;
  Batch batch_;
  std::set<TargetId> leftover_;
  // Wakeups that are due and from which nothing follows: their targets are looked at again when something touches them.
  // Nothing should be here; what is would otherwise be work for ever.
  std::set<Wakeup> in_vain_;
};

}  // namespace headgate::runtime
