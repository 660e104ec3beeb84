#include "engine/domain/admins.h"

#include "engine/domain/access.h"

namespace headgate {

bool hold_last_admin(const State& state, const std::set<std::string>& tokens, Timestamp now) {
  bool any = false;
  for (const auto& [id, token] : state.tokens) {
    auto holder = authenticate(state, token.hash, now);
    if (!holder) continue;
    holder->any_claims = true;
    if (!may(state, *holder, Role::admin, Reach::everywhere())) continue;
    if (!tokens.contains(id)) return false;
    any = true;
  }
  return any;
}

}  // namespace headgate
