// Waits until a branch may have moved. For a repository on this host it listens by inotify to the files through which
// a branch moves: the folders of its ref, packed-refs and HEAD. When the repository or one of those folders goes away
// it listens for its return. For others it waits only.
//
// Not seen: changes made on another host over a network file system, and a folder above the repository being renamed;
// the poll interval finds both.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>

#include "engine/base/unique_fd.h"
#include "engine/domain/time.h"

namespace headgate::reconciler {

class GitWatch {
 public:
  enum class Woken { changed, nudged, timed_out, stopped };
  using Notice = std::function<void(const std::string&)>;
  static constexpr std::string_view kAnyRef = "*";  // in the place of a branch: all branches and tags

  // `repository`: what the URL names, bare or with a work tree; nullopt: not on this host.
  GitWatch(std::optional<std::filesystem::path> repository, std::string branch, Notice notice);

  // One caller at a time. What happened since the last call counts, so nothing is missed between two calls; any number
  // of changes wakes once. A nudge before the call wakes it too.
  Woken wait(Duration timeout, const std::stop_token& stop);
  void nudge();  // any thread

 private:
  // What to listen to in one folder. structural: the tree of folders itself changes, so it is laid out anew.
  struct Listening {
    std::set<std::string, std::less<>> leaves;
    std::set<std::string, std::less<>> structural;
    bool anything = false;  // whatever happens there matters
  };
  using Plan = std::map<std::filesystem::path, Listening>;

  Plan plan() const;
  bool arm();               // false: inotify refused, said once by notice_
  bool read_events();       // true: something that matters; arms again when the folders changed
  bool moved_away() const;  // the path leads to another folder than the one listened to

  const std::optional<std::filesystem::path> repository_;
  const std::string branch_;
  const Notice notice_;
  std::mutex mutex_;
  UniqueFd wake_;  // eventfd: nudges and stops
  UniqueFd inotify_;
  std::map<int, Listening> listening_;                          // by watch descriptor
  std::set<std::pair<std::uint64_t, std::uint64_t>> identity_;  // device and inode of what is listened to
  bool refusal_said_ = false;
};

}  // namespace headgate::reconciler
