// Forgetting a person: first the fact, in the log, then the directory beside it.
#pragma once

#include <string>
#include <string_view>

#include "engine/ports/command_sink.h"
#include "engine/ports/event_log.h"
#include "engine/ports/people.h"
#include "engine/ports/state_view.h"

namespace headgate::api {

class Eraser {
 public:
  Eraser(CommandSink& sink, const StateView& state, const EventLog& log, People& people)
      : sink_(sink), state_(state), log_(log), people_(people) {}

  struct Erasure {
    Position position = 0;  // of its person.erased
    Hash leaf_hash{};
    bool repeated = false;  // it was done before
  };
  // `asked` is person:<id>. Appends person.erased, revokes the tokens that an AccessPolicy ever gave to this person and
  // to nobody since, and makes the directory forget the names of those tokens and the person, in this order: what a
  // crash interrupts is taken up by `resume`. not_found; conflict while the AccessPolicy in force names the person,
  // since its next change would bring them back. Blocks until all is durable: not for a socket's thread.
  Result<Erasure> erase(const std::string& asked, const std::string& actor);
  // The same checks, and nothing is done.
  Result<void> check(const std::string& id) const;
  // Finishes what a crash interrupted; to be called once, at the start.
  Result<void> resume();

 private:
  Result<std::optional<Position>> erased_at(std::string_view id) const;
  Result<void> forget(const std::string& id);
  Result<std::vector<std::string>> tokens_of(std::string_view id) const;
  Result<Receipt> run(Command command, const std::string& actor);

  CommandSink& sink_;
  const StateView& state_;
  const EventLog& log_;
  People& people_;
};

}  // namespace headgate::api
