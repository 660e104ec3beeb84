// Who may use a route, as its registration says it in one word.
#pragma once

#include <optional>
#include <string_view>

#include "engine/domain/enums.h"
#include "engine/domain/error.h"

namespace headgate::api {

struct AccessRule {
  bool open = false;           // nobody has to say who they are
  bool open_loopback = false;  // nobody on this host has to
  Role role = Role::viewer;

  bool admits_anybody(bool from_loopback) const { return open || (open_loopback && from_loopback); }

  // none, loopback, or a role. Anything else is a bug.
  static AccessRule of(std::string_view text) {
    if (text == "none") return {.open = true};
    if (text == "loopback") return {.open_loopback = true};
    const auto role = parse_enum<Role>(text);
    HEADGATE_CHECK(role.has_value());
    return {.role = *role};
  }
};

}  // namespace headgate::api
