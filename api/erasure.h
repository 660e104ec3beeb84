// Forgetting a person: first the fact, in the log, then the directory beside it.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ports/clock.h"
#include "engine/ports/command_sink.h"
#include "engine/ports/event_log.h"
#include "engine/ports/people.h"
#include "engine/ports/state_view.h"

namespace headgate::api {

class Eraser {
 public:
  Eraser(CommandSink& sink, const StateView& state, const EventLog& log, People& people, Clock& clock)
      : sink_(sink), state_(state), log_(log), people_(people), clock_(clock) {}

  struct Erasure {
    Position position = 0;  // of its person.erased
    Hash leaf_hash{};
    bool repeated = false;  // it was done before
  };
  // `asked` is person:<id>. Appends person.erased, revokes the tokens that an AccessPolicy ever gave to this person and
  // to nobody since, and makes the directory forget the names of those tokens and the person, in this order: what a
  // crash interrupts is taken up by `resume`. not_found; conflict while the AccessPolicy in force names the person,
  // since its next change would bring them back, and while their tokens alone let an administrator in. Blocks until all
  // is durable: not for a socket's thread.
  Result<Erasure> erase(const std::string& asked, const std::string& actor);
  // The same checks, and nothing is done.
  Result<void> check(const std::string& id) const;
  // Finishes what a crash interrupted; to be called once, at the start. What could not be done, a line each: no erasure
  // that is left over is worth a server that does not start.
  std::vector<std::string> resume();

 private:
  Result<std::optional<Position>> erased_at(std::string_view id) const;
  // conflict, when all else is done: a token of theirs is the last one that lets an administrator in, and stays valid.
  Result<void> forget(const std::string& id);
  // Those that an AccessPolicy ever gave to the person and that are nobody else's by now.
  Result<std::set<std::string>> tokens_of(std::string_view id) const;
  Result<Receipt> run(Command command, const std::string& actor);

  CommandSink& sink_;
  const StateView& state_;
  const EventLog& log_;
  People& people_;
  Clock& clock_;
};

}  // namespace headgate::api
