// Follows one source repository: its branches and tags, and for each service that has it as its source, what of that is
// under the service's paths. A commit that touches nothing there is no news of the service.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "engine/ports/clock.h"
#include "engine/ports/command_sink.h"
#include "engine/ports/people.h"
#include "engine/ports/state_view.h"
#include "reconciler/git_repository.h"
#include "reconciler/notice.h"
#include "reconciler/reconciler.h"

namespace headgate::reconciler {

class SourceWatch {
 public:
  SourceWatch(std::string name, Duration poll, GitRepository& repository, People& people, const StateView& state,
              CommandSink& sink, Clock& clock, Notice notice);

  RepositoryStatus status() const;  // `head`: of the branch that moved last

  // Told of each look that found the repository there; before the thread starts.
  void on_look(std::function<void(Duration took)> looked) { looked_ = std::move(looked); }
  // One look, on the caller's thread; the thread does it again and again.
  Result<void> look(std::stop_token stop);
  // Whatever gates and releases name is compared with what is known of the source.
  void compare(const std::stop_token& stop = {});
  void start();         // the thread
  void request_stop();  // of the thread; the destructor waits for it

 private:
  struct Watched {
    std::string service;
    std::vector<std::string> paths;
    SourceState known;
    std::vector<std::string> to_compare;  // commits
  };

  void run(std::stop_token stop);
  std::vector<Watched> watched() const;
  Result<void> observe_branch(const GitRef& ref, const std::string& known);
  Result<void> observe_sources(const std::vector<GitRef>& refs, const std::stop_token& stop);
  Result<void> submit(Command command);
  void say(const std::string& text);

  const std::string name_;
  const Duration poll_;
  GitRepository& repository_;
  People& people_;
  const StateView& state_;
  CommandSink& sink_;
  Clock& clock_;
  Notice notice_;
  std::function<void(Duration took)> looked_;

  Position compared_ = 0;                                 // size of the log that was compared last
  std::set<std::pair<std::string, std::string>> absent_;  // service and commit: not in the repository
  std::string said_;                                      // the last trouble, so that it is told once
  mutable std::mutex mutex_;
  RepositoryStatus status_;
  std::jthread thread_;
};

}  // namespace headgate::reconciler
