#include "store/usable_memory.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace headgate::store {
namespace {

// Of the group and those above it, up to the topmost that the process sees.
void lower_to_limits(std::uint64_t& usable, const std::filesystem::path& hierarchy, std::filesystem::path group,
                     const char* name) {
  for (;;) {
    // Missing at the topmost group of a machine; "max" is no number.
    std::ifstream limit(hierarchy / group / name);
    if (std::uint64_t bytes = 0; limit >> bytes) usable = std::min(usable, bytes);
    if (!group.has_relative_path()) return;
    group = group.parent_path();
  }
}

}  // namespace

std::uint64_t usable_memory(const std::filesystem::path& root) {
  auto usable =
      static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const auto groups = root / "sys/fs/cgroup";
  std::ifstream of_process(root / "proc/self/cgroup");
  for (std::string line; std::getline(of_process, line);) {  // hierarchy:controllers:/group
    const auto controllers = line.find(':');
    const auto group = line.find(":/");
    if (group == std::string::npos) continue;
    if (line.starts_with("0::")) {
      lower_to_limits(usable, groups, line.substr(group + 2), "memory.max");
    } else if (line.substr(controllers, group + 1 - controllers) == ":memory:") {
      lower_to_limits(usable, groups / "memory", line.substr(group + 2), "memory.limit_in_bytes");
    }
  }
  return usable;
}

}  // namespace headgate::store
