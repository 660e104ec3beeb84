#include "app/log_audit.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/hex.h"
#include "engine/base/tile_path.h"
#include "store/codec.h"
#include "store/entry_bundle.h"
#include "store/record_chain.h"

namespace headgate::app {
namespace {

using store::kTileWidth;

// What the audit knows of the log so far.
class Audit {
 public:
  Audit(const Fetch& fetch, const AuditOptions& options) : fetch_(fetch), options_(options) {}

  Result<Audited> run() {
    HEADGATE_TRY(const auto note, fetch_("/checkpoint"));
    HEADGATE_TRY_VOID(read_checkpoints(note));
    for (Position begin = 0; begin < size(); begin += kTileWidth) {
      HEADGATE_TRY_VOID(take_bundle(begin, std::min(kTileWidth, size() - begin)));
      if (options_.progress) options_.progress(tree().size(), size());
    }
    note_earlier_root();
    HEADGATE_TRY_VOID(tree().unfinished_tiles(
        [this](store::TileId id, std::span<const Hash> hashes) { return check_tile(id, hashes); }));
    if (tree().root() != found_.checkpoint.root) {
      return fail(ErrorCode::corrupt,
                  "the records that the server gives are not those of its checkpoint: their root is " +
                      hex(tree().root()) + ", the checkpoint says " + hex(found_.checkpoint.root));
    }
    if (size() > 0 && chain_.origin() != found_.checkpoint.origin) {
      return fail(ErrorCode::corrupt, fmt::format("the records that the server gives end under the origin {}, its "
                                                  "checkpoint is of {}",
                                                  chain_.origin(), found_.checkpoint.origin));
    }
    HEADGATE_TRY_VOID(check_keys(note));
    HEADGATE_TRY_VOID(check_earlier());
    return std::move(found_);
  }

 private:
  Position size() const { return found_.checkpoint.size; }
  const store::MerkleTree& tree() const { return chain_.tree(); }

  Result<void> read_checkpoints(const std::string& note) {
    HEADGATE_TRY(found_.checkpoint, said_checkpoint(note));
    if (options_.key) {
      auto opened = store::open_checkpoint(note, *options_.key);
      if (!opened) {
        opened.error().message += "; if the log's key was rotated, ask its operator for the new verifier key";
        return std::unexpected(std::move(opened).error());
      }
    }
    if (!options_.earlier) return {};
    HEADGATE_TRY(found_.earlier, store::unverified_checkpoint(*options_.earlier));
    return {};
  }

  // Once for each size of the tree.
  void note_earlier_root() {
    if (found_.earlier && tree().size() == found_.earlier->size) earlier_root_ = tree().root();
  }

  // Last, when the keys are known: what nobody signed says nothing of the history.
  Result<void> check_earlier() const {
    if (!found_.earlier) return {};
    HEADGATE_TRY_VOID(open_checkpoint_of(found_.keys, *options_.earlier));
    if (found_.earlier->size > size()) {
      return fail(
          ErrorCode::corrupt,
          fmt::format("the earlier checkpoint is of {} records, the server's newest of {}: records were taken back",
                      found_.earlier->size, size()));
    }
    if (earlier_root_ == found_.earlier->root) return {};
    return fail(ErrorCode::corrupt,
                fmt::format("the server's first {} records are not those of the earlier checkpoint: "
                            "the history was altered",
                            found_.earlier->size));
  }

  Result<void> take_bundle(Position begin, Position width) {
    const auto path = "/" + entries_path({.number = begin / kTileWidth, .width = static_cast<unsigned>(width)});
    HEADGATE_TRY(const auto bundle, fetch_(path));
    store::RecordRun run;
    const auto read = store::read_entries(
        bundle, width, [&](std::string_view record) { return take_record(begin + run.leaves.size(), record, run); });
    if (!read) return fail(read.error().code, path + ": " + read.error().message);
    found_.bytes += run.bytes;
    return chain_.next(
        run, [this](store::TileId id, const store::TileHashes& hashes) { return check_tile(id, hashes); },
        [this]() -> Result<void> {
          note_earlier_root();
          return {};
        });
  }

  // By its envelope alone: a newer server writes types that this version does not know.
  Result<void> take_record(Position position, std::string_view bytes, store::RecordRun& run) {
    store::Envelope envelope;
    if (const auto problem = store::read_envelope(bytes, envelope); !problem.empty()) {
      return fail(ErrorCode::corrupt, fmt::format("record {} cannot be read: {}", position, problem));
    }
    if (envelope.position != position) {
      return fail(ErrorCode::corrupt, fmt::format("record {} says that it is record {}", position, envelope.position));
    }
    const auto time = parse_timestamp(envelope.time);
    if (!time) return fail(ErrorCode::corrupt, fmt::format("record {}: {}", position, time.error().message));
    if (envelope.type.starts_with("dev.headgate.log.created.") ||
        envelope.type.starts_with("dev.headgate.key.rotated.")) {
      Recorded<Event> record;
      HEADGATE_TRY_VOID(store::decode_at(position, bytes, record));
      api::take_key(record, found_.keys);
    }
    return run.add(envelope, *time, bytes);
  }

  Result<void> check_tile(store::TileId id, std::span<const Hash> hashes) {
    const auto path = "/" + tile_path({id.level, id.number, static_cast<unsigned>(hashes.size())});
    HEADGATE_TRY(const auto given, fetch_(path));
    ++found_.tiles;
    if (given == store::bytes_of(hashes)) return {};
    return fail(ErrorCode::corrupt, path + " is not the tile of its records");
  }

  Result<void> check_keys(const std::string& note) {
    HEADGATE_TRY_VOID(open_checkpoint_of(found_.keys, note));
    if (options_.key && options_.key->text() != found_.keys.back().verifier_key) {
      return fail(ErrorCode::corrupt,
                  "the records name another key than the one that was given: " + found_.keys.back().verifier_key);
    }
    return {};
  }

  const Fetch& fetch_;
  const AuditOptions& options_;
  store::RecordChain chain_;
  std::optional<Hash> earlier_root_;  // of the records here, where `earlier` ends
  Audited found_;
};

}  // namespace

Result<Audited> audit_log(const Fetch& fetch, const AuditOptions& options) {
  return Audit(fetch, options).run();
}

}  // namespace headgate::app
