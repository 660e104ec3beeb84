#include "app/data_directory.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "api/log_keys.h"
#include "store/files.h"

namespace headgate::app {
namespace {

constexpr std::array<std::string_view, 2> own_names{"db", "watermark"};
constexpr std::string_view volume_folder = "lost+found";  // of a file system's root

// Without records, but a server was there: what it says of that is more than that the folder is not empty.
bool has_lost_its_log(const std::filesystem::path& data) {
  std::error_code error;
  return std::filesystem::exists(data / store::kLockName, error) && std::filesystem::exists(data / "snapshots", error);
}

}  // namespace

bool is_data_directory(const std::filesystem::path& data) {
  std::error_code error;
  return std::ranges::any_of(own_names,
                             [&](std::string_view name) { return std::filesystem::exists(data / name, error); });
}

Result<void> check_data_directory(const std::filesystem::path& data) {
  std::error_code error;
  const auto status = std::filesystem::symlink_status(data, error);
  if (status.type() == std::filesystem::file_type::not_found) return {};
  if (!std::filesystem::is_directory(data, error)) {
    return fail(ErrorCode::invalid_input, data.string() + " is no folder: name another data directory");
  }
  if (is_data_directory(data) || has_lost_its_log(data)) return {};
  for (auto at = std::filesystem::directory_iterator(data, error);
       !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
    const auto name = at->path().filename();
    if (name == volume_folder || name == "log.key" || name == store::kLockName) continue;
    return fail(ErrorCode::invalid_input, data.string() +
                                              " is neither empty nor a data directory of Headgate (it holds " +
                                              name.string() + "): name a folder that is new or empty");
  }
  if (error) return fail(ErrorCode::io, "cannot read " + data.string() + ": " + error.message());
  return {};
}

Result<void> let_commands_through(const std::filesystem::path& data, gid_t group) {
  using std::filesystem::perm_options;
  using std::filesystem::perms;
  std::error_code error;
  // First what must stay closed, then the way in.
  for (auto at = std::filesystem::directory_iterator(data, error);
       !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
    const auto name = at->path().filename();
    if (name == "exports" || name == "work" || at->is_symlink(error)) continue;
    if (!error) {
      std::filesystem::permissions(at->path(), perms::group_all | perms::others_all, perm_options::remove, error);
    }
    if (error) break;
  }
  for (const auto* closed : {"repositories", "run"}) {
    if (!error) std::filesystem::create_directories(data / closed, error);
    if (!error) std::filesystem::permissions(data / closed, perms::owner_all, error);
  }
  if (!error) std::filesystem::create_directories(data / "work", error);
  if (!error) {
    std::filesystem::permissions(data / "work", perms::owner_all | perms::group_exec | perms::others_exec, error);
  }
  if (!error && ::chown(data.c_str(), static_cast<uid_t>(-1), group) != 0) error.assign(errno, std::generic_category());
  if (!error) std::filesystem::permissions(data, perms::owner_all | perms::group_exec, error);
  if (error) return fail(ErrorCode::io, "cannot let commands.user into " + data.string() + ": " + error.message());
  return {};
}

Result<store::SigningKey> signing_key(const std::filesystem::path& file, const store::RocksDbLog& log, bool rotate) {
  HEADGATE_TRY(const auto keys, api::keys_of_log(log));
  const std::string current = keys.empty() ? std::string() : keys.back().verifier_key;
  const auto how = "; the log's is " + current +
                   ": bring its file back, or start once with --rotate-key and from then on checkpoints are signed by "
                   "the new one";
  auto key = store::SigningKey::load(file);
  if (!key && key.error().code == ErrorCode::not_found) {
    if (!current.empty() && !rotate) return fail(ErrorCode::not_found, file.string() + " holds no key" + how);
    HEADGATE_TRY(auto fresh, store::SigningKey::generate(log.origin()));
    HEADGATE_TRY_VOID(fresh.save(file));
    return fresh;
  }
  if (!key) return key;
  const auto& verifier = key->verifier();
  if (verifier.text() == current) return key;
  if (!current.empty() && !rotate) {
    return fail(ErrorCode::conflict, file.string() + " holds the key " + verifier.text() + how);
  }
  if (verifier.name() != log.origin()) {
    return fail(ErrorCode::conflict,
                file.string() + " holds a key of " + verifier.name() + ", the log's origin is " + log.origin());
  }
  return key;
}

Result<void> check_empty(const std::filesystem::path& data) {
  std::error_code error;
  if (!std::filesystem::exists(data, error)) return {};
  for (std::filesystem::directory_iterator at(data, error); !error && at != std::filesystem::directory_iterator();
       at.increment(error)) {
    if (at->path().filename() == store::kLockName || at->path().filename() == volume_folder) continue;
    return fail(ErrorCode::conflict, data.string() + " holds " + at->path().filename().string() +
                                         ": a log is put back into an empty directory only");
  }
  if (error) return store::fail_io("list", data, error.value());
  return {};
}

}  // namespace headgate::app
