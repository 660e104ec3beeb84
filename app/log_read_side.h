// The log's proofs for the API: checkpoint, tiles and inclusion proofs as C2SP texts.
#pragma once

#include "api/dependencies.h"
#include "app/cosignatures.h"
#include "store/rocksdb_log.h"

namespace headgate::app {

class LogProofs final : public api::LogReadSide {
 public:
  // `cosignatures`: of the log's witnesses; null without any.
  LogProofs(const store::RocksDbLog& log, store::VerifierKey verifier, const Clock& clock,
            Cosignatures* cosignatures = nullptr)
      : log_(log), verifier_(std::move(verifier)), clock_(clock), cosignatures_(cosignatures) {}

  std::string verifier_key() const { return verifier_.text(); }
  Result<std::string> checkpoint() const override;
  std::optional<Timestamp> checkpoint_time() const override;
  Result<std::string> proof(Position position) const override;
  Result<std::string> tile(unsigned level, std::uint64_t number, unsigned width) const override;

 private:
  const store::RocksDbLog& log_;
  store::VerifierKey verifier_;
  const Clock& clock_;
  Cosignatures* cosignatures_;
};

}  // namespace headgate::app
