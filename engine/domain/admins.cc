#include "engine/domain/admins.h"

#include <algorithm>
#include <optional>

#include "engine/domain/access.h"

namespace headgate {

bool hold_last_admin(const State& state, const std::set<std::string>& tokens, Timestamp now) {
  std::optional<Timestamp> last_of_these;  // until when these let an administrator in
  std::optional<Timestamp> last_of_others;
  for (const auto& [id, token] : state.tokens) {
    const auto holder = authenticate(state, token.hash, now);  // without claims: a token brings none
    if (!holder || !may(state, *holder, Role::admin, Reach::everywhere())) continue;
    auto& last = tokens.contains(id) ? last_of_these : last_of_others;
    last = std::max(last.value_or(Timestamp::min()), token.expires.value_or(Timestamp::max()));
  }
  return last_of_these && (!last_of_others || *last_of_others < *last_of_these);
}

}  // namespace headgate
