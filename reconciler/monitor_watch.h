// Makes the looks of the monitors of all environments, each as often as its document says, and tells the engine what is
// news: a failure, a recovery, the counts of an hour that is over. A look that changes nothing writes nothing.
//
// A look is stopped and begun anew when a configuration changes its monitor. Who goes first, fair_turns.h says.
//
// While an environment is under maintenance, or effects are paused, nobody looks. What was counted of the hour under
// way is told when the watch ends; a crash loses it.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/ports/clock.h"
#include "engine/ports/command_sink.h"
#include "engine/ports/http_client.h"
#include "engine/ports/state_view.h"
#include "reconciler/checks.h"
#include "reconciler/fair_turns.h"
#include "reconciler/monitor_tally.h"
#include "reconciler/notice.h"

namespace headgate::reconciler {

class MonitorWatch {
 public:
  // Runs the command of a monitor under the host's policy, within run.timeout. Where the document leaves that at its
  // default it is until the next look would be due, at least a minute: what hangs has failed.
  using RunCommand = std::function<Result<ProcessResult>(const MonitorId&, const Run&, std::stop_token)>;

  MonitorWatch(std::size_t workers, const StateView& state, CommandSink& sink, HttpClient& http, RunCommand run_command,
               Clock& clock, Notice notice);
  ~MonitorWatch();  // stops what runs, waits for it, and tells what was counted

 private:
  struct Watched {
    Monitor monitor;
    bool silent = false;            // a maintenance is on, or effects are paused
    bool failing = false;           // as the state has it
    std::optional<Duration> began;  // the last look; steady
    bool looking = false;
    bool slow = false;      // the last look was
    std::stop_source stop;  // of the look under way
    bool trouble_told = false;
    MonitorTally tally;
  };

  // What the engine did not take, until a thread of the monitors says it. The engine may outlive the watch.
  struct Refused {
    std::mutex mutex;
    std::vector<std::pair<MonitorId, std::string>> reasons;
  };

  void follow(std::stop_token stop);  // the documents; one thread, which no look holds up
  void work(std::stop_token stop);
  void look_for_monitors();
  Watched* next_due(Duration now, MonitorId& id, Duration& patience);
  CheckResult look(const MonitorId& id, const Monitor& monitor, std::stop_token stop) const;
  void note(const MonitorId& id, Watched& watched, const CheckResult& result, Timestamp began);
  void tell_hours(const MonitorId& id, Watched& watched, bool all);
  bool submit(Command command, const MonitorId& id);
  void say_refused();

  const StateView& state_;
  CommandSink& sink_;
  HttpClient& http_;
  RunCommand run_command_;
  Clock& clock_;
  Notice notice_;

  const std::shared_ptr<Refused> refused_ = std::make_shared<Refused>();

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::uint64_t looks_ = 0;  // at the documents
  std::map<MonitorId, Watched> watched_;
  FairTurns turns_;
  std::vector<std::jthread> threads_;
};

}  // namespace headgate::reconciler
