#include "app/blob_upkeep.h"

#include <chrono>
#include <string>

#include "engine/ports/caught.h"
#include "engine/ports/pause.h"

namespace headgate::app {
namespace {

constexpr Duration sweep_every = std::chrono::minutes(10);
constexpr Duration while_behind = std::chrono::seconds(1);  // as long as there are events to read

}  // namespace

BlobUpkeep::BlobUpkeep(store::BlobStore& blobs, const EventLog& events, const StateView& state, const Clock& clock,
                       Log& log)
    : sweeper_(blobs, events, state),
      clock_(clock),
      log_(log),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

void BlobUpkeep::run(const std::stop_token& stop) {
  std::string said;  // the same trouble is told once
  while (!stop.stop_requested()) {
    const auto swept = caught([&] { return sweeper_.sweep(clock_.now()); });
    std::string trouble;
    if (!swept) {
      trouble = swept.error().message;
    } else if (!swept->problems.empty()) {
      trouble = swept->problems.front().message;
    }
    if (!trouble.empty() && trouble != said) log_.warning("blobs cannot expire: " + trouble);
    said = trouble;
    if (swept && swept->expired > 0) log_.info(std::to_string(swept->expired) + " blobs expired");
    const bool behind = swept && !swept->caught_up;
    pause(behind ? while_behind : sweep_every, stop);
  }
}

}  // namespace headgate::app
