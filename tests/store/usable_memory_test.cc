#include "store/usable_memory.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/store/temp_dir.h"

namespace headgate::store {
namespace {

void put(const std::filesystem::path& file, std::string_view text) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << text;
}

TEST(UsableMemory, IsThatOfTheMachineWithoutAControlGroup) {
  const TempDir root;
  EXPECT_GT(usable_memory(root.path()), 1U << 20);
}

TEST(UsableMemory, IsTheLeastLimitOfTheGroupAndThoseAboveIt) {
  const TempDir root;
  const auto machine = usable_memory(root.path());
  const auto groups = root.path() / "sys/fs/cgroup";
  put(root.path() / "proc/self/cgroup", "1:name=systemd:/user.slice\n0::/system.slice/headgate.service\n");
  put(groups / "system.slice/headgate.service/memory.max", "max\n");
  EXPECT_EQ(usable_memory(root.path()), machine);
  put(groups / "system.slice/memory.max", "2097152\n");
  EXPECT_EQ(usable_memory(root.path()), 2U << 20);
  put(groups / "system.slice/headgate.service/memory.max", "3145728\n");
  EXPECT_EQ(usable_memory(root.path()), 2U << 20);
  put(groups / "memory.max", "1048576\n");  // as a container sees its own group
  EXPECT_EQ(usable_memory(root.path()), 1U << 20);
}

TEST(UsableMemory, KnowsGroupsOfTheFirstVersion) {
  const TempDir root;
  const auto machine = usable_memory(root.path());
  put(root.path() / "proc/self/cgroup", "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n0::/\n");
  const auto groups = root.path() / "sys/fs/cgroup/memory";
  put(groups / "docker/abc/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(usable_memory(root.path()), machine);
  put(groups / "memory.limit_in_bytes", "2097152\n");  // as a container sees its own group
  EXPECT_EQ(usable_memory(root.path()), 2U << 20);
}

}  // namespace
}  // namespace headgate::store
