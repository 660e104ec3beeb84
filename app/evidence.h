// An evidence bundle: records of the log with all that a stranger needs to check them, as one zip. What is in it and
// what it proves: deploy/evidence/README.md, which goes into each bundle.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "app/cosignatures.h"
#include "engine/ports/clock.h"
#include "engine/ports/event_log.h"
#include "store/rocksdb_log.h"

namespace headgate::app {

std::string_view evidence_readme();
std::string_view evidence_verifier();  // verify.py

class EvidenceMaker {
 public:
  // `cosignatures` may be null: no witnesses.
  EvidenceMaker(const store::RocksDbLog& log, store::VerifierKey verifier, const Cosignatures* cosignatures,
                const Clock& clock)
      : log_(log), verifier_(std::move(verifier)), cosignatures_(cosignatures), clock_(clock) {}

  // `exported`: the record of this export, after all the others; null of a log at rest, which records none. Waits some
  // seconds for a checkpoint that covers it and for the witnesses' cosignatures; without them the bundle is made all
  // the same. Thread-safe.
  Result<std::string> make(std::span<const StoredRecord> records, const StoredRecord* exported) const;

 private:
  struct Signed {
    std::string note;
    std::uint64_t size = 0;
    std::string witness_keys;  // one a line
  };
  Result<Signed> checkpoint_over(Position position) const;

  const store::RocksDbLog& log_;
  store::VerifierKey verifier_;
  const Cosignatures* cosignatures_;
  const Clock& clock_;
};

}  // namespace headgate::app
