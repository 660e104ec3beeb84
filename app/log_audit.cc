#include "app/log_audit.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/tile_path.h"
#include "engine/base/hex.h"
#include "store/codec.h"
#include "store/envelope.h"
#include "store/merkle_tree.h"

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
    note_earlier_root();
    for (Position begin = 0; begin < size(); begin += kTileWidth) {
      HEADGATE_TRY_VOID(take_bundle(begin, std::min(kTileWidth, size() - begin)));
      if (options_.progress) options_.progress(tree_.size(), size());
    }
    HEADGATE_TRY_VOID(check_unfinished_tiles());
    if (tree_.root() != found_.checkpoint.root) {
      return fail(ErrorCode::corrupt,
                  "the records that the server gives are not those of its checkpoint: their root is " +
                      hex(tree_.root()) + ", the checkpoint says " + hex(found_.checkpoint.root));
    }
    HEADGATE_TRY_VOID(check_keys(note));
    HEADGATE_TRY_VOID(check_earlier());
    return std::move(found_);
  }

 private:
  Position size() const { return found_.checkpoint.size; }

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
    HEADGATE_TRY(const auto parsed, store::parse_note(*options_.earlier));
    HEADGATE_TRY(found_.earlier, store::parse_checkpoint_text(parsed.text));
    return {};
  }

  // Once for each size of the tree.
  void note_earlier_root() {
    if (found_.earlier && tree_.size() == found_.earlier->size) earlier_root_ = tree_.root();
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
    HEADGATE_TRY(const auto bundle,
                 fetch_(api::entries_path({.number = begin / kTileWidth, .width = static_cast<unsigned>(width)})));
    std::string_view rest = bundle;
    for (Position i = 0; i < width; ++i) {
      const auto damaged = [&] {
        return fail(ErrorCode::corrupt, fmt::format("the entry bundle of record {} does not hold it whole", begin + i));
      };
      if (rest.size() < 2) return damaged();
      const auto length =
          static_cast<std::size_t>(static_cast<std::uint8_t>(rest[0]) << 8 | static_cast<std::uint8_t>(rest[1]));
      if (rest.size() < 2 + length) return damaged();
      HEADGATE_TRY_VOID(take_record(begin + i, rest.substr(2, length)));
      rest.remove_prefix(2 + length);
    }
    if (rest.empty()) return {};
    return fail(ErrorCode::corrupt,
                fmt::format("the entry bundle of records {} to {} holds more than them", begin, begin + width - 1));
  }

  Result<void> take_record(Position position, std::string_view bytes) {
    store::Envelope envelope;
    if (const auto problem = store::read_envelope(bytes, envelope); !problem.empty()) {
      return fail(ErrorCode::corrupt, fmt::format("record {} cannot be read: {}", position, problem));
    }
    if (envelope.position != position) {
      return fail(ErrorCode::corrupt, fmt::format("record {} says that it is record {}", position, envelope.position));
    }
    const auto time = parse_timestamp(envelope.time);
    if (!time || *time < latest_) {
      return fail(ErrorCode::corrupt, fmt::format("record {} is of {}: no time, or earlier than the one before it",
                                                  position, envelope.time));
    }
    latest_ = *time;
    if (envelope.type.starts_with("dev.headgate.log.created.") ||
        envelope.type.starts_with("dev.headgate.key.rotated.")) {
      Recorded<Event> record;
      HEADGATE_TRY_VOID(store::decode_at(position, bytes, record));
      api::take_key(record, found_.keys);
    }
    found_.bytes += bytes.size();
    Result<void> tiles;
    tree_.append(store::leaf_hash(bytes), [&](store::TileId id, const store::TileHashes& hashes) {
      if (tiles) tiles = check_tile({id.level, id.number}, hashes);
    });
    note_earlier_root();
    return tiles;
  }

  Result<void> check_unfinished_tiles() {
    for (unsigned level = 0; level < store::kTileLevels; ++level) {
      const auto hashes = tree_.unfinished_tile(level);
      if (hashes.empty()) continue;
      const auto number = (size() >> (store::kTileHeight * level)) / kTileWidth;
      HEADGATE_TRY_VOID(check_tile({level, number, static_cast<unsigned>(hashes.size())}, hashes));
    }
    return {};
  }

  Result<void> check_tile(const api::TilePath& tile, std::span<const Hash> hashes) {
    const auto path = api::tile_path(tile);
    HEADGATE_TRY(const auto given, fetch_(path));
    ++found_.tiles;
    if (given == std::string_view(reinterpret_cast<const char*>(hashes.data()), hashes.size_bytes())) return {};
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
  store::MerkleTree tree_;
  Timestamp latest_ = Timestamp::min();
  std::optional<Hash> earlier_root_;  // of the records here, where `earlier` ends
  Audited found_;
};

}  // namespace

Result<Audited> audit_log(const Fetch& fetch, const AuditOptions& options) {
  return Audit(fetch, options).run();
}

}  // namespace headgate::app
