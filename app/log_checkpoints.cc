#include "app/log_checkpoints.h"

#include <fmt/format.h>

#include <optional>

namespace headgate::app {

Result<store::Checkpoint> open_checkpoint_of(const std::vector<api::LogKey>& keys, std::string_view note) {
  HEADGATE_TRY_VOID(store::parse_note(note));
  std::optional<Error> replaced;
  for (const auto& key : keys) {
    HEADGATE_TRY(const auto verifier, store::VerifierKey::parse(key.verifier_key));
    auto opened = store::open_checkpoint(note, verifier);
    if (!opened) continue;
    if (!key.until || opened->size <= *key.until) return opened;
    // A key may come back later.
    replaced = Error{ErrorCode::corrupt,
                     fmt::format("the checkpoint of {} records is signed by a key that record {} replaced",
                                 opened->size, *key.until),
                     {}};
  }
  if (replaced) return std::unexpected(std::move(*replaced));
  if (keys.empty()) return fail(ErrorCode::corrupt, "the log's records name no key: its first one is not log.created");
  return fail(ErrorCode::corrupt,
              fmt::format("the checkpoint is not signed by {} that the log's records name, or it was altered",
                          keys.size() == 1 ? "the key" : "any of the keys"));
}

Result<store::Checkpoint> said_checkpoint(std::string_view note) {
  const auto said = [&]() -> Result<store::Checkpoint> {
    HEADGATE_TRY(const auto parsed, store::parse_note(note));
    return store::parse_checkpoint_text(parsed.text);
  }();
  if (said) return said;
  return fail(ErrorCode::unavailable,
              "the answer to /checkpoint is no checkpoint: is this a Headgate server? (" + said.error().message + ")");
}

}  // namespace headgate::app
