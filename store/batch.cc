#include "store/batch.h"

#include <fmt/core.h>

#include "store/merkle_tree.h"

namespace headgate::store {

Result<void> Batch::add(std::string_view origin, Position next, Timestamp latest,
                        std::span<const Recorded<Event>> events) {
  const auto before = ends_.size();
  for (const auto& event : events) {
    if (auto added = add_one(origin, next, latest, event); !added) {
      ends_.resize(before);
      leaves_.resize(before);
      bytes_.resize(before == 0 ? 0 : ends_.back());
      return added;
    }
    latest = event.meta.time;
    ++next;
  }
  return {};
}

Result<void> Batch::add_one(std::string_view origin, Position position, Timestamp latest,
                            const Recorded<Event>& event) {
  const auto& meta = event.meta;
  if (meta.position != position) {
    return fail(ErrorCode::conflict,
                fmt::format("an event bears position {}, but it would be record {}", meta.position, position));
  }
  if (meta.time < latest) {
    return fail(ErrorCode::conflict, fmt::format("record {} would be of {}, earlier than the one before it, of {}",
                                                 meta.position, format_timestamp(meta.time), format_timestamp(latest)));
  }
  const auto begin = bytes_.size();
  encode(bytes_, origin, event);
  if (const auto length = bytes_.size() - begin; length > kMaxRecordBytes) {
    return fail(ErrorCode::too_large, fmt::format("a record of type {} would have {} bytes: at most {} fit",
                                                  type_name(event.event), length, kMaxRecordBytes));
  }
  ends_.push_back(bytes_.size());
  leaves_.push_back(leaf_hash(std::string_view(bytes_).substr(begin)));
  return {};
}

std::unexpected<Error> fail_past_the_end(Position to, Position size) {
  return fail(ErrorCode::invalid_input, fmt::format("records up to {} were asked for, the log has {}", to, size));
}

}  // namespace headgate::store
