#include "app/checkpoint_publisher.h"

#include <algorithm>
#include <utility>

#include "engine/ports/pause.h"

namespace headgate::app {

CheckpointPublisher::CheckpointPublisher(Options options, Newest newest, Publish publish, Told told)
    : options_(options),
      newest_(std::move(newest)),
      publish_(std::move(publish)),
      told_(std::move(told)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

void CheckpointPublisher::run(const std::stop_token& stop) {
  auto patience = options_.every;
  while (!stop.stop_requested()) {
    auto newest = newest_();
    Result<void> done;
    if (!newest) {
      done = std::unexpected(std::move(newest).error());
      told_(done);
    } else if (newest->note != published_) {
      done = publish_(*newest, stop);
      if (stop.stop_requested()) return;
      if (done) published_ = newest->note;
      told_(done);
    }
    patience = done ? options_.every : std::min(patience * 2, std::max(options_.every, options_.max_pause));
    pause(patience, stop);
  }
}

}  // namespace headgate::app
