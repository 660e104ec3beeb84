#include "store/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "store/file_list.h"
#include "tests/store/temp_dir.h"

namespace headgate::store {
namespace {

mode_t mode_of(const std::filesystem::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

std::size_t count_files(const std::filesystem::path& dir) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(dir), std::filesystem::directory_iterator()));
}

TEST(Files, ReplacesAFileAsAWhole) {
  const TempDir dir;
  HEADGATE_ASSERT_OK(write_file_durably(dir / "f", "first, the longer one", 0600));
  HEADGATE_ASSERT_OK(write_file_durably(dir / "f", "second", 0640));
  EXPECT_EQ(read_file(dir / "f", 100), "second");
  EXPECT_EQ(mode_of(dir / "f"), 0640U);
  EXPECT_EQ(count_files(dir.path()), 1U) << "a temporary file stayed";
}

TEST(Files, CreatesAFileOnlyOnce) {
  const TempDir dir;
  HEADGATE_ASSERT_OK(create_file_durably(dir / "f", "first", 0600));
  HEADGATE_EXPECT_ERROR(create_file_durably(dir / "f", "second", 0600), ErrorCode::conflict);
  EXPECT_EQ(read_file(dir / "f", 100), "first");
  EXPECT_EQ(count_files(dir.path()), 1U);
}

