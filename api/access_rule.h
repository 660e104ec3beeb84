// Who may use a route, as its registration says it in a word or two.
#pragma once

#include <optional>
#include <string_view>

#include "engine/domain/access.h"
#include "engine/domain/enums.h"
#include "engine/domain/error.h"

namespace headgate::api {

struct AccessRule {
  bool open = false;           // nobody has to say who they are
  bool open_loopback = false;  // nobody on this host has to
  Role role = Role::viewer;
  // Where the role must be held, by a route whose path names neither service nor environment.
  enum class Where { of_path, somewhere, everywhere };
  Where where = Where::of_path;

  bool admits_anybody(bool from_loopback) const { return open || (open_loopback && from_loopback); }

  // `service` and `environment` of the path; null: it has none.
  Reach reach(const std::string* service, const std::string* environment) const {
    if (where == Where::everywhere) return Reach::everywhere();
    if (service && environment) return Reach::of(*service, *environment);
    if (service) return Reach::of_service(*service);
    if (environment) return Reach::of_environment(*environment);
    return Reach::somewhere();
  }

  // none, loopback, or a role; with it, where the pattern has no {service} or {environment}, one of
  //   somewhere   the rows are filtered, or the handler asks for the place that the body names
  //   everywhere  what it is about has no place: a grant that is limited to some is not enough
  // Anything else is a bug, and so is to leave this open.
  static AccessRule of(std::string_view text, std::string_view pattern) {
    if (text == "none") return {.open = true};
    if (text == "loopback") return {.open_loopback = true, .where = Where::everywhere};
    AccessRule rule;
    const auto space = text.find(' ');
    const auto role = parse_enum<Role>(text.substr(0, space));
    HEADGATE_CHECK(role.has_value());
    rule.role = *role;
    const bool has_place =
        pattern.find("{service}") != std::string_view::npos || pattern.find("{environment}") != std::string_view::npos;
    HEADGATE_CHECK(has_place == (space == std::string_view::npos));
    if (has_place) return rule;
    const auto where = text.substr(space + 1);
    HEADGATE_CHECK(where == "somewhere" || where == "everywhere");
    rule.where = where == "everywhere" ? Where::everywhere : Where::somewhere;
    return rule;
  }
};

}  // namespace headgate::api
