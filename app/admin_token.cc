#include "app/admin_token.h"

#include <future>

#include "api/secrets.h"
#include "store/files.h"

namespace headgate::app {

Result<std::filesystem::path> ensure_admin_token(const std::filesystem::path& data, const EventLog& log,
                                                 CommandSink& sink, People& people) {
  EventQuery query;
  query.filter.type = "token.created";
  query.limit = 1;
  HEADGATE_TRY(const auto tokens, log.query(query));
  if (!tokens.records.empty()) return std::filesystem::path();

  HEADGATE_TRY(const auto text, api::new_token());
  HEADGATE_TRY(const auto id, people.token_id("admin"));
  const auto file = data / "admin.token";
  HEADGATE_TRY_VOID(store::write_file_durably(file, text + "\n", 0600));
  std::promise<Result<Receipt>> promise;
  auto receipt = promise.get_future();
  if (!sink.submit({.command = CreateToken{id, api::sha256_digest(text), {Role::admin}, std::nullopt}},
                   [&](Result<Receipt> r) { promise.set_value(std::move(r)); })) {
    return fail(ErrorCode::unavailable, "the engine takes no commands");
  }
  HEADGATE_TRY_VOID(receipt.get());
  return file;
}

}  // namespace headgate::app
