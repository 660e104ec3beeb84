#include "tests/sim/actors.h"

#include <algorithm>
#include <chrono>

#include "tests/domain/fixture.h"

namespace headgate::sim {

using namespace std::chrono_literals;  // NOLINT: lengths of time read better so

Actors::Actors(World& world) : world_(world) {
  for (const char* name : {"ann", "ben", "cat", "dan", "eve", "fay"}) people_.push_back("person:" + std::string(name));
  const std::vector<std::string> names{"gateway", "search", "billing"};
  const std::vector<std::string> environments{"development", "staging", "production"};
  service_names_.assign(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(1 + world_.below(2)));
  environment_names_.assign(environments.begin(),
                            environments.begin() + static_cast<std::ptrdiff_t>(1 + world_.below(3)));

  while (!world_.state().tokens.contains("token:root")) {
    world_.submit(CreateToken{"token:root", "hash of root", {Role::admin}, {}}, "engine");
  }
  if (world_.chance(0.4)) {
    governance_.push_back({"managers", 1 + static_cast<std::uint32_t>(world_.below(2)), 7});
    if (world_.chance(0.3)) governance_.push_back({"platform", 1, 8});
  }
  world_.govern(governance_);
  std::vector<Document> documents;
  policy_ = random_policy();
  documents.emplace_back(policy_);
  for (const auto& name : environment_names_) documents.emplace_back(random_environment(name));
  for (const auto& name : service_names_) {
    services_[name] = random_service(name);
    documents.emplace_back(services_[name]);
    for (int i = 0; i < 3; ++i) new_release(name);
    for (const auto& environment : environment_names_) {
      const TargetId id{name, environment};
      ids_.push_back(id);
      wishes_[id] = random_wish(id);
      documents.emplace_back(wishes_[id]);
    }
  }
  push(std::move(documents));
  for (int tries = 0; tries < 50 && world_.state().configuration.proposal; ++tries) {
    world_.submit(ApproveConfiguration{world_.state().configuration.proposal->change.digest, {}, {}}, "token:root");
  }
}

std::vector<const Promotion*> Actors::live() const {
  std::vector<const Promotion*> all;
  for (const auto& id : world_.state().active) all.push_back(&*world_.state().find(id)->promotion);
  return all;
}

void Actors::act() {
  if (world_.chance(0.3)) expand_windows();
  if (world_.chance(0.95)) return act_alone();
  world_.at_once([this] {
    for (std::size_t i = 0; i < 6; ++i) {
      switch (world_.below(6)) {
        case 0:
          push_something();
          break;
        case 1:
          observe(world_.any_of(ids_), world_.chance(0.8));
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
  auto dice = world_.below(100);
  const auto one_of = [&](std::size_t weight) {
    if (dice < weight) {
      dice = 1'000;
      return true;
    }
    dice -= dice < 1'000 ? weight : 0;
    return false;
  };
  const auto some_release = [&](const std::string& service) { return world_.any_of(candidates_[service].releases); };
  if (one_of(33)) return let_an_activity_end();
  if (one_of(14)) return with_live_promotion(&Actors::approve_some);
  if (one_of(10)) return report_what_is_waited_for();
  if (one_of(4)) return report_some_gate();
  if (one_of(5)) return push_something();
  if (world_.state().configuration.proposal && world_.chance(0.3)) return answer_what_is_proposed();
  if (one_of(2)) return push_nothing_new();
  if (one_of(1)) return push_nonsense();
  if (one_of(9)) return observe(world_.any_of(ids_), world_.chance(0.8));
  if (one_of(4)) return promote_by_hand();
  if (one_of(1)) return with_live_promotion(&Actors::cancel_some);
  if (one_of(1)) return with_live_promotion(&Actors::reject_some);
  if (one_of(1)) return with_live_promotion(&Actors::override_some);
  if (one_of(1)) return freeze_or_lift();
  if (world_.chance(0.08)) return look_by_a_monitor();
  if (world_.chance(0.04)) return roll_back_some();
  if (world_.chance(0.03)) return go_on_after_failure();
  if (world_.chance(0.01)) return with_live_promotion(&Actors::expedite_some);
  if (one_of(2)) {
    world_.submit(AdoptTarget{world_.any_of(ids_), "it runs"}, person());
    return;
  }
  const auto& service = world_.any_of(service_names_);
  if (one_of(2)) {
    world_.submit(RegisterRelease{service, some_release(service), "main", {}}, "token:ci");
  } else if (one_of(1)) {
    world_.submit(QuarantineRelease{{service, some_release(service).version}, reason("CVE")}, person());
  } else if (one_of(2)) {
    world_.submit(ReinstateRelease{{service, some_release(service).version}, "looked at it"}, person());
  } else if (world_.state().effects_paused ? one_of(3) : one_of(1)) {
    if (world_.state().effects_paused) {
      world_.submit(ResumeEffects{"looked"}, person());
    } else {
      world_.submit(PauseEffects{"let me look"}, person());
    }
  } else if (one_of(2)) {
    world_.clock_jumps(std::chrono::seconds(6 + static_cast<long long>(world_.below(200'000))) *
                       (world_.chance(0.5) ? 1 : -1));
  } else {
    world_.pass(std::chrono::seconds(world_.any_of(std::vector<long long>{1, 5, 60, 600, 601, 3'600, 7'300, 90'000})));
  }
}

std::vector<std::string> Actors::do_their_best() {
  for (int round = 0; round < 60 && world_.ok(); ++round) {
    const auto before = world_.events();
    clear_the_way();
    expand_windows();
    for (const auto& id : ids_) observe(id, true);
    world_.answer_everything();
    std::vector<PromotionId> waiting;
    for (const auto* p : live()) waiting.push_back(p->id);
    for (const auto& id : waiting) give_what_is_missing(id);
    world_.pass(round % 2 == 0 ? 3h : 10min);
    const auto waits_for_a_window = [](const Promotion* p) {
      const auto* step = p->current();
      return step && std::ranges::any_of(step->unmet, [](const Condition& c) { return c.guard == "windows"; });
    };
    if (world_.events() == before && std::ranges::none_of(live(), waits_for_a_window)) break;
  }
  std::vector<std::string> stuck;
  for (const auto* p : live()) {
    if (p->phase != Phase::waiting) {
      stuck.push_back(to_string(p->id) + " is " + std::string(name_of(p->phase)));
      continue;
    }
    bool waits = false;
    for (const auto& condition : judge(world_.state(), *p, world_.now())) {
      if (condition.met) continue;
      waits |= condition.guard == "quarantine" || condition.guard == "healthy" || condition.guard == "approvals" ||
               condition.guard == "otherwise" || condition.guard == "windows" || condition.guard == "maintenance";
    }
    if (!waits) stuck.push_back(to_string(p->id) + " waits for nothing that somebody could not give");
  }
  return stuck;
}

}  // namespace headgate::sim
