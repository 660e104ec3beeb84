#include "reconciler/git_watch.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include "engine/domain/error.h"

namespace headgate::reconciler {
namespace fs = std::filesystem;
namespace {

using std::chrono::steady_clock;

constexpr std::uint32_t kEvents =
    IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr int kArmAttempts = 8;
constexpr std::size_t kMaxFolders = 1'000;

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}
bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

// The one line of a `.git` or `commondir` file; empty when it cannot be read.
std::string first_line(const fs::path& path) {
  std::ifstream file(path);
  std::string line(4096, '\0');
  file.read(line.data(), static_cast<std::streamsize>(line.size()));
  line.resize(static_cast<std::size_t>(file.gcount()));
  line.resize(std::min(line.find('\n'), line.size()));
  return line;
}

bool is_git_folder(const fs::path& path) {
  return is_there(path / "HEAD") && is_folder(path / "objects");
}

// Where refs are kept; empty while there is no repository.
fs::path refs_home(const fs::path& repository) {
  fs::path folder = repository;
  if (!is_git_folder(folder)) {
    folder = repository / ".git";
    constexpr std::string_view kLink = "gitdir: ";
    if (!is_folder(folder) && is_there(folder)) {
      const std::string line = first_line(folder);
      if (line.starts_with(kLink)) folder = repository / line.substr(kLink.size());
    }
    if (is_there(folder / "commondir")) {
      const std::string common = first_line(folder / "commondir");
      if (!common.empty()) folder = folder / common;
    }
    if (!is_git_folder(folder)) return {};
  }
  return folder;
}

}  // namespace

