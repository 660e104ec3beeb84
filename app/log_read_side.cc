#include "app/log_read_side.h"

namespace headgate::app {

Result<std::string> LogProofs::checkpoint() const {
  if (cosignatures_ == nullptr) return log_.checkpoint();
  HEADGATE_TRY(const auto shown, cosignatures_->shown());
  return shown.cosigned();
}

std::optional<Timestamp> LogProofs::checkpoint_time() const {
  const auto signed_at = log_.signed_at();
  if (!signed_at) return std::nullopt;
  return clock_.now() - std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - *signed_at);
}

Result<std::string> LogProofs::proof(Position position) const {
  HEADGATE_TRY(auto text, checkpoint());
  HEADGATE_TRY(auto signed_one, store::unverified_checkpoint(text));
  if (cosignatures_ != nullptr && position >= signed_one.size) {  // too new for the witnesses to have seen it
    HEADGATE_TRY(text, log_.checkpoint());
    HEADGATE_TRY(signed_one, store::unverified_checkpoint(text));
  }
  if (position >= log_.size()) {
    return fail(ErrorCode::not_found, "the log holds " + std::to_string(log_.size()) + " events");
  }
  if (position >= signed_one.size) {
    return fail(ErrorCode::unavailable,
                "the checkpoint does not reach position " + std::to_string(position) + " yet: ask again in a second");
  }
  store::TlogProof proof;
  proof.index = position;
  HEADGATE_TRY(proof.hashes, log_.inclusion_proof(position, signed_one.size));
  proof.checkpoint = std::move(text);
  return store::tlog_proof_text(proof);
}

Result<std::string> LogProofs::tile(unsigned level, std::uint64_t number, unsigned width) const {
  if (level >= store::kTileLevels) return fail(ErrorCode::not_found, "no log is so large that it has such a tile");
  HEADGATE_TRY(const auto hashes, log_.tile({static_cast<std::uint8_t>(level), number}, width));
  return std::string(store::bytes_of(hashes));
}

}  // namespace headgate::app
