#include "store/usable_memory.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace headgate::store {
namespace {

// Relative; empty when the process is in no group of version 2.
std::filesystem::path control_group(const std::filesystem::path& root) {
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    if (line.starts_with("0::/")) return line.substr(4);
  }
  return {};
}

}  // namespace

std::uint64_t usable_memory(const std::filesystem::path& root) {
  auto usable =
      static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  auto group = control_group(root);
  for (;;) {
    // Missing at the topmost group of a machine; "max" is no number.
    std::ifstream limit(root / "sys/fs/cgroup" / group / "memory.max");
    if (std::uint64_t bytes = 0; limit >> bytes) usable = std::min(usable, bytes);
    if (!group.has_relative_path()) return usable;
    group = group.parent_path();
  }
}

}  // namespace headgate::store
