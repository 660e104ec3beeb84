#include "engine/domain/notifications.h"

#include <algorithm>
#include <utility>

#include "engine/base/glob.h"
#include "engine/domain/flow.h"

namespace headgate {
namespace {

template <class... E>
std::vector<std::string_view> names_of(const std::variant<E...>*) {
  return {E::type.name...};
}

}  // namespace

const std::vector<std::string_view>& event_names() {
  static const auto names = names_of(static_cast<const AnyEvent*>(nullptr));
  return names;
}

bool is_notified_about(std::string_view event) {
  return !event.starts_with("notification.");
}

bool leads_to(const NotificationPolicy& policy, std::string_view receiver, std::string_view event,
              std::string_view environment) {
  if (!is_notified_about(event)) return false;
  return std::ranges::any_of(policy.routes, [&](const Route& route) {
    if (std::ranges::find(route.to, receiver) == route.to.end()) return false;
    if (!route.environments.empty() && std::ranges::find(route.environments, environment) == route.environments.end()) {
      return false;
    }
    return std::ranges::any_of(route.events, [&](const std::string& glob) { return matches_pattern(glob, event); });
  });
}

std::string receiver_id(std::string_view policy, std::string_view receiver) {
  return std::string(policy) + "/" + std::string(receiver);
}

void remember_policy(State& state, const std::string& name, std::optional<InForce<NotificationPolicy>> policy,
                     Position position) {
  std::map<std::string, Position, std::less<>> told;
  if (policy) {
    for (const auto& receiver : policy->document.receivers) {
      auto id = receiver_id(name, receiver.name);
      const auto known = state.told.find(id);
      told.emplace(std::move(id), known == state.told.end() ? position : known->second);
    }
  }
  std::erase_if(state.told, [&](const auto& entry) { return entry.first.starts_with(name + "/"); });
  state.told.merge(told);
  state.notification_policies.erase(name);
  if (policy) state.notification_policies.emplace(name, std::move(*policy));
}

void remember_told(State& state, const std::string& receiver, Position about) {
  const auto at = state.told.find(receiver);
  if (at != state.told.end() && at->second < about) at->second = about;
}

}  // namespace headgate
