#include "store/batch.h"

#include <fmt/core.h>

#include "store/sha256.h"

namespace headgate::store {

Result<void> Batch::fill(std::string_view origin, Position next, Timestamp latest,
                         std::span<const Recorded<Event>> events) {
  bytes_.clear();
  ends_.clear();
  leaves_.clear();
  for (const auto& event : events) {
    const auto& meta = event.meta;
    if (meta.position != next + ends_.size()) {
      return fail(ErrorCode::conflict, fmt::format("an event bears position {}, but it would be record {}",
                                                   meta.position, next + ends_.size()));
    }
    if (meta.time < latest) {
      return fail(ErrorCode::conflict,
                  fmt::format("record {} would be of {}, earlier than the one before it, of {}", meta.position,
                              format_timestamp(meta.time), format_timestamp(latest)));
    }
    latest = meta.time;
    encode(bytes_, origin, event);
    const auto begin = ends_.empty() ? 0 : ends_.back();
    ends_.push_back(bytes_.size());
    if (const auto length = bytes_.size() - begin; length > kMaxRecordBytes) {
      return fail(ErrorCode::too_large, fmt::format("a record of type {} would have {} bytes: at most {} fit",
                                                    type_name(event.event), length, kMaxRecordBytes));
    }
    leaves_.push_back(leaf_hash(std::string_view(bytes_).substr(begin)));
  }
  return {};
}

std::unexpected<Error> fail_past_the_end(Position to, Position size) {
  return fail(ErrorCode::invalid_input, fmt::format("records up to {} were asked for, the log has {}", to, size));
}

}  // namespace headgate::store
