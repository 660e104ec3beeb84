// The descendants of a process, as /proc shows them (Linux, CONFIG_PROC_CHILDREN).
#pragma once

#include <sys/types.h>

#include <optional>
#include <vector>

namespace headgate::reconciler {

struct Descendant {
  pid_t pid = 0;
  pid_t parent = 0;
};

// Children of every thread of `pid`; nullopt when /proc does not show them (gone, or not a Linux with that option).
// A child that is born or dies meanwhile may be missed: only wait() failing with ECHILD proves that there is none.
std::optional<std::vector<pid_t>> children_of(pid_t pid);

// All below `root`, parents before their children. A process that changed its session or group is still found.
std::vector<Descendant> descendants_of(pid_t root);

// Signals the process only while it still is a child of its parent, or of `reaper` that inherits orphans; a process id
// that was given out anew is never hit.
void signal_descendant(const Descendant& descendant, pid_t reaper, int signal);

}  // namespace headgate::reconciler
