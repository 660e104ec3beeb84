// What the server's file may say of folders.
#include "app/server_config.h"

#include <gtest/gtest.h>

#include "tests/store/temp_dir.h"

namespace headgate::app {
namespace {

Result<ServerConfig> config_with(const std::string& lines) {
  const store::TempDir dir;
  const auto file = dir / "headgate.yaml";
  store::write_plain(
      file, "data: ./data\nrepositories: [{name: environments, url: ./environments, role: environments}]\n" + lines);
  return read_server_config(file);
}

TEST(ServerConfig, DataBackupsAndMirrorKeepToFoldersOfTheirOwn) {
  for (const char* good : {"backup: {directory: ./backups}\nmirror: {directory: ./mirror}\n",
                           "backup: {directory: ./data/backups}\nmirror: {directory: ./data/backups/mirror}\n",
                           "backup: {directory: .}\nmirror: {directory: ./mirror/}\n"}) {
    const auto config = config_with(good);
    EXPECT_TRUE(config.has_value()) << good << config.error().message;
  }
  for (const char* bad :
       {"mirror: {directory: ./data}\n", "mirror: {directory: ./data/db}\n",
        "mirror: {directory: ./x/../data/blobs/m}\n", "backup: {directory: ./data/}\n",
        "backup: {directory: ./data/people}\n", "backup: {directory: ./both}\nmirror: {directory: ./both/}\n",
        "backup: {directory: ./backups}\nmirror: {directory: ./backups/sets/1}\n",
        "backup: {directory: ./mirror/tile}\nmirror: {directory: ./mirror}\n"}) {
    const auto config = config_with(bad);
    ASSERT_FALSE(config.has_value()) << bad;
    EXPECT_EQ(config.error().code, ErrorCode::invalid_input);
    EXPECT_NE(config.error().message.find("name a folder of its own"), std::string::npos) << config.error().message;
  }
}

TEST(ServerConfig, DurabilityIsGroupedUnlessItIsStrict) {
  EXPECT_FALSE(config_with("").value().strict);
  EXPECT_FALSE(config_with("durability: grouped\n").value().strict);
  EXPECT_TRUE(config_with("durability: strict\n").value().strict);
  EXPECT_FALSE(config_with("durability: sometimes\n"));
}

TEST(ServerConfig, RelativePathsAreOfTheFilesFolder) {
  const auto config = config_with("checkpoints: {git: {url: ../audit.git}}\n");
  ASSERT_TRUE(config.has_value()) << config.error().message;
  const auto folder = config->data.lexically_normal().parent_path();
  EXPECT_TRUE(folder.is_absolute());
  EXPECT_EQ(config->repository.url, folder / "environments");
  EXPECT_EQ(config->checkpoints.git.value().url, folder.parent_path() / "audit.git");
  const store::TempDir dir;
  store::write_plain(dir / "headgate.yaml",
                     "data: ./data\nrepositories: [{name: environments, url: \"git@example.com:e\", "
                     "role: environments}, {name: code, url: \"file:///srv/code\", role: "
                     "source, branches: [main]}]\n");
  const auto elsewhere = read_server_config(dir / "headgate.yaml");
  ASSERT_TRUE(elsewhere.has_value()) << elsewhere.error().message;
  EXPECT_EQ(elsewhere->repository.url, "git@example.com:e");
  EXPECT_EQ(elsewhere->sources.at(0).url, "file:///srv/code");
}

// serve --data names another folder than the file.
TEST(ServerConfig, AnotherDataFolderIsHeldToTheSame) {
  auto config = config_with("backup: {directory: ./backups}\n");
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_TRUE(expect_folders_apart(*config));
  config->data = config->backup.directory / "sets";
  const auto refused = expect_folders_apart(*config);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("data "), std::string::npos) << refused.error().message;
  EXPECT_NE(refused.error().message.find("name a folder of its own"), std::string::npos) << refused.error().message;
}

}  // namespace
}  // namespace headgate::app
