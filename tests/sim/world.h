// The whole engine without threads, disk and time: the writer over a log in memory, an outside world in which
// activities run, fail, come late or twice, and crashes at any append. After each append everything that must hold is
// looked at.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "engine/runtime/writer.h"
#include "store/memory_log.h"
#include "tests/sim/governance_oracle.h"
#include "tests/sim/oracle.h"
#include "tests/sim/rollout_oracle.h"

namespace headgate::sim {

class World {
 public:
  explicit World(std::uint64_t seed);

  // The command is decided, what follows from it happens, and all of it is appended, unless a crash comes first: then
  // nobody was answered and nothing has happened.
  enum class Answer { accepted, refused, none };
  Answer submit(const Command& command, const std::string& actor, const std::string& idempotency_key = {});
  // Everything that `crowd` submits goes into one batch, as when many ask at once; a crash takes all of it.
  template <class F>
  void at_once(F&& crowd) {
    at_once_ = true;
    crowd();
    at_once_ = false;
    append();
    settle();
  }
  void pass(Duration elapsed);       // time goes by; timers are seen to when they are due
  void clock_jumps(Duration delta);  // the wall clock only
  void outcome(Outcome::Kind kind);  // of some activity that runs outside, or that ran there long ago
  void answer_everything();          // every activity succeeds, until nothing is pending
  void restart();                    // everything in memory is lost

  const State& state() const { return writer_->state(); }
  // What the host's file asks for: of every commit from here on.
  void govern(const std::vector<ApprovalRule>& governance) { governance_oracle_.ask_for(governance); }
  Timestamp now() const { return now_; }
  Observation runs(const TargetId& target) const;  // what really runs there
  void complain(const std::string& what) { fail(what); }
  bool ok() const { return failures_.empty(); }
  const std::vector<std::string>& failures() const { return failures_; }
  Position events() const { return log_.size(); }
  const std::map<std::string, std::uint64_t>& seen() const { return seen_; }  // how many events of each type
  void finish();                                                              // the last look: the log folded anew

  std::mt19937_64 random;
  bool chance(double probability) { return std::bernoulli_distribution(probability)(random); }
  std::size_t below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random); }
  template <class T>
  const T& any_of(const std::vector<T>& list) {
    return list[below(list.size())];
  }

  double crash_probability = 0.02;

 private:
  struct Running {
    Activity activity;
    bool answered = false;
  };
  void settle();
  bool append();  // false: a crash came before it
  void look_at(const Recorded<Event>& decided, const StoredRecord& stored);
  void compare_states();
  void look_for_the_stuck();
  void dispatch();
  void fail(const std::string& what);

  const bool print_;  // each record as it is appended, to see how a seed came to its end
  store::MemoryLog log_{"sim.example.com"};
  std::unique_ptr<runtime::Writer> writer_;
  Oracle oracle_;
  GovernanceOracle governance_oracle_;
  RolloutOracle rollout_oracle_;
  std::size_t told_ = 0;  // of its violations
  State folded_;          // of every record as it was read back
  State restored_;        // of a snapshot and every record after it
  Timestamp now_{std::chrono::sys_days{std::chrono::year{2026} / 11 / 20}};
  Duration elapsed_{0};
  std::deque<Running> outside_;  // newest last, bounded
  std::map<TargetId, Observation> really_;
  bool at_once_ = false;
  std::set<std::string> requests_;  // actor and key of each request that was carried out
  std::vector<std::string> failures_;
  std::map<std::string, std::uint64_t> seen_;
};

}  // namespace headgate::sim
