#include "app/admin_token.h"

#include "api/secrets.h"
#include "engine/base/digest.h"
#include "engine/ports/submit_and_wait.h"
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
  HEADGATE_TRY_VOID(
      submit_and_wait(sink, {.command = CreateToken{id, sha256_digest(text), {Role::admin}, std::nullopt}}));
  return file;
}

}  // namespace headgate::app
