// Whose approvals count, and for what.
#include <algorithm>
#include <bit>
#include <tuple>

#include "tests/sim/oracle.h"

namespace headgate::sim {
namespace {

bool covers(const std::vector<std::string>& scope, const std::string& value) {
  return scope.empty() || std::ranges::find(scope, "*") != scope.end() ||
         std::ranges::find(scope, value) != scope.end();
}

}  // namespace

bool Oracle::eligible(const std::string& person, const std::string& team, const TargetId& target) const {
  if (!access_) return false;
  const auto in_team = [&](const std::string& name) {
    return std::any_of(access_->teams.begin(), access_->teams.end(),
                       [&](const Team& t) { return t.name == name && has(t.members, person); });
  };
  return in_team(team) && std::any_of(access_->grants.begin(), access_->grants.end(), [&](const Grant& grant) {
           if (grant.role != Role::approver || !grant.token.empty()) return false;
           if (!covers(grant.services, target.service) || !covers(grant.environments, target.environment)) return false;
           return grant.person == person || (grant.person.empty() && in_team(grant.team));
         });
}

void Oracle::handle(const ApprovalGranted& e) {
  auto* course = live(e.promotion);
  if (!course) return;
  auto& given = course->approvals.emplace_back(Given{actor_, e.plan_digest, elapsed_, {}});
  for (auto teams = e.also; const auto& team : (teams.push_back(e.team), teams)) {
    if (eligible(actor_, team, e.promotion.target)) given.teams.insert(team);
  }
  given.unknown.insert(e.unknown_authors.begin(), e.unknown_authors.end());
  if (const auto* policy = stage(e.promotion.target)) given.seen = exceptions(e.promotion, *course, *policy);
}

void Oracle::handle(const PromotionAttributed& e) {
  attributes_ = true;
  if (auto* course = live(e.promotion)) {
    course->attributed = true;
    course->unattributed = !e.known && e.commits > 0;
    course->authors.insert(e.people.begin(), e.people.end());
  }
}

void Oracle::drop(const PromotionId& id, const std::string& approver) {
  auto* course = live(id);
  if (!course) return;
  for (auto& given : course->approvals) {
    if (given.approver == approver) given.counts = false;
  }
}

std::set<std::string> Oracle::inside(const PromotionId& id, const Course& course) const {
  auto people = course.authors;
  if (const auto place = places_.find(id.target); place != places_.end()) {
    const auto& [to, runs, work] = std::tie(course.planned.to, place->second.current, place->second.work);
    auto end = work.end();
    const auto is_wish = [&, &wish = to](const Work& w) {
      return w.wished.release.version == wish.release.version && w.wished.variables == wish.variables;
    };
    const auto* policy = stage(id.target);
    const bool in_order = course.has_its_turn || (policy && policy->supersede == Supersede::queue);
    if (in_order && course.planned.trigger == Trigger::desired) {  // what was wished since is not among it
      end = std::ranges::find_if(work, [&](const Work& w) { return w.at > course.upto; });
    } else if (course.goes_on && course.planned.trigger == Trigger::desired) {
      // What is retried brings what it was asked for, whatever the document wishes by now.
      const auto wished = std::find_if(work.rbegin(), work.rend(), is_wish).base();
      if (wished != work.begin()) end = wished;
    } else if (course.planned.trigger != Trigger::desired) {
      // Of the document it brings the variables: the work up to where they were written, unless they run already.
      const auto wrote = std::ranges::find(work, to.variables, [](const Work& w) { return w.wished.variables; });
      const bool new_ones = runs ? runs->variables != to.variables : !to.variables.empty();
      end = new_ones && wrote != work.end() ? wrote + 1 : work.begin();
    }
    for (auto at = work.begin(); at != end; ++at) people.insert(at->people.begin(), at->people.end());
  }
  if (course.asked_by != "engine") people.insert(course.asked_by);
  return people;
}

bool Oracle::same(const std::string& one, const std::string& other) const {
  const auto is = [](const Person& p, const std::string& id) { return p.id == id || has(p.also, id); };
  return one == other || (access_ && std::any_of(access_->people.begin(), access_->people.end(),
                                                 [&](const Person& p) { return is(p, one) && is(p, other); }));
}

std::set<std::string> Oracle::strangers(const std::set<std::string>& people) const {
  std::set<std::string> all;
  for (const auto& id : people) {
    const bool known = access_ && std::any_of(access_->people.begin(), access_->people.end(),
                                              [&](const Person& p) { return p.id == id || has(p.also, id); });
    if (id.starts_with("person:") && !known) all.insert(id);
  }
  return all;
}

void Oracle::check_approvals(const PromotionId& id, const Course& course, const Stage& policy) {
  const auto people = inside(id, course);
  const auto asks = exceptions(id, course, policy);
  const bool one_for_strangers =
      policy.unknown_authors && policy.unknown_authors->then == UnknownAuthors::extra_approval;
  const auto unknown = one_for_strangers ? strangers(people) : std::set<std::string>{};
  const auto good = [&](const Given& given) {
    if (!given.counts || given.digest != course.planned.plan_digest || elapsed_ - given.at >= policy.approval_expiry) {
      return false;
    }
    if (!policy.self_approval &&
        std::any_of(people.begin(), people.end(), [&](const auto& p) { return same(p, given.approver); })) {
      return false;
    }
    return std::includes(given.unknown.begin(), given.unknown.end(), unknown.begin(), unknown.end()) &&
           std::all_of(asks.begin(), asks.end(), [&](const auto& exception) {
             const auto seen = given.seen.find(exception.first);
             return seen != given.seen.end() && seen->second >= exception.second;
           });
  };
  std::vector<const Given*> all;
  for (const auto& given : course.approvals) {
    const bool twice =
        std::any_of(all.begin(), all.end(), [&](const auto* g) { return same(g->approver, given.approver); });
    if (good(given) && !twice) all.push_back(&given);
  }
  // With `left_out` of them left out, as bits.
  const auto short_of = [&](std::size_t left_out) -> const ApprovalRule* {
    for (const auto& rule : policy.approvals) {
      std::size_t count = 0;
      for (std::size_t i = 0; i < all.size(); ++i) {
        if ((left_out >> i & 1) == 0 && all[i]->teams.contains(rule.team)) ++count;
      }
      if (count < rule.count) return &rule;
    }
    return nullptr;
  };
  if (const auto* rule = short_of(0)) {
    violated(to_string(id) + " began with too few of " + std::to_string(rule->count) + " approvals of " + rule->team);
  }
  const int more = (asks.empty() ? 0 : 1) + (unknown.empty() ? 0 : 1);
  if (more == 0 || policy.approvals.empty()) return;
  for (std::size_t left_out = 0; left_out < std::size_t{1} << all.size(); ++left_out) {
    if (std::popcount(left_out) == more && !short_of(left_out)) return;
  }
  violated(to_string(id) + " began without the approvals that a metric or an unknown author asked for");
}

void Oracle::check_authorship(const PromotionId& id, const Course& course, const Stage& policy) {
  const auto& commit = course.planned.to.release.commit;
  if (policy.signed_commit && !course.retires) {
    const auto signature = signatures_.find(commit);
    const bool good = signature != signatures_.end() && signature->second.verdict == SignatureVerdict::good &&
                      access_ && std::any_of(access_->people.begin(), access_->people.end(), [&](const Person& p) {
                        return has(p.keys, signature->second.key);
                      });
    if (!good) violated(to_string(id) + " began with a commit that is not signed by anybody known");
  }
  const bool matters = policy.unknown_authors || (!policy.approvals.empty() && !policy.self_approval);
  const auto service = services_.find(id.target.service);
  const bool sourced = service != services_.end() && service->second.source;
  if ((attributes_ || sourced) && matters && !commit.empty() && (!course.attributed || course.unattributed)) {
    violated(to_string(id) + " began before it was known whose work it is");
  }
  if (policy.unknown_authors && policy.unknown_authors->then == UnknownAuthors::refuse &&
      !strangers(inside(id, course)).empty()) {
    violated(to_string(id) + " began with the work of somebody unknown");
  }
}

}  // namespace headgate::sim
