// The way in for commands: from the API, the reconciler and the dispatcher.
#pragma once

#include <functional>
#include <string>

#include "engine/domain/access.h"
#include "engine/domain/commands.h"

namespace headgate {

// What came of a command, durable. `events` are the command's own; what followed by itself is not among them.
struct Receipt {
  Position first = 0;  // of its own events; meaningless when there are none
  Position last = 0;
  std::size_t count = 0;
  Hash leaf_hash{};       // of the last one
  bool repeated = false;  // the idempotency key was seen before: this is the first request's receipt
  Position seen = 0;      // size of the log that the answer reflects
  std::vector<Event> events;
};

struct Submission {
  Command command;
  std::string actor = "engine";
  std::string idempotency_key{};
  std::string request_digest{};
  bool dry_run = false;  // decide only; nothing is written
  Claims claims{};       // of the actor's sign-in
};

class CommandSink {
 public:
  virtual ~CommandSink() = default;
  // Thread-safe, never blocks. False: the queue is full or closed, nothing will happen (HTTP 503). Else `done` is
  // called once, after the events are durable, from the engine's thread that commits: all other answers wait for it, so
  // it must be quick and must not throw. It is never called when the log refuses an append: whether the events are in
  // it is then unknown, and the process ends.
  virtual bool submit(Submission submission, std::function<void(Result<Receipt>)> done) = 0;
};

}  // namespace headgate
