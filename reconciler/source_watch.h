// Follows one source repository: its branches and tags, and for each service that has it as its source, what of that is
// under the service's paths. A commit that touches nothing there is no news of the service.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
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
    std::set<std::string, std::less<>> branches;  // of its triggers
    std::set<std::string, std::less<>> tags;      // likewise, patterns
    SourceState known;
    std::vector<std::string> to_compare;  // commits

    bool wants_tag(const std::string& name) const;  // every one where no trigger names any
  };
  // What a look dealt with to its end.
  struct Seen {
    Position policies = 0;                                       // of the configuration in force then
    std::map<std::pair<bool, std::string>, std::string> refs{};  // whether a tag, and its name -> commit
  };

  void run(std::stop_token stop);
  std::vector<Watched> watched() const;
  Result<void> observe_branch(const GitRef& ref, const std::string& known);
  void leave_out_branches(std::vector<GitRef>& refs, const std::vector<Watched>& services);
  bool is_fresh(const GitRef& ref) const;  // came or moved since the last look
  static std::size_t first_tag(const std::vector<GitRef>& refs, const Watched& service);
  void tell_left_out(const Watched& service, std::size_t tags);
  // `settled`: what has not moved since the last look was dealt with for these very services.
  Result<void> observe_sources(const std::vector<GitRef>& refs, const std::vector<Watched>& services, bool settled,
                               const std::stop_token& stop);
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
  std::optional<Seen> seen_;
  std::size_t branches_left_out_ = 0;                               // as told
  std::map<std::string, std::set<std::string, std::less<>>> told_;  // of tags left out: by service, its patterns
  std::string said_;                                                // the last trouble, so that it is told once
  mutable std::mutex mutex_;
  RepositoryStatus status_;
  std::jthread thread_;
};

}  // namespace headgate::reconciler
