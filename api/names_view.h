// Names of people and tokens beside their ids. The log and the state hold only ids; names come from the directory of
// people at the moment of the answer, for those who may see them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/json_writer.h"
#include "engine/ports/people.h"

namespace headgate::api {

class Names {
 public:
  Names(const People& people, bool visible) : people_(people), visible_(visible) {}

  // {"id": "person:k3v9q2", "name": "alice"}; without a name where there is none or it may not be seen. Empty: null.
  void write(JsonWriter& json, std::string_view id) const;
  // The same text with each id that has a visible name replaced by it.
  std::string in_text(std::string_view text) const;
  // Ids of those people who are called so, or else of those tokens among `tokens`; none where names may not be seen.
  std::vector<std::string> ids_of(std::string_view name, const std::vector<std::string>& tokens) const;

 private:
  std::string name_of(std::string_view id) const;  // empty: none

  const People& people_;
  bool visible_;
};

}  // namespace headgate::api
