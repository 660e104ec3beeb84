// A seeded world of one target in several locations: waves that fail anywhere, locations that come, go and drift,
// people who promote on demand, cancel, retry and roll back. After every event a second opinion is asked, which keeps
// lists of what the records said. A seed that fails is printed; HEADGATE_SIM_SEED plays it again.
#include <iostream>
#include <random>

#include "tests/domain/strategies.h"
#include "tests/sim/location_oracle.h"
#include "tests/torture.h"

namespace headgate::sim {
namespace {

using namespace test;  // NOLINT: the little world of the domain's tests

class LocationWorld {
 public:
  explicit LocationWorld(std::uint64_t seed) : random_(seed) {
    world_.push(
        {{access_policy(), random_place(), random_policy(), target(production, release("v1"))}, {}, "person:frank"});
    for (const char* location : {"eu", "us", "ap", "sa"}) observe(location, "");
  }

  void act() {
    switch (below(16)) {
      case 0:
      case 1:
        if (chance(3)) world_.push(target(production, release("v" + std::to_string(++versions_))), "person:frank");
        break;
      case 2:
        if (chance(6)) world_.push(random_place());
        if (chance(8)) world_.push(random_policy());
        break;
      case 3:
        look();
        break;
      case 4:
        go_back();
        break;
      case 5:
        on_demand();
        break;
      case 6:
        go_on();
        break;
      case 7:
        if (const auto& p = world_.at(production).promotion; p && chance(6)) world_.cancel(p->id);
        break;
      case 8:
        world_.pass(std::chrono::minutes(below(20)));
        break;
      case 9:
      case 10:
        if (const auto& p = world_.at(production).promotion) world_.approve(p->id, "person:carol");
        break;
      default:
        end_an_effect();
    }
    judge();
  }

  std::vector<std::string> violations;
  std::uint64_t succeeded = 0, taken_back = 0, mixed = 0, demanded = 0;

 private:
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }
  bool chance(std::uint32_t one_in) { return below(one_in) == 0; }

