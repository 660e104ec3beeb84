#include "app/checkpoint_publisher.h"

#include <algorithm>
#include <utility>

#include "engine/ports/caught.h"
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
    bool news = false;
    const auto done = caught([&]() -> Result<void> {
      HEADGATE_TRY(const auto newest, newest_());
      news = newest.note != published_;
      if (!news) return {};
      HEADGATE_TRY_VOID(publish_(newest, stop));
      published_ = newest.note;
      return {};
    });
    if (stop.stop_requested()) return;
    if (news || !done) told_(done);
    patience = done ? options_.every : std::min(patience * 2, std::max(options_.every, options_.max_pause));
    pause(patience, stop);
  }
}

}  // namespace headgate::app
