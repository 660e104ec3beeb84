// Makes the looks of the monitors of all environments, each as often as its document says, and tells the engine what is
// news: a failure, a recovery, the counts of an hour that is over. A look that changes nothing writes nothing.
//
// While an environment is under maintenance, or effects are paused, nobody looks. What was counted of the hour under
// way is told when the watch ends; a crash loses it.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/ports/clock.h"
#include "engine/ports/command_sink.h"
#include "engine/ports/http_client.h"
#include "engine/ports/state_view.h"
#include "reconciler/checks.h"
#include "reconciler/monitor_tally.h"
#include "reconciler/notice.h"

namespace headgate::reconciler {

class MonitorWatch {
 public:
  // Runs the command of a monitor under the host's policy, within run.timeout.
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
    bool trouble_told = false;
    MonitorTally tally;
  };

  // What the engine did not take, until a thread of the monitors says it. The engine may outlive the watch.
  struct Refused {
    std::mutex mutex;
    std::vector<std::pair<MonitorId, std::string>> reasons;
  };

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
  std::optional<Duration> looked_;  // when the documents were last looked through; steady
  std::map<MonitorId, Watched> watched_;
  std::vector<std::jthread> threads_;
};

}  // namespace headgate::reconciler
