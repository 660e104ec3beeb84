// Whom a NotificationPolicy tells, and up to where it has told them.
#include "engine/domain/notifications.h"

#include "tests/domain/fixture.h"

namespace headgate::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

NotificationPolicy telling(std::vector<std::string> receivers) {
  NotificationPolicy policy;
  policy.name = "default";
  policy.routes = {{{"promotion.failed", "rollback.*"}, {"production"}, receivers, 5}};
  for (auto& name : receivers) {
    policy.receivers.push_back({std::move(name), ReceiverKind::webhook, "https://example.com/", {}, {}, 7});
  }
  return policy;
}

Lines sent(World& world, const std::string& receiver, Position about) {
  return world.when(RecordNotification{receiver, about, "promotion.failed", 1, {}}, "engine");
}

TEST(Notifications, LeadWhereARouteNamesEventAndEnvironment) {
  const auto policy = telling({"hook"});
  EXPECT_TRUE(leads_to(policy.routes, "hook", "promotion.failed", "production"));
  EXPECT_TRUE(leads_to(policy.routes, "hook", "rollback.started", "production"));
  EXPECT_FALSE(leads_to(policy.routes, "hook", "promotion.planned", "production"));
  EXPECT_FALSE(leads_to(policy.routes, "hook", "promotion.failed", "staging"));
  EXPECT_FALSE(leads_to(policy.routes, "hook", "promotion.failed", ""));
  EXPECT_FALSE(leads_to(policy.routes, "other", "promotion.failed", "production"));
}

TEST(Notifications, ARouteWithoutEnvironmentsTakesThoseOfNone) {
  auto policy = telling({"hook"});
  policy.routes[0].environments.clear();
  policy.routes[0].events = {"*"};
  EXPECT_TRUE(leads_to(policy.routes, "hook", "access.denied", ""));
  EXPECT_FALSE(leads_to(policy.routes, "hook", "notification.failed", ""));
}

TEST(Notifications, EveryEventHasItsName) {
  EXPECT_EQ(event_names().size(), std::variant_size_v<AnyEvent>);
  EXPECT_THAT(event_names(), Contains("notification.sent"));
}

TEST(Notifications, AReceiverBeginsBehindThePolicyAndGoesForwardOnly) {
  World world;
  world.push(telling({"hook"}));
  const auto began = world.state.told.at("default/hook");
  EXPECT_EQ(began, world.log.back().meta.position);
  EXPECT_THAT(sent(world, "default/hook", began + 5), ElementsAre("notification.sent"));
  EXPECT_EQ(world.state.told.at("default/hook"), began + 5);
  EXPECT_THAT(sent(world, "default/hook", began + 5), IsEmpty()) << "known already";
  EXPECT_THAT(sent(world, "default/hook", began + 4), IsEmpty());
  EXPECT_THAT(world.when(RecordNotification{"default/hook", began + 6, "promotion.failed", 3, "status 404"}, "engine"),
              ElementsAre("notification.failed"));
  EXPECT_EQ(world.state.told.at("default/hook"), began + 6);
}

TEST(Notifications, OneThatStaysGoesOnWhereItWasAndOneThatGoesIsForgotten) {
  World world;
  world.push(telling({"hook", "other"}));
  const auto at = world.state.told.at("default/hook") + 1;
  sent(world, "default/hook", at);
  world.push(telling({"hook"}));
  EXPECT_EQ(world.state.told, (std::map<std::string, Position, std::less<>>{{"default/hook", at}}));
  EXPECT_THAT(sent(world, "default/other", at + 1), IsEmpty());
  world.push(Push{{}, {{DocumentKind::notification_policy, "default"}}});
  EXPECT_THAT(world.state.told, IsEmpty());
  EXPECT_THAT(world.state.notification_policies, IsEmpty());
}

TEST(Notifications, EachRecordIsToldByTheRoutesOfItsTime) {
  World world;
  world.push(telling({"hook"}));
  const auto began = world.state.told.at("default/hook");
  auto other = telling({"hook"});
  other.routes[0].events = {"gate.reported"};
  world.push(other);
  const auto changed = world.log.back().meta.position;
  EXPECT_EQ(world.state.told.at("default/hook"), began) << "what it was not told of yet is not lost";
  const auto present = routes_to(other, "hook");
  const auto earlier = world.state.earlier_routes.at("default/hook");
  EXPECT_EQ(routes_at(began + 1, present, earlier), routes_to(telling({"hook"}), "hook"));
  EXPECT_EQ(routes_at(changed, present, earlier), routes_to(telling({"hook"}), "hook"));
  EXPECT_EQ(routes_at(changed + 1, present, earlier), present);
  sent(world, "default/hook", changed + 1);
  EXPECT_THAT(world.state.earlier_routes, IsEmpty()) << "nothing of that time is left to tell";
}

TEST(Notifications, WhatIsAnotherReceiversChangesNoRoutes) {
  World world;
  world.push(telling({"hook"}));
  auto more = telling({"hook", "other"});
  more.routes[0].line = 50;
  world.push(more);
  EXPECT_THAT(world.state.earlier_routes, IsEmpty());
  world.push(telling({"other"}));
  EXPECT_THAT(world.state.earlier_routes, IsEmpty());
}

TEST(Notifications, SoManyChangesOfRoutesAreRemembered) {
  World world;
  world.push(telling({"hook"}));
  const auto began = world.state.told.at("default/hook");
  std::vector<Position> changes;
  for (std::size_t i = 0; i <= max_earlier_routes; ++i) {
    EXPECT_EQ(world.state.told.at("default/hook"), began);
    auto policy = telling({"hook"});
    policy.routes[0].environments = {"production-" + std::to_string(i)};
    world.push(policy);
    changes.push_back(world.log.back().meta.position);
  }
  EXPECT_EQ(world.state.told.at("default/hook"), changes.front());
  EXPECT_EQ(world.state.earlier_routes.at("default/hook").size(), max_earlier_routes);
  EXPECT_EQ(world.state.earlier_routes.at("default/hook").front().until, changes.at(1));
}

}  // namespace
}  // namespace headgate::test
