// Asks the drivers what the targets run: at first sight at once, later every observe_every. What has not changed is not
// told twice, so that a poll in which nothing changes writes nothing.
//
// A look has a time limit of its own (time_to_observe), and is stopped and begun anew when a configuration changes its
// command: one that hangs keeps a worker for minutes at most. Who goes first, fair_turns.h says.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "engine/ports/clock.h"
#include "engine/ports/command_sink.h"
#include "engine/ports/state_view.h"
#include "reconciler/command_driver.h"
#include "reconciler/fair_turns.h"
#include "reconciler/notice.h"

namespace headgate::reconciler {

class TargetObserver {
 public:
  TargetObserver(std::size_t workers, const StateView& state, CommandSink& sink, CommandDriver& driver, Clock& clock,
                 Notice notice);
  ~TargetObserver();  // stops what runs and waits for it

  // Of one place, since the start.
  struct Look {
    std::optional<Timestamp> observed;  // when one was last answered
    std::string error;                  // why the newest one was not; empty when it was
  };
  Look last_look(const TargetId& target, const std::string& location) const;
  // How many targets of each environment cannot be observed now; those with none have 0.
  std::map<std::string, std::size_t> unobserved() const;

  // Something happened: new targets may be in sight. From any thread; never waits for a look.
  void nudge();

 private:
  struct Place {
    TargetId target;
    std::string location;  // empty: the environment is one place
    std::string name() const;
    auto operator<=>(const Place&) const = default;
  };
  struct Due {
    Duration at;  // steady
    Place place;
    bool slow = false;  // its last look was
    auto operator<=>(const Due&) const = default;
  };
  struct Task {
    Run observe;
    StringMap variables;
    Duration every{0};
    bool observable = false;
    Position begun = 0;  // size of the log that it was taken from
  };

  struct UnderWay {
    Run observe;
    std::stop_source stop;
  };

  void follow(std::stop_token stop);  // what is in sight; one thread, which no look holds up
  void wait_for_nudge(std::stop_token stop);
  void look_for_targets();
  void stop_what_has_changed();
  void work(std::stop_token stop);
  std::optional<Due> next_due(std::stop_token stop);
  void take_turn(const Due& due, const std::stop_token& stop);
  Task task_of(const Place& place) const;
  void observe(const Place& place, const Task& task, std::stop_token stop);
  void tell(const Place& place, const std::string& trouble);

  const StateView& state_;
  CommandSink& sink_;
  CommandDriver& driver_;
  Clock& clock_;
  Notice notice_;

  std::mutex nudge_mutex_;  // of `nudged_` alone: whoever nudges must not wait for those who work
  std::condition_variable_any nudge_;
  bool nudged_ = false;

  mutable std::mutex mutex_;  // never held while the state is read
  Position seen_configuration_ = 0;
  Duration looked_{0};  // when all targets were last looked through, by the steady clock
  std::map<Place, Look> known_;
  std::set<Due> due_;  // all that are known and not under way
  std::map<Place, UnderWay> under_way_;
  FairTurns turns_;
  std::uint64_t arrivals_ = 0;  // how often places came into sight
  std::condition_variable_any arrived_;
  std::vector<std::jthread> threads_;
};

// How long a look may take: until the next one would be due, at least a minute and at most five, and never longer than
// the command has.
Duration time_to_observe(const Run& observe, Duration observe_every);

// What an observe command prints: {"version": "v1.4.2", "artifacts": {"image": "…"}}; version null, empty or absent:
// nothing runs there.
Result<Observation> parse_observation(const std::string& evidence_json);

}  // namespace headgate::reconciler
