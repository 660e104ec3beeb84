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

bool leads_to(const std::vector<Route>& routes, std::string_view receiver, std::string_view event,
              std::string_view environment) {
  if (!is_notified_about(event)) return false;
  return std::ranges::any_of(routes, [&](const Route& route) {
    if (std::ranges::find(route.to, receiver) == route.to.end()) return false;
    if (!route.environments.empty() && std::ranges::find(route.environments, environment) == route.environments.end()) {
      return false;
    }
    return std::ranges::any_of(route.events, [&](const std::string& glob) { return matches_pattern(glob, event); });
  });
}

std::vector<Route> routes_to(const NotificationPolicy& policy, std::string_view receiver) {
  std::vector<Route> routes;
  for (const auto& route : policy.routes) {
    if (std::ranges::find(route.to, receiver) == route.to.end()) continue;
    routes.push_back({route.events, route.environments, {std::string(receiver)}, 0});
  }
  return routes;
}

const std::vector<Route>& routes_at(Position position, const std::vector<Route>& present,
                                    const std::vector<EarlierRoutes>& earlier) {
  const auto at = std::ranges::find_if(earlier, [&](const EarlierRoutes& routes) { return position <= routes.until; });
  return at == earlier.end() ? present : at->routes;
}

std::string receiver_id(std::string_view policy, std::string_view receiver) {
  return std::string(policy) + "/" + std::string(receiver);
}

void remember_policy(State& state, const std::string& name, std::optional<InForce<NotificationPolicy>> policy,
                     Position position) {
  const auto before = state.notification_policies.find(name);
  decltype(State::told) told;
  decltype(State::earlier_routes) earlier_routes;
  if (policy) {
    for (const auto& receiver : policy->document.receivers) {
      const auto id = receiver_id(name, receiver.name);
      const auto known = state.told.find(id);
      if (known == state.told.end()) {
        told.emplace(id, position);
        continue;
      }
      auto up_to = known->second;
      auto earlier = std::move(state.earlier_routes[id]);
      auto routes = routes_to(before->second.document, receiver.name);
      if (routes != routes_to(policy->document, receiver.name)) earlier.push_back({position, std::move(routes)});
      if (earlier.size() > max_earlier_routes) {
        up_to = std::max(up_to, earlier.front().until);
        earlier.erase(earlier.begin());
      }
      told.emplace(id, up_to);
      if (!earlier.empty()) earlier_routes.emplace(id, std::move(earlier));
    }
  }
  const auto is_of_it = [&](const auto& entry) { return entry.first.starts_with(name + "/"); };
  std::erase_if(state.told, is_of_it);
  std::erase_if(state.earlier_routes, is_of_it);
  state.told.merge(told);
  state.earlier_routes.merge(earlier_routes);
  state.notification_policies.erase(name);
  if (policy) state.notification_policies.emplace(name, std::move(*policy));
}

void remember_told(State& state, const std::string& receiver, Position about) {
  const auto at = state.told.find(receiver);
  if (at == state.told.end() || at->second >= about) return;
  at->second = about;
  const auto earlier = state.earlier_routes.find(receiver);
  if (earlier == state.earlier_routes.end()) return;
  std::erase_if(earlier->second, [&](const EarlierRoutes& routes) { return routes.until <= about; });
  if (earlier->second.empty()) state.earlier_routes.erase(earlier);
}

}  // namespace headgate
