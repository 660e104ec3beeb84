// The attributes of a record, read without its data: what every record has in the same order, whatever its type.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/domain/events.h"

namespace headgate::store {

// Texts are views into the record, or into `unescaped` where the record has them escaped.
struct Envelope {
  Position position = 0;
  std::string_view source;
  std::string_view type;  // dev.headgate.<name>.v<version>
  std::string_view time;
  std::string_view subject;
  std::string_view actor;
  std::optional<Position> cause;
  std::string_view correlation;
  std::string_view service;
  std::string_view environment;
  std::string_view idempotency_key;
  std::string_view request_digest;
  std::string_view data;  // as it stands; not looked into

  bool numbered = false;  // `position` was read
  std::string unescaped;
};

// What is wrong, or nothing: "actor: not a text". On a problem `out` holds what came before it.
std::string read_envelope(std::string_view record, Envelope& out);

}  // namespace headgate::store
