#include "reconciler/script_exports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "engine/base/digest.h"
#include "reconciler/git_blob_id.h"
#include "tests/reconciler/test_directory.h"

namespace headgate::reconciler {
namespace {

namespace fs = std::filesystem;

class ScriptExportsTest : public testing::Test {
 protected:
  Result<fs::path> ensure(const std::string& name = "deploy.sh") {
    return exports_.ensure(git_blob_id(bytes_), name, [this]() -> Result<std::string> {
      ++loads_;
      return bytes_;
    });
  }
  std::string content(const fs::path& file) const { return directory_.read(fs::relative(file, directory_.path())); }
  fs::perms mode(const fs::path& file) const { return fs::status(file).permissions(); }

  TestDirectory directory_;
  ScriptExports exports_{directory_.path() / "data" / "exports"};
  std::string bytes_ = "#!/bin/sh\necho hello\n";
  int loads_ = 0;
};

TEST_F(ScriptExportsTest, IdsAreThoseOfGit) {
  EXPECT_EQ(git_blob_id(""), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  EXPECT_EQ(git_blob_id("hello\n"), "ce013625030ba8dba906f756967f9e9ca394464a");
}

TEST_F(ScriptExportsTest, ExportsOnceAndReadOnly) {
  const auto file = ensure();
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(*file, directory_.path() / "data/exports" / git_blob_id(bytes_) / "deploy.sh");
  EXPECT_EQ(content(*file), bytes_);
  EXPECT_EQ(mode(*file), fs::perms{0555});
  ASSERT_TRUE(ensure());
  EXPECT_EQ(loads_, 1);
  EXPECT_EQ(exports_.read(git_blob_id(bytes_), "deploy.sh"), bytes_);
  EXPECT_EQ(exports_.read(git_blob_id(bytes_), "other.sh"), std::nullopt);
}

TEST_F(ScriptExportsTest, RestoresWhatSomebodyChanged) {
  const auto file = ensure();
  ASSERT_TRUE(file);
  const auto spoilt_by = [&](auto&& spoil) {
    spoil();
    const int before = loads_;
    const auto again = ensure();
    EXPECT_TRUE(again) << again.error().message;
    EXPECT_EQ(loads_, before + 1);
    EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(*file)));
    EXPECT_EQ(content(*file), bytes_);
    EXPECT_EQ(mode(*file), fs::perms{0555});
  };
  spoilt_by([&] {
    fs::permissions(*file, fs::perms{0755});
    std::ofstream(*file) << "#!/bin/sh\necho other\n";
    fs::permissions(*file, fs::perms{0555});
  });
  spoilt_by([&] { fs::permissions(*file, fs::perms{0777}); });
  spoilt_by([&] { fs::remove(*file); });
  spoilt_by([&] {
    fs::remove(*file);
    std::ofstream(directory_.path() / "elsewhere") << bytes_;
    fs::permissions(directory_.path() / "elsewhere", fs::perms{0555});
    fs::create_symlink(directory_.path() / "elsewhere", *file);
  });
  spoilt_by([&] { fs::create_hard_link(*file, directory_.path() / "second-name"); });
  spoilt_by([&] {
    fs::remove(*file);
    fs::create_directories(*file / "inside");
  });
  spoilt_by([&] {  // a crash while it was written
    fs::remove(*file);
    std::ofstream(file->parent_path() / ".deploy.sh.new") << "half";
  });
}

TEST_F(ScriptExportsTest, RefusesBytesOfAnotherBlob) {
  const auto other = exports_.ensure(git_blob_id("other"), "deploy.sh", [this] { return Result<std::string>(bytes_); });
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::corrupt);
  EXPECT_FALSE(fs::exists(directory_.path() / "data/exports" / git_blob_id("other") / "deploy.sh"));
}

TEST_F(ScriptExportsTest, PassesOnWhatLoadingSaid) {
  const auto result = exports_.ensure(git_blob_id("x"), "x",
                                      []() -> Result<std::string> { return fail(ErrorCode::not_found, "no blob"); });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), (Error{ErrorCode::not_found, "no blob"}));
}

TEST_F(ScriptExportsTest, NamesCannotLeaveTheirDirectory) {
  for (const std::string name : {"", ".", "..", "../x", "a/b", "/etc/passwd"}) {
    const auto result = ensure(name);
    ASSERT_FALSE(result) << name;
    EXPECT_EQ(result.error().code, ErrorCode::invalid_input);
  }
  const auto result = exports_.ensure("../../etc", "x", [] { return Result<std::string>("x"); });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::invalid_input);
  EXPECT_EQ(loads_, 0);
}

}  // namespace
}  // namespace headgate::reconciler
