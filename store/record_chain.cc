#include "store/record_chain.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "store/codec.h"
#include "store/rocksdb_store.h"

namespace headgate::store {
namespace {

std::unexpected<Error> fail_time(Position position, Timestamp time, Timestamp before) {
  return fail(ErrorCode::corrupt, fmt::format("record {} is of {}, earlier than the one before it, of {}", position,
                                              format_timestamp(time), format_timestamp(before)));
}

}  // namespace

Result<void> RecordRun::add(const Envelope& envelope, Timestamp time, std::string_view record) {
  if (leaves.empty()) first = time;
  if (time < last) return fail_time(envelope.position, time, last);
  last = time;
  bytes += record.size();
  sources.add(envelope, record);
  leaves.push_back(leaf_hash(record));
  return {};
}

Result<void> RecordChain::next(const RecordRun& run, const OnTile& on_tile, const BeforeRecord& before_record) {
  if (!run.leaves.empty() && run.first < latest_) return fail_time(tree_.size(), run.first, latest_);
  latest_ = std::max(latest_, run.last);
  HEADGATE_TRY_VOID(sources_.next(run.sources));
  for (const auto& leaf : run.leaves) {
    if (before_record) HEADGATE_TRY_VOID(before_record());
    Result<void> tiles;
    tree_.append(leaf, [&](TileId id, const TileHashes& hashes) {
      if (tiles) tiles = on_tile(id, hashes);
    });
    HEADGATE_TRY_VOID(tiles);
  }
  return {};
}

Result<void> chain_records(const RocksDbStore& store, RecordChain& chain, const RecordChain::OnTile& on_tile,
                           const RecordChain::BeforeRecord& before_record) {
  RecordRun run;
  Recorded<Event> decoded;
  const auto take = [&](Position position, std::string_view record) -> Result<void> {
    HEADGATE_TRY_VOID(decode_at(position, record, decoded));
    Envelope envelope;
    HEADGATE_TRY(const auto time, envelope_at(position, record, envelope));
    HEADGATE_TRY_VOID(run.add(envelope, time, record));
    if (run.leaves.size() < kTileWidth) return {};
    return chain.next(std::exchange(run, {}), on_tile, before_record);
  };
  auto read = store.scan(0, std::nullopt, take);
  // What is wrong with those before comes first.
  HEADGATE_TRY_VOID(chain.next(run, on_tile, before_record));
  return read;
}

}  // namespace headgate::store
