// What append demands of its events, and what it makes of them; the same for every log.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ports/event_log.h"
#include "store/codec.h"

namespace headgate::store {

// Records of one append, encoded and hashed.
class Batch {
 public:
  // Adds records, all or none: conflict when the positions do not run on from `next` or a time goes back behind
  // `latest`; too_large.
  Result<void> add(std::string_view origin, Position next, Timestamp latest, std::span<const Recorded<Event>> events);

  std::size_t size() const { return ends_.size(); }
  std::string_view record(std::size_t i) const {
    const auto begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(bytes_).substr(begin, ends_[i] - begin);
  }
  std::size_t bytes() const { return bytes_.size(); }
  const std::vector<Hash>& leaves() const { return leaves_; }

 private:
  Result<void> add_one(std::string_view origin, Position position, Timestamp latest, const Recorded<Event>& event);

  std::string bytes_;
  std::vector<std::size_t> ends_;
  std::vector<Hash> leaves_;
};

// invalid_input, for whoever asks for records that are not there.
std::unexpected<Error> fail_past_the_end(Position to, Position size);

}  // namespace headgate::store
