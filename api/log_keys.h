// The verifier keys of a log, as its own records tell them: log.created names the first one, key.rotated each later
// one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/ports/event_log.h"

namespace headgate::api {

struct LogKey {
  std::string verifier_key;         // C2SP signed-note: name+hash+key
  Position from = 0;                // of the record that names it
  std::optional<Position> until{};  // of the record that replaced it: no checkpoint of more records is signed by it
};

// Takes what the record says of keys, if anything. Records come in order.
void take_key(const Recorded<Event>& record, std::vector<LogKey>& keys);

// In order, the one that holds last.
Result<std::vector<LogKey>> keys_of_log(const EventLog& log);

}  // namespace headgate::api
