#include "reconciler/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/unique_fd.h"

namespace headgate::reconciler {
namespace {

std::optional<std::string> read_proc(const std::string& path) {
  const UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file) return std::nullopt;
  std::string text;
  char chunk[4096];
  for (;;) {
    const auto size = ::read(file.get(), chunk, sizeof chunk);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return std::nullopt;
    if (size == 0) return text;
    text.append(chunk, static_cast<std::size_t>(size));
  }
}

void append_pids(std::string_view text, std::vector<pid_t>& pids) {
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    pid_t pid = 0;
    const auto [next, error] = std::from_chars(at, end, pid);
    if (error == std::errc{} && pid > 0) pids.push_back(pid);
    at = next + 1;
  }
}

std::optional<pid_t> parent_of(pid_t pid) {
  const auto text = read_proc("/proc/" + std::to_string(pid) + "/stat");
  if (!text) return std::nullopt;
  // pid (name) state ppid …; the name may hold anything, so count from its last ')'.
  const auto name_end = text->rfind(')');
  if (name_end == std::string::npos || name_end + 4 > text->size()) return std::nullopt;
  pid_t parent = 0;
  const auto [next, error] = std::from_chars(text->data() + name_end + 4, text->data() + text->size(), parent);
  if (error != std::errc{}) return std::nullopt;
  return parent;
}

}  // namespace

std::optional<std::vector<pid_t>> children_of(pid_t pid) {
  const auto tasks = "/proc/" + std::to_string(pid) + "/task";
  const std::unique_ptr<DIR, int (*)(DIR*)> directory{::opendir(tasks.c_str()), ::closedir};
  if (!directory) return std::nullopt;
  std::vector<pid_t> pids;
  bool any_thread = false;
  while (const auto* entry = ::readdir(directory.get())) {
    if (entry->d_name[0] == '.') continue;
    const auto text = read_proc(tasks + "/" + entry->d_name + "/children");
    if (!text) continue;
    any_thread = true;
    append_pids(*text, pids);
  }
  if (!any_thread) return std::nullopt;
  return pids;
}

std::vector<Descendant> descendants_of(pid_t root) {
  std::vector<Descendant> found;
  const auto add = [&found](pid_t parent) {
    for (const auto pid : children_of(parent).value_or(std::vector<pid_t>{})) found.push_back({pid, parent});
  };
  add(root);
  for (std::size_t i = 0; i < found.size(); ++i) add(found[i].pid);
  return found;
}

void signal_descendant(const Descendant& descendant, pid_t reaper, int signal) {
  const UniqueFd handle{static_cast<int>(::syscall(SYS_pidfd_open, descendant.pid, 0))};
  if (!handle) {
    // A kernel without pidfd_open: a direct child cannot be given out anew before it is waited for, the others are
    // reached once they became direct children.
    if (errno == ENOSYS && descendant.parent == reaper) ::kill(descendant.pid, signal);
    return;
  }
  const auto parent = parent_of(descendant.pid);
  if (!parent || (*parent != descendant.parent && *parent != reaper)) return;
  ::syscall(SYS_pidfd_send_signal, handle.get(), signal, nullptr, 0);
}

}  // namespace headgate::reconciler
