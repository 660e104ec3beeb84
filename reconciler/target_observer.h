// Asks the drivers what the targets run: at first sight at once, later every observe_every. What has not changed is not
// told twice, so that a poll in which nothing changes writes nothing.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <queue>
#include <string>
#include <thread>
#include <vector>

#include "engine/ports/clock.h"
#include "engine/ports/command_sink.h"
#include "engine/ports/state_view.h"
#include "reconciler/command_driver.h"
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
    bool operator>(const Due& other) const { return at > other.at; }
  };
  struct Task {
    Run observe;
    StringMap variables;
    Duration every{0};
    bool observable = false;
    Position begun = 0;  // size of the log that it was taken from
  };

  void work(std::stop_token stop);
  bool is_time_to_look();
  void look_for_targets();
  bool wait_for_nudge(Duration patience, std::stop_token stop);
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
  bool nudged_ = true;

  mutable std::mutex mutex_;  // never held while the state is read
  Position seen_configuration_ = 0;
  Duration looked_{0};  // when all targets were last looked through, by the steady clock
  std::map<Place, Look> known_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  std::vector<std::jthread> threads_;
};

// What an observe command prints: {"version": "v1.4.2", "artifacts": {"image": "…"}}; version null, empty or absent:
// nothing runs there.
Result<Observation> parse_observation(const std::string& evidence_json);

}  // namespace headgate::reconciler
