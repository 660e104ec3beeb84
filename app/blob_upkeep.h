// Lets blobs expire (store/blob_sweeper.h) while the server runs: a little every few minutes.
#pragma once

#include <thread>

#include "app/logging.h"
#include "engine/ports/clock.h"
#include "store/blob_sweeper.h"

namespace headgate::app {

class BlobUpkeep {
 public:
  // The first sweep begins at once. All of them outlive it.
  BlobUpkeep(store::BlobStore& blobs, const EventLog& events, const StateView& state, const Clock& clock, Log& log);

 private:
  void run(const std::stop_token& stop);

  store::BlobSweeper sweeper_;
  const Clock& clock_;
  Log& log_;
  std::jthread thread_;  // last: it uses the rest
};

}  // namespace headgate::app