TEST(Files, ReadsUpToTheBoundAndNoFurther) {
  const TempDir dir;
  write_plain(dir / "f", std::string(10'000, 'x'));
  EXPECT_EQ(read_file(dir / "f", 10'000)->size(), 10'000U);
  HEADGATE_EXPECT_ERROR(read_file(dir / "f", 9'999), ErrorCode::too_large);
  write_plain(dir / "empty", "");
  EXPECT_EQ(read_file(dir / "empty", 0), "");
  // A file that tells no size.
  HEADGATE_EXPECT_ERROR(read_file("/dev/zero", 100), ErrorCode::too_large);
  EXPECT_FALSE(read_file("/proc/self/status", 1 << 20).value_or("").empty());
}

TEST(Files, NamesThePathInErrors) {
  const TempDir dir;
  const auto read = read_file(dir / "absent", 1);
  HEADGATE_EXPECT_ERROR(read, ErrorCode::not_found);
  EXPECT_NE(read.error().message.find((dir / "absent").string()), std::string::npos);
  HEADGATE_EXPECT_ERROR(write_file_durably(dir / "no folder/f", "x", 0600), ErrorCode::not_found);
  write_plain(dir / "file", "x");
  HEADGATE_EXPECT_ERROR(make_dir_durably(dir / "file", 0700), ErrorCode::io);
}

TEST(Files, GivesFoldersTheirMode) {
  const TempDir dir;
  ASSERT_EQ(::mkdir((dir / "d").c_str(), 0755), 0);
  HEADGATE_ASSERT_OK(make_dir_durably(dir / "d", 0700));
  EXPECT_EQ(mode_of(dir / "d"), 0700U);
  HEADGATE_ASSERT_OK(make_dir_durably(dir / "new", 0700));
  EXPECT_EQ(mode_of(dir / "new"), 0700U);
}

TEST(Files, ShredsTheBytesBeforeTheName) {
  const TempDir dir;
  const std::string secret(9'000, 's');
  write_plain(dir / "f", secret);
  std::filesystem::create_hard_link(dir / "f", dir / "second name");  // shows what became of the bytes
  HEADGATE_ASSERT_OK(shred_file(dir / "f"));
  EXPECT_FALSE(std::filesystem::exists(dir / "f"));
  EXPECT_EQ(read_file(dir / "second name", 10'000), std::string(9'000, '\0'));
}

TEST(Files, ACrashInTheShredderLeavesNoZerosUnderTheName) {
  const TempDir dir;
  write_plain(dir / "f", std::string(9'000, 's'));
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit one_page{4096, 4096};  // the second page of zeros ends the process
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::setrlimit(RLIMIT_FSIZE, &one_page);
    static_cast<void>(shred_file(dir / "f"));
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ) << status;
  std::vector<std::filesystem::path> left;
  for (const auto& entry : std::filesystem::directory_iterator(dir.path())) left.push_back(entry.path());
  ASSERT_EQ(left.size(), 1U);
  EXPECT_TRUE(is_temporary(left[0])) << left[0];
  HEADGATE_ASSERT_OK(shred_file(left[0]));
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

// A version that loses its name while it is read is on its way to become zeros. A pipe holds the reader up until then.
TEST(Files, AreCopiedInAVersionThatKeptItsName) {
  const TempDir dir;
  ASSERT_EQ(::mkfifo((dir / "f").c_str(), 0600), 0);
  ::signal(SIGPIPE, SIG_IGN);
  std::thread writer([&] {
    const auto old = open_file(dir / "f", O_WRONLY);
    ASSERT_TRUE(old && write_file_durably(dir / "f", "the new version", 0600));
    EXPECT_NE(::write(old->get(), "the old one", 11), 0);
  });
  const auto copied = copy_file_durably(dir / "f", dir / "copies" / "f");
  writer.join();
  HEADGATE_ASSERT_OK(copied);
  EXPECT_EQ(read_file(dir / "copies" / "f", 100), "the new version");
}

TEST(DataLock, NamesTheProcessThatHoldsIt) {
  const TempDir dir;
  {
    const auto lock = DataLock::acquire(dir.path());
    HEADGATE_ASSERT_OK(lock);
    const auto second = DataLock::acquire(dir.path());
    HEADGATE_EXPECT_ERROR(second, ErrorCode::unavailable);
    EXPECT_NE(second.error().message.find("process " + std::to_string(::getpid())), std::string::npos)
        << second.error().message;
    EXPECT_NE(second.error().message.find(dir.path().string()), std::string::npos);
  }
  HEADGATE_ASSERT_OK(DataLock::acquire(dir.path()));
}

TEST(DataLock, AReaderMakesNone) {
  const TempDir dir;
  HEADGATE_ASSERT_OK(DataLock::acquire_to_read(dir.path()));
  EXPECT_FALSE(std::filesystem::exists(dir / kLockName));
  const auto held = DataLock::acquire(dir.path());
  HEADGATE_ASSERT_OK(held);
  HEADGATE_EXPECT_ERROR(DataLock::acquire_to_read(dir.path()), ErrorCode::unavailable);
}

TEST(DataLock, ReadersOfWhatCannotBeWrittenReadTogether) {
  const TempDir dir;
  std::filesystem::permissions(dir.path(), std::filesystem::perms(0711));
  HEADGATE_ASSERT_OK(DataLock::acquire(dir.path()));
  for (const auto mode : {0444, 0000}) {
    std::filesystem::permissions(dir / kLockName, std::filesystem::perms(mode));
    const pid_t reader = ::fork();
    if (reader == 0) {
      if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(2);  // root may write to anything
      const auto one = DataLock::acquire_to_read(dir.path());
      const auto other = DataLock::acquire_to_read(dir.path());
      ::_exit(one && other ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(reader, &status, 0), reader);
    EXPECT_EQ(WEXITSTATUS(status), 0) << mode;
  }
}

TEST(DataLock, EndsWithItsProcess) {
  const TempDir dir;
  const pid_t child = ::fork();
  if (child == 0) {
    auto lock = DataLock::acquire(dir.path());
    ::_exit(lock ? 0 : 1);  // no destructor runs, as in a crash
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(WEXITSTATUS(status), 0);
  HEADGATE_ASSERT_OK(DataLock::acquire(dir.path()));
  EXPECT_EQ(read_file(dir / "headgate.lock", 64), std::to_string(::getpid()) + "\n");
}

}  // namespace
}  // namespace headgate::store
