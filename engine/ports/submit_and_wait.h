// A command and its outcome, for who has a thread to wait on: not for those of the engine.
#pragma once

#include <future>
#include <memory>
#include <utility>

#include "engine/ports/command_sink.h"

namespace headgate {

// Its receipt once it is durable, or why it was refused; unavailable when the engine takes no commands.
inline Result<Receipt> submit_and_wait(CommandSink& sink, Submission submission) {
  // Shared: the thread that sets the value may still be in set_value when the waiting one has gone on.
  const auto promise = std::make_shared<std::promise<Result<Receipt>>>();
  auto receipt = promise->get_future();
  if (!sink.submit(std::move(submission), [promise](Result<Receipt> r) { promise->set_value(std::move(r)); })) {
    return fail(ErrorCode::unavailable, "the engine takes no commands: its queue is full, or the server is stopping");
  }
  return receipt.get();
}

}  // namespace headgate
