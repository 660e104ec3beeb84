// The cosignatures at hand, and what witnesses are asked for. All witnesses are shown the same checkpoint for a while,
// a round: each on its own would see another one of a log that grows, and no checkpoint would ever have two of them.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "app/checkpoint_publisher.h"
#include "engine/ports/clock.h"

namespace headgate::app {

// Thread-safe. The lines are verified by whoever brings them.
class Cosignatures {
 public:
  static constexpr Duration round_length = std::chrono::seconds(3);

  struct Held {
    std::string note;  // as the log signed it; empty when there is none
    std::uint64_t size = 0;
    std::map<std::string, std::string> lines;  // by the witness's verifier key
    std::string cosigned() const;              // the note with all lines
  };

  // `newest`: the log's newest checkpoint. `clock` outlives this.
  Cosignatures(std::size_t witnesses, CheckpointPublisher::Newest newest, const Clock& clock)
      : witnesses_(witnesses), newest_(std::move(newest)), clock_(clock) {}

  // The checkpoint of this round: the newest one when the round began.
  Result<NewCheckpoint> to_cosign();
  void add(const std::string& note, const std::string& witness_key, std::string line);

  // For everybody to see: of the last rounds the one with the most cosignatures, but never one that is smaller than
  // what was shown before.
  Result<Held> shown();
  // The same among those of `size` or more records.
  Held best(std::uint64_t size) const;
  bool complete(const Held& held) const { return held.lines.size() == witnesses_; }
  // The note followed by its cosignatures, as far as they are at hand.
  std::string with_lines(std::string note) const;

  // For who waits for more of them: up to `time`, less when something came. False once closed.
  bool wait(std::chrono::milliseconds time) const;
  void close();

 private:
  Result<NewCheckpoint> current();
  const Held* find_best(std::uint64_t size) const;

  const std::size_t witnesses_;
  const CheckpointPublisher::Newest newest_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::deque<Held> rounds_;  // the newest last
  Duration began_{};         // of the last one, by the steady clock
  std::uint64_t shown_size_ = 0;
  std::uint64_t additions_ = 0;
  bool closed_ = false;
};

}  // namespace headgate::app
