#include "app/evidence.h"

#include <fmt/format.h>

#include <thread>

#include "store/checkpoint.h"
#include "store/zip_writer.h"

namespace headgate::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds signing_wait{3};    // a checkpoint is signed at most once a second
constexpr std::chrono::seconds cosigning_wait{6};  // a round of them lasts three seconds
constexpr milliseconds look_every{50};
constexpr std::size_t max_bundle_bytes = 128 << 20;

std::string index_text(std::span<const StoredRecord> records, const StoredRecord* exported) {
  std::string positions;
  for (const auto& record : records) {
    fmt::format_to(std::back_inserter(positions), "{}{}", positions.empty() ? "" : ",", record.position);
  }
  return fmt::format("{{\"format\":\"headgate-evidence/1\",\"export\":{},\"records\":[{}]}}\n",
                     exported ? fmt::format("{}", exported->position) : "null", positions);
}

}  // namespace

Result<EvidenceMaker::Signed> EvidenceMaker::checkpoint_over(Position position) const {
  const auto began = steady_clock::now();
  while (true) {
    const auto waited = steady_clock::now() - began;
    if (cosignatures_) {
      const auto held = cosignatures_->best(position + 1);
      if (!held.note.empty() && (cosignatures_->complete(held) || waited >= cosigning_wait)) {
        Signed found{held.cosigned(), held.size, {}};
        for (const auto& [key, line] : held.lines) found.witness_keys += key + '\n';
        return found;
      }
    }
    if (!cosignatures_ || waited >= cosigning_wait) {
      HEADGATE_TRY(auto note, log_.checkpoint());
      HEADGATE_TRY(const auto checkpoint, store::open_checkpoint(note, verifier_));
      if (checkpoint.size > position) return Signed{std::move(note), checkpoint.size, {}};
      if (waited >= signing_wait) {
        return fail(ErrorCode::unavailable, "no checkpoint covers the export yet: ask again in a second");
      }
    }
    if (!cosignatures_) {
      std::this_thread::sleep_for(look_every);
    } else if (!cosignatures_->wait(look_every)) {
      return fail(ErrorCode::unavailable, "the server stops");
    }
  }
}

Result<std::string> EvidenceMaker::make(std::span<const StoredRecord> records, const StoredRecord* exported) const {
  const auto* last = exported ? exported : records.empty() ? nullptr : &records.back();
  HEADGATE_TRY(const auto under, checkpoint_over(last ? last->position : 0));
  store::ZipWriter zip(clock_.now(), max_bundle_bytes);
  HEADGATE_TRY_VOID(zip.add("README.md", evidence_readme()));
  HEADGATE_TRY_VOID(zip.add("verify.py", evidence_verifier()));
  HEADGATE_TRY_VOID(zip.add("index.json", index_text(records, exported)));
  HEADGATE_TRY_VOID(zip.add("checkpoint", under.note));
  HEADGATE_TRY_VOID(zip.add("verifier.key", verifier_.text() + '\n'));
  if (!under.witness_keys.empty()) HEADGATE_TRY_VOID(zip.add("witness.keys", under.witness_keys));
  const auto add = [&](const StoredRecord& record) -> Result<void> {
    store::TlogProof proof;
    proof.index = record.position;
    HEADGATE_TRY(proof.hashes, log_.inclusion_proof(record.position, under.size));
    proof.checkpoint = under.note;
    HEADGATE_TRY_VOID(zip.add(fmt::format("records/{}.json", record.position), record.bytes));
    return zip.add(fmt::format("proofs/{}.tlog-proof", record.position), store::tlog_proof_text(proof));
  };
  for (const auto& record : records) HEADGATE_TRY_VOID(add(record));
  if (exported) HEADGATE_TRY_VOID(add(*exported));
  return zip.finish();
}

}  // namespace headgate::app