  Environment random_place() {
    auto place = slotted();
    for (const char* name : {"eu", "us", "sa"}) {
      if (place.locations.empty() || !chance(4)) place.locations.push_back({name, 1 + below(3), false, {}, 20});
    }
    if (!chance(3)) place.locations.push_back({"ap", 0, true, {}, 24});
    if (!chance(3)) place.on_location_failure = static_cast<OnLocationFailure>(below(3));
    return place;
  }
  Service random_policy() {
    auto s = chance(2) ? canary({weight(50), pause(3min), weight(100)}, {}) : stage("production");
    s.verify = {health("smoke")};
    if (chance(3)) s.before = {hook("backup")};
    s.approvals = {{"managers", 1, 35}};
    s.rollback_automatic = !chance(6);
    return service({s});
  }
  void observe(const std::string& location, const std::string& version) {
    const auto artifacts = version.empty() ? StringMap{} : release(version).artifacts;
    world_.when(RecordObservation{production, {version, artifacts}, world_.state.next, location}, "engine");
  }
  void look() {
    for (const char* location : {"eu", "us", "ap", "sa"}) observe(location, chance(12) ? "v0" : runs(location));
  }
  void go_back() {
    if (!chance(4)) return;
    RollBack command;
    command.targets = {production};
    command.to = "previous";
    command.reason = "errors";
    world_.when(command, "person:alice");
  }
  void on_demand() {
    const auto& t = world_.at(production);
    RequestPromotion command{
        production, t.current && !chance(4) ? t.current->release : release("v1"), "now", false, {}};
    for (const char* location : {"ap", "us"}) {
      if (chance(2)) command.locations.emplace_back(location);
    }
    if (command.locations.empty() && !chance(4)) return;
    world_.when(command, "person:alice");
  }
  void go_on() {
    const auto& t = world_.at(production);
    if (t.back.failed) world_.when(RetryPromotion{t.back.failed->id, "mended"}, "person:alice");
    if (!world_.state.incidents.empty() && chance(2)) {
      world_.when(ResolveIncident{world_.state.incidents.begin()->first, "seen"}, "person:alice");
    }
    const auto& bad = world_.state.services.at("gateway").quarantined;
    if (!bad.empty() && chance(3)) {
      world_.when(ReinstateRelease{{"gateway", bad.front().release.version}, "no"}, "person:alice");
    }
    if (!world_.state.freezes.empty()) {
      world_.when(LiftFreeze{world_.state.freezes.begin()->first, "over"}, "person:alice");
    }
    if (chance(4)) world_.when(AdoptTarget{production, "as it is"}, "person:alice");
  }
  void end_an_effect() {
    if (!pending_effect(world_.state, production)) return;
    const auto dice = below(24);
    const auto kind = world_.effect(production).step.kind;
    world_.finish(production, dice == 0 && kind == StepKind::health ? Outcome::Kind::unhealthy
                              : dice == 1                           ? Outcome::Kind::terminal
                              : dice == 2                           ? Outcome::Kind::retryable
                                                                    : Outcome::Kind::succeeded);
  }
  void judge() {
    for (; judged_ < world_.log.size(); ++judged_) {
      const auto& event = world_.log[judged_].event;
      oracle_.see(world_.log[judged_]);
      if (const auto* planned = std::get_if<PromotionPlanned>(&event)) named_ = !planned->locations.empty();
      if (std::holds_alternative<RollbackStarted>(event)) goes_back_ = true;
      if (std::holds_alternative<PromotionStarted>(event)) goes_back_ = false;
      if (std::holds_alternative<RollbackSucceeded>(event)) ++taken_back;
      if (std::holds_alternative<PromotionFailed>(event) && goes_back_) ++mixed;
      if (!std::holds_alternative<PromotionSucceeded>(event)) continue;
      ++succeeded;
      if (named_) ++demanded;
    }
    for (auto& violation : oracle_.take_violations()) violations.push_back(std::move(violation));
    for (const auto& [name, there] : world_.at(production).locations) {
      const auto known = there.current ? there.current->release.version : std::string();
      if (known != runs(name)) {
        violations.push_back("location " + name + " runs '" + runs(name) + "', and the state says '" + known + "'");
      }
    }
  }
  std::string runs(const std::string& location) const {
    const auto& there = oracle_.runs(production, location);
    return there ? there->release.version : std::string();
  }

  std::mt19937_64 random_;
  World world_;
  LocationOracle oracle_;
  bool named_ = false;
  bool goes_back_ = false;
  std::size_t judged_ = 0;
  std::uint32_t versions_ = 1;
};

TEST(LocationsSim, NoWaveBeginsBeforeTheOneBeforeIsVerified) {
  const auto asked = given_world();
  const auto first = asked ? *asked : torture_seed("locations");
  const auto seeds = asked ? 1 : torture_rounds(200);
  std::uint64_t succeeded = 0, taken_back = 0, mixed = 0, on_demand = 0;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    LocationWorld world(seed);
    for (int i = 0; i < 500 && world.violations.empty(); ++i) world.act();
    ASSERT_TRUE(world.violations.empty()) << "HEADGATE_SIM_SEED=" << seed << ": " << world.violations.front();
    succeeded += world.succeeded;
    taken_back += world.taken_back;
    mixed += world.mixed;
    on_demand += world.demanded;
  }
  std::cout << succeeded << " succeeded, " << on_demand << " of them on demand, " << taken_back << " taken back, "
            << mixed << " mixed, from seed " << first << '\n';
  if (asked) return;
  EXPECT_GT(succeeded, 100U) << "a world in which nothing happens proves nothing";
  EXPECT_GT(taken_back, 20U);
  EXPECT_GT(mixed, 5U);
  EXPECT_GT(on_demand, 5U);
}

}  // namespace
}  // namespace headgate::sim
