#include "store/blob_names.h"

#include <fmt/core.h>

#include <boost/json.hpp>
#include <system_error>

#include "engine/base/digest.h"
#include "store/files.h"

namespace headgate::store {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxFileBytes = 16 << 20;

std::filesystem::path file_of(const std::filesystem::path& folder, const Hash& digest) {
  const auto text = hex(digest);
  return folder / text.substr(0, 2) / text.substr(2);
}

json::object to_json(const std::map<std::string, Timestamp>& times) {
  json::object object;
  for (const auto& [name, time] : times) object[name] = format_timestamp(time);
  return object;
}

Result<Timestamp> time_of(const json::value& value) {
  if (!value.is_string()) return fail(ErrorCode::corrupt, "a time is no text");
  return parse_timestamp(std::string_view(value.get_string()));
}

Result<std::map<std::string, Timestamp>> times_of(const json::object& object, std::string_view key) {
  std::map<std::string, Timestamp> times;
  const auto* member = object.if_contains(key);
  if (member == nullptr || !member->is_object()) return fail(ErrorCode::corrupt, fmt::format("no object \"{}\"", key));
  for (const auto& [name, value] : member->get_object()) {
    HEADGATE_TRY(times[std::string(name)], time_of(value));
  }
  return times;
}

Result<BlobNaming> parse(std::string_view text) {
  json::error_code error;
  const auto value = json::parse(text, error);
  if (error || !value.is_object()) return fail(ErrorCode::corrupt, "no JSON object");
  const auto& object = value.get_object();
  BlobNaming naming;
  HEADGATE_TRY(naming.environments, times_of(object, "environments"));
  HEADGATE_TRY(naming.services, times_of(object, "services"));
  if (const auto* expired = object.if_contains("expired")) {
    HEADGATE_TRY(naming.expired, time_of(*expired));
  }
  return naming;
}

}  // namespace

Result<std::filesystem::path> unfinished_folder(const std::filesystem::path& folder) {
  HEADGATE_TRY_VOID(make_dir_durably(folder, 0700));
  auto unfinished = folder / "unfinished";
  HEADGATE_TRY_VOID(make_dir_durably(unfinished, 0700));
  std::error_code error;
  std::filesystem::directory_iterator files(unfinished, error);
  for (; !error && files != std::filesystem::directory_iterator(); files.increment(error)) {
    if (!is_temporary(files->path())) continue;
    if (std::filesystem::remove(files->path(), error); error) break;
  }
  if (error) return fail_io("clear", unfinished, error.value());
  return unfinished;
}

Result<BlobNames> BlobNames::open(const std::filesystem::path& folder) {
  HEADGATE_TRY(auto unfinished, unfinished_folder(folder));
  return BlobNames(folder, std::move(unfinished));
}

Result<BlobNaming> BlobNames::read(const Hash& digest) const {
  const auto path = file_of(folder_, digest);
  const auto text = read_file(path, kMaxFileBytes);
  if (!text) {
    if (text.error().code == ErrorCode::not_found) return BlobNaming{};
    return std::unexpected(text.error());
  }
  auto naming = parse(*text);
  if (!naming) {
    return fail(ErrorCode::corrupt,
                fmt::format("{} is damaged: {}; remove {} while the server is stopped, and it is made anew",
                            path.string(), naming.error().message, folder_.string()));
  }
  return naming;
}

Result<void> BlobNames::write(const Hash& digest, const BlobNaming& naming) {
  const auto path = file_of(folder_, digest);
  HEADGATE_TRY_VOID(make_dir_durably(path.parent_path(), 0700));
  json::object object{{"environments", to_json(naming.environments)}, {"services", to_json(naming.services)}};
  if (naming.expired) object["expired"] = format_timestamp(*naming.expired);
  HEADGATE_TRY(const auto temporary, write_temporary(unfinished_, json::serialize(object), 0600));
  return install_temporary(temporary, path);
}

}  // namespace headgate::store