GitWatch::GitWatch(std::optional<fs::path> repository, std::string branch, Notice notice)
    : repository_(std::move(repository)), branch_(std::move(branch)), notice_(std::move(notice)) {
  wake_.reset(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  HEADGATE_CHECK(wake_.get() >= 0);
  if (repository_) arm();
}

GitWatch::Plan GitWatch::plan() const {
  Plan plan;
  // The way to the repository: the deepest folder that exists, and the next name on the way down.
  fs::path above = repository_->parent_path();
  fs::path next = repository_->filename();
  while (!is_folder(above) && above.has_relative_path()) {
    next = above.filename();
    above = above.parent_path();
  }
  plan[above].structural.insert(next.string());
  if (!is_folder(*repository_)) return plan;

  const fs::path home = refs_home(*repository_);
  if (home.empty()) {  // not a repository yet
    for (const fs::path& folder : {*repository_, *repository_ / ".git"}) {
      if (is_folder(folder)) plan[folder].structural.insert({".git", "HEAD", "objects", "commondir"});
    }
    return plan;
  }
  plan[*repository_].structural.insert(".git");
  plan[home].leaves.insert({"packed-refs"});
  plan[home].structural.insert({"HEAD", "refs", "objects"});
  if (branch_ == kAnyRef) {
    plan[home / "refs"].structural.insert({"heads", "tags"});
    for (const char* kind : {"heads", "tags"}) {
      const fs::path top = home / "refs" / kind;
      if (!is_folder(top)) continue;
      plan[top].anything = true;
      std::error_code error;
      for (auto at = fs::recursive_directory_iterator(top, error); !error && at != fs::recursive_directory_iterator();
           at.increment(error)) {
        if (at->is_directory(error) && plan.size() < kMaxFolders) plan[at->path()].anything = true;
      }
    }
    return plan;
  }
  fs::path folder = home / "refs";
  std::string name = "heads";
  std::string_view rest = branch_;
  while (is_folder(folder)) {
    const bool last = rest.empty();
    (last ? plan[folder].leaves : plan[folder].structural).insert(name);
    if (last) break;
    folder /= name;
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    name = rest.substr(0, slash);
    rest.remove_prefix(std::min(slash + 1, rest.size()));
  }
  return plan;
}

bool GitWatch::arm() {
  // Folders may come and go while the watches are laid: done when the plan is the same before and after.
  for (int attempt = 0; attempt < kArmAttempts; ++attempt) {
    const Plan wanted = plan();
    inotify_.reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    listening_.clear();
    identity_.clear();
    int refused = inotify_.get() < 0 ? errno : 0;
    for (auto it = wanted.begin(); it != wanted.end() && refused == 0; ++it) {
      const int watch = ::inotify_add_watch(inotify_.get(), it->first.c_str(), kEvents);
      if (watch < 0) {
        if (errno != ENOENT && errno != ENOTDIR) refused = errno;
        continue;
      }
      listening_[watch].leaves.insert(it->second.leaves.begin(), it->second.leaves.end());
      listening_[watch].structural.insert(it->second.structural.begin(), it->second.structural.end());
      listening_[watch].anything = listening_[watch].anything || it->second.anything;
      struct stat status {};
      if (::stat(it->first.c_str(), &status) == 0) identity_.emplace(status.st_dev, status.st_ino);
    }
    if (refused != 0) {
      inotify_.reset();
      if (!refusal_said_ && notice_) {
        notice_(
            fmt::format("changes of {} are found by polling only, because the system refuses to watch it ({}): raise "
                        "fs.inotify.max_user_watches or max_user_instances, or allow reading it",
                        repository_->string(), std::strerror(refused)));
      }
      refusal_said_ = true;
      return false;
    }
    const Plan now = plan();
    if (std::ranges::equal(
            wanted, now, {}, [](const auto& item) { return item.first; },
            [](const auto& item) { return item.first; })) {
      break;
    }
  }
  refusal_said_ = false;
  return true;
}

bool GitWatch::moved_away() const {
  const Plan wanted = plan();
  std::set<std::pair<std::uint64_t, std::uint64_t>> now;
  for (const auto& [folder, names] : wanted) {
    struct stat status {};
    if (::stat(folder.c_str(), &status) == 0) now.emplace(status.st_dev, status.st_ino);
  }
  return now != identity_;
}

bool GitWatch::read_events() {
  bool matters = false;
  bool structure = false;
  alignas(inotify_event) std::array<char, 16 * 1024> buffer;
  for (;;) {
    const ssize_t size = ::read(inotify_.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      if ((event->mask & (IN_Q_OVERFLOW | IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF)) != 0) {
        structure = true;
        continue;
      }
      const auto found = listening_.find(event->wd);
      if (found == listening_.end() || event->len == 0) continue;
      const std::string_view name(event->name);
      const bool any = found->second.anything && !name.ends_with(".lock");
      matters = matters || any || found->second.leaves.contains(name);
      structure = structure || found->second.structural.contains(name) || (any && (event->mask & IN_ISDIR) != 0);
    }
  }
  if (structure) arm();
  return matters || structure;
}

GitWatch::Woken GitWatch::wait(Duration timeout, const std::stop_token& stop) {
  const std::scoped_lock lock(mutex_);
  const std::stop_callback wake(stop, [this] { nudge(); });
  const auto deadline = steady_clock::now() + timeout;
  // What was missed while nothing listened is found by looking.
  if (repository_ && (inotify_.get() < 0 || moved_away()) && arm()) return Woken::changed;
  for (;;) {
    std::uint64_t count = 0;
    const bool nudged = ::read(wake_.get(), &count, sizeof count) == static_cast<ssize_t>(sizeof count);
    if (stop.stop_requested()) return Woken::stopped;
    const bool changed = inotify_.get() >= 0 && read_events();
    if (changed) return Woken::changed;
    if (nudged) return Woken::nudged;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
    if (left.count() <= 0) return Woken::timed_out;
    std::array<pollfd, 2> ready{pollfd{wake_.get(), POLLIN, 0}, pollfd{inotify_.get(), POLLIN, 0}};
    const auto limit = std::min<std::int64_t>(left.count(), 3'600'000);
    ::poll(ready.data(), inotify_.get() >= 0 ? 2 : 1, static_cast<int>(limit));
  }
}

void GitWatch::nudge() {
  const std::uint64_t one = 1;
  // EAGAIN: the counter is full, so a nudge is waiting already.
  static_cast<void>(!::write(wake_.get(), &one, sizeof one));
}

}  // namespace headgate::reconciler
