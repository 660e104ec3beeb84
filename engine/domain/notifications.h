// Whom a NotificationPolicy tells of an event. What is to be told is not stored: it follows from the log, from the
// position up to which each receiver was told (State::told).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/state.h"

namespace headgate {

// The short names of all events there are.
const std::vector<std::string_view>& event_names();
// What notifications say of themselves is told to nobody: it would never end.
bool is_notified_about(std::string_view event);

// `environment`: of the event, empty where it has none.
bool leads_to(const std::vector<Route>& routes, std::string_view receiver, std::string_view event,
              std::string_view environment);
// Those of the policy that lead to the receiver, as far as they say what it is told.
std::vector<Route> routes_to(const NotificationPolicy& policy, std::string_view receiver);
// Those by which a receiver is told of the record at `position`: each record by the routes of its time.
const std::vector<Route>& routes_at(Position position, const std::vector<Route>& present,
                                    const std::vector<EarlierRoutes>& earlier);

std::string receiver_id(std::string_view policy, std::string_view receiver);  // policy/receiver

// evolve. A receiver that is new is told of what comes after the policy took force; one whose routes change, of what
// came before by the earlier ones. So many changes are remembered: of what came before them it is told no more.
inline constexpr std::size_t max_earlier_routes = 8;
void remember_policy(State& state, const std::string& name, std::optional<InForce<NotificationPolicy>> policy,
                     Position position);
void remember_told(State& state, const std::string& receiver, Position about);

}  // namespace headgate
