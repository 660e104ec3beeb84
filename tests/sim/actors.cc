#include "tests/sim/actors.h"

#include <algorithm>
#include <chrono>

#include "tests/domain/fixture.h"

namespace headgate::sim {

using namespace std::chrono_literals;  // NOLINT: lengths of time read better so

Actors::Actors(World& world) : world_(world), failure_rate_(world.any_of(std::vector<double>{0.02, 0.06, 0.2})) {
  for (const char* name : {"ann", "ben", "cat", "dan", "eve", "fay"}) people_.push_back("person:" + std::string(name));
  const std::vector<std::string> services{"billing", "gateway", "search"};
  const std::vector<std::string> environments{"development", "staging", "production"};
  for (std::size_t i = 0, n = 1 + world_.below(3); i < n; ++i) {
    products_.push_back({services[i], world_.chance(0.5), world_.chance(0.5), {}});
  }
  for (std::size_t i = 0, n = 1 + world_.below(3); i < n; ++i) {
    sites_.push_back({environments[i], world_.chance(0.5), world_.chance(0.25)});
  }

  while (!world_.state().tokens.contains("token:root")) {
    world_.submit(CreateToken{"token:root", "hash of root", {Role::admin}, {}}, "engine");
  }
  if (world_.chance(0.3)) {
    governance_.push_back({"managers", 1 + static_cast<std::uint32_t>(world_.below(2)), 7});
    if (world_.chance(0.3)) governance_.push_back({"platform", 1, 8});
  }
  world_.govern(governance_);
  push_to_the_source();
  put(random_policy());
  for (const auto& site : sites_) put(random_environment(site));
  for (auto& product : products_) {
    put(random_service(product));
    for (int i = 0; i < 3; ++i) new_release(product);
    for (const auto& site : sites_) {
      ids_.push_back({product.name, site.name});
      put(random_wish(ids_.back()));
    }
  }
  commit();
  for (int tries = 0; tries < 50 && world_.state().configuration.proposal; ++tries) {
    world_.submit(ApproveConfiguration{world_.state().configuration.proposal->change.digest, {}, {}}, "token:root");
  }
  for (const auto& id : ids_) observe(id, world_.chance(0.9));
}

std::vector<const Promotion*> Actors::live() const {
  std::vector<const Promotion*> all;
  for (const auto& id : world_.state().active) all.push_back(&*world_.state().find(id)->promotion);
  return all;
}

Actors::Product& Actors::product(const std::string& service) {
  return *std::ranges::find(products_, service, &Product::name);
}

// Somebody does something; whoever finds nothing to do leaves it to another.
void Actors::act() {
  if (world_.chance(0.2)) expand_windows();
  const auto before = world_.asked();
  if (world_.chance(0.95)) {
    for (int tries = 0; tries < 20 && world_.asked() == before; ++tries) act_alone();
    return;
  }
  world_.at_once([this] {
    for (std::size_t i = 0; i < 6; ++i) {
      switch (world_.below(6)) {
        case 0:
          push_something();
          break;
        case 1:
          observe(some_target(), world_.chance(0.8));
          break;
        case 2:
          with_live_promotion(&Actors::approve_some);
          break;
        case 3:
          if (world_.chance(0.2)) with_live_promotion(&Actors::cancel_some);
          break;
        case 4:
          report_what_is_waited_for();
          break;
        default:
          let_an_activity_end();
      }
    }
  });
}

void Actors::act_alone() {
  if (world_.chance(0.35)) return let_an_activity_end();
  if (const auto next = world_.until_next(); next && *next > Duration::zero() && world_.chance(0.2)) {
    return world_.pass(*next + (world_.chance(0.1) ? Duration(10min) : Duration::zero()));
  }
  if (world_.state().configuration.proposal && world_.chance(0.3)) return answer_what_is_proposed();
  using Action = void (*)(Actors&);
  static const std::vector<std::pair<std::size_t, Action>> all{
      {160, [](Actors& a) { a.with_live_promotion(&Actors::approve_some); }},
      {120, [](Actors& a) { a.report_what_is_waited_for(); }},
      {80, [](Actors& a) { a.with_live_promotion(&Actors::who_stands_behind); }},
      {60, [](Actors& a) { a.observe(a.some_target(), a.world_.chance(0.85)); }},
      {60, [](Actors& a) { a.with_live_promotion(&Actors::resume_some); }},
      {40, [](Actors& a) { a.push_something(); }},
      {50, [](Actors& a) { a.push_to_the_source(); }},
      {30, [](Actors& a) { a.report_some_gate(); }},
      {25, [](Actors& a) { a.promote_by_hand(); }},
      {20, [](Actors& a) { a.go_on_after_failure(); }},
      {15, [](Actors& a) { a.repositories_come_and_go(); }},
      {15, [](Actors& a) { a.look_by_a_monitor(); }},
      {12, [](Actors& a) { a.roll_back_some(); }},
      {10, [](Actors& a) { a.freeze_or_lift(); }},
      {10, [](Actors& a) { a.with_live_promotion(&Actors::override_some); }},
      {8, [](Actors& a) { a.with_live_promotion(&Actors::expedite_some); }},
      {8,
       [](Actors& a) {
         a.world_.submit(AdoptTarget{a.some_target(), "it runs"}, a.person());
       }},
      {6, [](Actors& a) { a.with_live_promotion(&Actors::cancel_some); }},
      {6, [](Actors& a) { a.with_live_promotion(&Actors::retry_some); }},
      {6, [](Actors& a) { a.with_live_promotion(&Actors::reject_some); }},
      {6, [](Actors& a) { a.rename_a_service(); }},
      {6, [](Actors& a) { a.push_nonsense(); }},
      {5, [](Actors& a) { a.go_back_in_history(); }},
      {12,
       [](Actors& a) {
         const auto& service = a.some_target().service;
         a.world_.submit(RegisterRelease{service, a.some_release(service), "main", {}}, "token:ci");
       }},
      {8,
       [](Actors& a) {
         const auto& service = a.some_target().service;
         a.world_.submit(QuarantineRelease{{service, a.some_release(service).version}, a.reason("CVE")}, a.person());
       }},
      {12,
       [](Actors& a) {
         const auto& service = a.some_target().service;
         a.world_.submit(ReinstateRelease{{service, a.some_release(service).version}, "looked at it"}, a.person());
       }},
      {10,
       [](Actors& a) {
         if (a.world_.state().effects_paused) return;
         a.world_.submit(PauseEffects{"let me look"}, a.person());
       }},
      {40,
       [](Actors& a) {
         if (!a.world_.state().effects_paused) return;
         a.world_.submit(ResumeEffects{"looked"}, a.person());
       }},
      {20,
       [](Actors& a) {
         a.world_.clock_jumps(std::chrono::seconds(6 + static_cast<long long>(a.world_.below(200'000))) *
                              (a.world_.chance(0.5) ? 1 : -1));
       }},
      {40, [](Actors& a) {
         a.world_.pass(
             std::chrono::seconds(a.world_.any_of(std::vector<long long>{1, 5, 60, 600, 601, 3'600, 7'300, 90'000})));
       }}};
  static const auto sum = [] {
    std::size_t total = 0;
    for (const auto& [weight, action] : all) total += weight;
    return total;
  }();
  auto dice = world_.below(sum);
  for (const auto& [weight, action] : all) {
    if (dice < weight) return action(*this);
    dice -= weight;
  }
}

std::vector<std::string> Actors::do_their_best() {
  const auto may_go_on = [this](const Promotion* p) { return waits_for_time(*p) || waits_in_vain(*p); };
  for (int round = 0; round < 40 && world_.ok(); ++round) {
    clear_the_way();
    expand_windows();
    std::vector<TargetId> seen;  // by the names that are in force
    for (const auto& [id, target] : world_.state().targets) seen.push_back(id);
    for (const auto& id : seen) observe(id, true);
    answer_everything();
    std::vector<PromotionId> waiting;
    for (const auto* p : live()) waiting.push_back(p->id);
    for (const auto& id : waiting) give_what_is_missing(id);
    roll(3h);
    if (round > 1 && std::ranges::none_of(live(), may_go_on)) break;
  }
  std::vector<std::string> stuck;
  if (!world_.ok()) return stuck;
  for (const auto* p : live()) {
    if (waits_for_time(*p) || !waits_in_vain(*p)) continue;
    stuck.push_back(to_string(p->id) + " is " + std::string(name_of(p->phase)) +
                    " and waits for nothing that somebody could not give");
  }
  return stuck;
}

}  // namespace headgate::sim
