// Brings every new checkpoint to one place outside: a witness, a Git repository. Each place has a thread of its own, so
// that one that hangs holds up nothing but itself; the log and its checkpoints never wait.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <thread>

#include "engine/domain/error.h"
#include "engine/domain/time.h"

namespace headgate::app {

struct NewCheckpoint {
  std::string note;  // signed by the log alone
  std::uint64_t size = 0;
};

class CheckpointPublisher {
 public:
  struct Options {
    Duration every;                                // between two looks for a new checkpoint, at least
    Duration max_pause = std::chrono::minutes(5);  // a failure is tried again after `every`, twice that, … up to this
  };
  using Newest = std::function<Result<NewCheckpoint>()>;
  using Publish = std::function<Result<void>(const NewCheckpoint&, std::stop_token)>;
  using Told = std::function<void(const Result<void>&)>;  // of each attempt; an Error of Newest is one

  CheckpointPublisher(Options options, Newest newest, Publish publish, Told told);
  // The destructor cuts what is under way, by the stop token, and waits for it.

 private:
  void run(const std::stop_token& stop);

  Options options_;
  Newest newest_;
  Publish publish_;
  Told told_;
  std::string published_;  // the note that was published last
  std::jthread thread_;
};

}  // namespace headgate::app
