// The whole engine without threads, disk and time: the writer over a log in memory, an outside world in which
// activities run, fail, come late or twice, and crashes at any append. After each append everything that must hold is
// looked at.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/runtime/writer.h"
#include "store/memory_log.h"
#include "tests/sim/flow_oracle.h"
#include "tests/sim/governance_oracle.h"
#include "tests/sim/location_oracle.h"
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
  void pass(Duration elapsed);                 // time goes by; timers are seen to when they are due
  std::optional<Duration> until_next() const;  // until the next of them is
  void clock_jumps(Duration delta);            // the wall clock only
  // One that runs outside, or ran there long ago; unset when there is none. It is not given again.
  std::optional<Activity> some_activity();
  void end(const Activity& activity, const Outcome& outcome);  // also of one that does not count any more
  void restart();                                              // everything in memory is lost

  const State& state() const { return writer_->state(); }
  // What the host's file asks for: of every commit from here on.
  void govern(const std::vector<ApprovalRule>& governance) { governance_oracle_.ask_for(governance); }
  Timestamp now() const { return now_; }
  Observation runs(const TargetId& target, const std::string& location = {}) const;  // what really does
  void complain(const std::string& what) { fail(what); }
  bool ok() const { return failures_.empty(); }
  const std::vector<std::string>& failures() const { return failures_; }
  Position events() const { return log_.size(); }
  std::uint64_t asked() const { return asked_; }  // how often anybody did anything
  // How many events of each type; and how often it restarted, or took its snapshot, in the middle of what.
  const std::map<std::string, std::uint64_t>& seen() const { return seen_; }
  void finish();  // the last look: the log folded anew

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
  struct Place {  // a target's, in one location
    Observation runs;
    std::map<std::string, Observation> slots;
    std::string slot;  // that has most of the traffic
  };
  void settle();
  bool append();  // false: a crash came before it
  void look_at(const Recorded<Event>& decided, const StoredRecord& stored);
  void take(std::vector<std::string> violations);
  void compare_states();
  void compare_restored();
  void compare_locations();
  void take_snapshot();
  void look_for_the_stuck();
  void fold_anew();
  void in_the_middle(const std::string& what);  // tells what is under way
  void dispatch();
  void takes_place(const TargetId& target, const Step& step);
  void moves(const TargetRenamed& e);  // what really runs, to its target's new name
  void fail(const std::string& what);

  const bool print_;  // each record as it is appended, to see how a seed came to its end
  store::MemoryLog log_{"sim.example.com"};
  std::unique_ptr<runtime::Writer> writer_;
  LocationOracle location_oracle_;
  Oracle oracle_{location_oracle_};
  GovernanceOracle governance_oracle_;
  RolloutOracle rollout_oracle_{location_oracle_};
  FlowOracle flow_oracle_{location_oracle_};
  State folded_;    // of every record as it was read back
  State restored_;  // of a snapshot and every record after it
  Timestamp now_{std::chrono::sys_days{std::chrono::year{2026} / 11 / 20}};
  Duration elapsed_{0};
  std::deque<Running> outside_;  // newest last, bounded
  std::map<std::pair<TargetId, std::string>, Place> really_;
  bool at_once_ = false;
  std::uint64_t asked_ = 0;
  std::set<std::string> requests_;  // actor and key of each request that was carried out
  std::vector<std::string> failures_;
  std::map<std::string, std::uint64_t> seen_;
};

}  // namespace headgate::sim
