// How much memory this process may use, by which caches are sized.
#pragma once

#include <cstdint>
#include <filesystem>

namespace headgate::store {

// Bytes: the machine's memory, or less where the process's control group (of version 2, or of `memory` of version 1) or
// one above it has a limit, as in a container or under systemd's MemoryMax. `root` is where /proc and /sys are looked
// for.
std::uint64_t usable_memory(const std::filesystem::path& root = "/");

}  // namespace headgate::store
