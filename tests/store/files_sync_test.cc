// What says "durable" has asked the kernel for it: bytes are synced before their file gets its name, and the folder
// after it. The C library's calls are written down on their way to the kernel, since no crash can be had here.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "store/blob_store.h"
#include "store/files.h"
#include "store/people_directory.h"
#include "store/signed_note.h"
#include "store/snapshot_store.h"
#include "store/watermark.h"
#include "tests/store/temp_dir.h"

namespace {

namespace fs = std::filesystem;

struct Call {
  enum Kind { sync, rename, link, make_dir } kind;
  fs::path path;  // absolute; of a rename or link the new name
  fs::path from{};
};
std::vector<Call>* calls = nullptr;  // of the test that runs

void note(Call call) {
  if (calls != nullptr) calls->push_back(std::move(call));
}

fs::path path_of(int fd) {
  return fs::read_symlink("/proc/self/fd/" + std::to_string(fd));
}

}  // namespace

extern "C" {
int fsync(int fd) {
  note({Call::sync, path_of(fd)});
  return static_cast<int>(::syscall(SYS_fsync, fd));
}
int fdatasync(int fd) {
  note({Call::sync, path_of(fd)});
  return static_cast<int>(::syscall(SYS_fdatasync, fd));
}
int rename(const char* from, const char* to) noexcept {
  note({Call::rename, to, from});
  return static_cast<int>(::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}
int link(const char* from, const char* to) noexcept {
  note({Call::link, to, from});
  return static_cast<int>(::syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0));
}
int mkdir(const char* path, mode_t mode) noexcept {
  const auto made = static_cast<int>(::syscall(SYS_mkdirat, AT_FDCWD, path, mode));
  if (made == 0) note({Call::make_dir, path});
  return made;
}
}

namespace headgate::store {
namespace {

// How many files got their names, each synced before, and its folder after.
std::size_t named_durably(const fs::path& below, const std::function<void()>& act) {
  std::vector<Call> seen;
  calls = &seen;
  act();
  calls = nullptr;
  std::size_t named = 0;
  const auto synced = [&](const fs::path& path, std::size_t begin, std::size_t end) {
    for (auto i = begin; i < end; ++i) {
      if (seen[i].kind == Call::sync && seen[i].path == path) return true;
    }
    return false;
  };
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const auto& call = seen[i];
    if (call.kind == Call::sync) continue;
    EXPECT_TRUE(call.path.string().starts_with(below.string())) << call.path;
    EXPECT_TRUE(synced(call.path.parent_path(), i, seen.size())) << "the folder of " << call.path;
    if (call.kind == Call::make_dir || is_temporary(call.path)) continue;
    EXPECT_TRUE(synced(call.from, 0, i)) << "the bytes of " << call.path;
    ++named;
  }
  return named;
}

class Durable : public ::testing::Test {
 protected:
  const TempDir dir_;
  std::size_t named(const std::function<void()>& act) { return named_durably(dir_.path(), act); }
};

TEST_F(Durable, AFileThatIsReplacedOrNew) {
  EXPECT_EQ(named([&] { HEADGATE_ASSERT_OK(write_file_durably(dir_ / "a", "1", 0600)); }), 1U);
  EXPECT_EQ(named([&] { HEADGATE_ASSERT_OK(create_file_durably(dir_ / "b", "2", 0600)); }), 1U);
  EXPECT_EQ(named([&] { HEADGATE_ASSERT_OK(make_dir_durably(dir_ / "c", 0700)); }), 0U);
}

TEST_F(Durable, ABlobBeforeAnEventCanNameIt) {
  std::unique_ptr<BlobStore> blobs;
  named([&] { blobs = BlobStore::open(dir_ / "blobs").value(); });
  EXPECT_GE(named([&] { HEADGATE_ASSERT_OK(blobs->put("the output", "text/plain")); }), 1U);
  // Whoever stores the same bytes again may be the first to name them.
  std::vector<Call> again;
  calls = &again;
  HEADGATE_ASSERT_OK(blobs->put("the output", "text/plain"));
  calls = nullptr;
  EXPECT_TRUE(std::ranges::any_of(again, [](const Call& call) { return call.kind == Call::sync; }));
}

TEST_F(Durable, APersonBeforeARecordCanNameThem) {
  std::unique_ptr<PeopleDirectory> people;
  named([&] { people = PeopleDirectory::open(dir_ / "people").value(); });
  std::string id;
  EXPECT_EQ(named([&] { id = people->claim({"", "dana", {"dana@example.com"}, {}, {}}).value().id; }), 2U);
  EXPECT_GE(named([&] { HEADGATE_ASSERT_OK(people->erase(id)); }), 1U);
}

TEST_F(Durable, ASnapshotAKeyAndAWatermark) {
  auto snapshots = SnapshotStore::open(dir_ / "snapshots").value();
  EXPECT_EQ(named([&] { HEADGATE_ASSERT_OK(snapshots.save(State(), Hash{})); }), 1U);
  EXPECT_EQ(named([&] { HEADGATE_ASSERT_OK(SigningKey::generate("a.example.com")->save(dir_ / "log.key")); }), 1U);
  EXPECT_EQ(named([&] { HEADGATE_ASSERT_OK(WatermarkFile::create(dir_ / "watermark", {})); }), 1U);
  std::vector<Call> overwritten;
  auto watermark = WatermarkFile::open(dir_ / "watermark").value();
  calls = &overwritten;
  HEADGATE_ASSERT_OK(watermark.write({}));
  calls = nullptr;
  ASSERT_EQ(overwritten.size(), 1U);
  EXPECT_EQ(overwritten[0].path, dir_ / "watermark");
}

}  // namespace
}  // namespace headgate::store
