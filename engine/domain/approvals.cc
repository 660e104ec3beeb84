#include "engine/domain/approvals.h"

#include <algorithm>
#include <utility>

#include "engine/domain/access.h"
#include "engine/domain/conditions.h"
#include "engine/domain/flow.h"
#include "engine/domain/gates.h"
#include "engine/domain/promote.h"

namespace headgate {
namespace {

bool holds(const auto& range, std::string_view value) {
  return std::ranges::find(range, value) != std::ranges::end(range);
}

bool serves(const Approval& approval, const ApprovalRule& rule) {
  return approval.team == rule.team || holds(approval.also, rule.team);
}

// Of two identities that have turned out to be one person the first counts.
std::vector<const Approval*> in_force(const State& state, const Promotion& p, Timestamp now) {
  std::vector<const Approval*> all;
  for (const auto& approval : p.approvals) {
    const auto theirs = [&](const Approval* other) {
      return same_person(state.access(), other->approver, approval.approver);
    };
    if (approval.expires > now && std::ranges::none_of(all, theirs)) all.push_back(&approval);
  }
  return all;
}

std::size_t count_for(const std::vector<const Approval*>& approvals, const ApprovalRule& rule) {
  return static_cast<std::size_t>(std::ranges::count_if(approvals, [&](const auto* a) { return serves(*a, rule); }));
}

// Those without whom no requirement falls below its count, the ones that serve the fewest first.
std::vector<const Approval*> spare(const State& state, const Promotion& p, Timestamp now) {
  const auto& rules = approval_rules(p);
  auto rest = in_force(state, p, now);
  auto candidates = rest;
  std::ranges::stable_sort(candidates, {}, [&](const Approval* a) {
    return std::ranges::count_if(rules, [&](const ApprovalRule& rule) { return serves(*a, rule); });
  });
  std::vector<const Approval*> all;
  for (const auto* candidate : candidates) {
    const bool needed = std::ranges::any_of(rules, [&](const ApprovalRule& rule) {
      return serves(*candidate, rule) && count_for(rest, rule) <= rule.count;
    });
    if (needed) continue;
    std::erase(rest, candidate);
    all.push_back(candidate);
  }
  return all;
}

std::vector<std::string> names_of(const std::vector<const Approval*>& approvals) {
  std::vector<std::string> names;
  for (const auto* approval : approvals) names.push_back(approval->approver);
  return names;
}

// Who has written the Target document since: another text of the same wish asks for it too.
std::vector<std::string> wrote_since(const State& state, const Promotion& p) {
  const auto* target = p.trigger == Trigger::desired ? state.find(p.id.target) : nullptr;
  if (!target) return {};
  const bool in_order = keeps_order(state, p.id.target);
  if (target->desired != p.to) return in_order ? std::vector<std::string>{} : target->document_people;
  if (!in_order) return people_inside(*target);  // also who wished it once more
  // What others wish waits for its own turn.
  auto people = target->document_people;
  for (const auto& person : target->desired_people) add_unique(people, person);
  return people;
}

// Who of these teams could give what is missing, and when they are too few, what keeps the others from it.
std::string who_can_approve(const State& state, const Promotion& p, const std::vector<std::string>& teams,
                            std::size_t missing, bool first) {
  const auto* policy = state.access();
  std::vector<std::string> able;
  std::vector<std::string> barred;
  std::vector<std::string> without_role;
  for (const auto& team : teams) {
    if (!policy) break;
    const auto allowed = approvers(*policy, team, p.id.target);
    for (const auto& known : policy->teams) {
      if (known.name != team) continue;
      for (const auto& member : known.members) {
        if (holds(able, member) || holds(barred, member)) continue;
        if (std::ranges::any_of(p.approvals,
                                [&](const Approval& a) { return same_person(policy, a.approver, member); })) {
          continue;
        }
        if (!holds(allowed, member)) {
          if (!holds(without_role, member)) without_role.push_back(member);
        } else if (!p.rules.self_approval && is_inside(state, p, member)) {
          barred.push_back(member);
        } else {
          able.push_back(member);
        }
      }
    }
  }
  std::string text;
  const auto what = first ? std::string(missing == 1 ? "it" : "them")
                          : "the other" + (missing == 1 ? std::string() : " " + std::to_string(missing));
  if (!able.empty()) {
    std::vector<std::string> named;
    for (const auto& person : able) {
      const auto asked = asked_of_approver(*policy, person, p.id.target);
      named.push_back(asked.empty() ? person : person + " (signed in with " + asked + ")");
    }
    text = joined(named, ", ") + " can give " + what + ": headgate approve " + to_string(p.id);
    if (able.size() >= missing) return text;
    text += "; ";
  }
  text += (able.empty() ? "nobody of " : "nobody else of ") + joined(teams, " or ") + " can give " + what;
  if (!barred.empty() && (holds(p.people, anybody) || holds(wrote_since(state, p), anybody))) {
    return text +
           ", for its commit came with too many to tell whose work is inside: cancel it and ask for it by hand "
           "(headgate promote)";
  }
  if (!barred.empty()) text += ", for the work of " + joined(barred, ", ") + " is inside or they asked for it";
  if (!without_role.empty()) {
    text += (barred.empty() ? ", for " : ", and ") + joined(without_role, ", ") + " " +
            (without_role.size() == 1 ? "lacks" : "lack") + " the approver role in " + p.id.target.environment;
  }
  return text + ": let somebody else join, or change the stage's protection";
}

std::vector<std::string> distinct_teams(const std::vector<ApprovalRule>& rules) {
  std::vector<std::string> teams;
  for (const auto& rule : rules) add_unique(teams, rule.team);
  return teams;
}

// Those that were given for the requirement and do not count any more, each reason once.
void tell_lost(Condition& c, const Promotion& p, const ApprovalRule& rule) {
  std::vector<std::pair<std::string, std::vector<std::string>>> by_reason;
  for (const auto& lost : p.lost_approvals) {
    if (!holds(lost.teams, rule.team)) continue;
    auto at = std::ranges::find(by_reason, lost.reason, [](const auto& entry) { return entry.first; });
    if (at == by_reason.end()) at = by_reason.insert(at, {lost.reason, {}});
    at->second.push_back(lost.approver + "'s");
    c.events.push_back(lost.position);
  }
  for (const auto& [reason, whose] : by_reason) {
    c.text += "; " + joined(whose, " and ");
    c.text += reason.empty() ? " expired" : (whose.size() == 1 ? " was voided: " : " were voided: ") + reason;
  }
}

// One person more than the requirements ask for; `before`: how many reasons have taken theirs.
void judge_one_more(Condition& c, const State& state, const Promotion& p, Timestamp now, std::size_t before,
                    const std::string& reasons, const std::string& instead) {
  const auto teams = distinct_teams(approval_rules(p));
  const auto extra = spare(state, p, now);
  c.met = extra.size() > before;
  c.text = "one more approval of " + joined(teams, " or ") + ": " +
           (c.met ? "given by " + extra[before]->approver : std::string("0 given")) + "; since " + reasons;
  if (c.met) {
    c.events.push_back(extra[before]->position);
  } else {
    c.remedy = who_can_approve(state, p, teams, 1, true) + instead;
  }
}

}  // namespace

const std::vector<ApprovalRule>& approval_rules(const Promotion& p) {
  static const std::vector<ApprovalRule> none;
  const auto* step = first_of(p, StepKind::approval);
  return step ? step->step->approvals : none;
}

std::string team_names(const std::vector<ApprovalRule>& rules) {
  std::vector<std::string> names;
  for (const auto& rule : rules) names.push_back(rule.team);
  return joined(names, ", ");
}

bool is_inside(const State& state, const Promotion& p, std::string_view person) {
  const auto* policy = state.access();
  const auto is = [&](const std::string& id) { return id == anybody || same_person(policy, id, person); };
  if (std::ranges::any_of(p.people, is)) return true;
  const auto since = wrote_since(state, p);
  return std::ranges::any_of(since, is);
}

std::vector<std::string> unknown_authors(const State& state, const Promotion& p) {
  const auto* policy = state.access();
  std::vector<std::string> unknown;
  const auto since = wrote_since(state, p);
  for (const auto* people : {&p.people, &since}) {
    for (const auto& id : *people) {
      if (id.starts_with("person:") && !(policy && knows(*policy, id)) && !holds(unknown, id)) unknown.push_back(id);
    }
  }
  return unknown;
}

const LiveStep* unknown_authors_step(const Promotion& p) {
  const auto at = std::ranges::find_if(p.steps, [](const LiveStep& s) { return s.step->unknown_authors.has_value(); });
  return at == p.steps.end() ? nullptr : &*at;
}

std::vector<std::string> authors_to_answer_for(const State& state, const Promotion& p) {
  const auto* step = unknown_authors_step(p);
  if (!step || step->step->unknown_authors->then != UnknownAuthors::extra_approval) return {};
  return unknown_authors(state, p);
}

std::vector<std::string> teams_of(const State& state, const Promotion& p, std::string_view person,
                                  std::string_view team) {
  const auto* policy = state.access();
  if (!policy) return {};
  const auto given = in_force(state, p, Timestamp{});  // all: what has expired is taken away before anybody approves
  std::vector<std::string> lacking;
  std::vector<std::string> others;
  for (const auto& rule : approval_rules(p)) {
    if (!team.empty() && team != rule.team) continue;
    if (holds(lacking, rule.team) || holds(others, rule.team)) continue;
    if (!holds(approvers(*policy, rule.team, p.id.target), person)) continue;
    (count_for(given, rule) < rule.count ? lacking : others).push_back(rule.team);
  }
  lacking.insert(lacking.end(), others.begin(), others.end());
  return lacking;
}

std::string not_enough_any_more(const State& state, const Promotion& p, const Approval& approval) {
  if (!p.rules.self_approval && is_inside(state, p, approval.approver)) {
    return "the work of " + approval.approver + " is inside, as has been found since";
  }
  for (const auto& author : authors_to_answer_for(state, p)) {
    if (!holds(approval.unknown_authors, author)) {
      return "a new reason for approval: the AccessPolicy does not know " + author + ", whose work is inside";
    }
  }
  return new_reason(exceptions_of(state, p), approval.exceptions);
}

std::vector<Condition> judge_approvals(const State& state, const Promotion& p, Timestamp now) {
  std::vector<Condition> all;
  const auto given = in_force(state, p, now);
  for (const auto& rule : approval_rules(p)) {
    auto c = condition_of(p, "approvals", rule.line);
    std::vector<const Approval*> counted;
    for (const auto* approval : given) {
      if (serves(*approval, rule)) counted.push_back(approval);
    }
    for (const auto* approval : counted) c.events.push_back(approval->position);
    c.met = counted.size() >= rule.count;
    c.text = std::to_string(rule.count) + (rule.count == 1 ? " approval of " : " approvals of ") + rule.team + ": " +
             std::to_string(counted.size()) + " given" +
             (counted.empty() ? std::string() : " by " + joined(names_of(counted), ", "));
    tell_lost(c, p, rule);
    if (!c.met) c.remedy = who_can_approve(state, p, {rule.team}, rule.count - counted.size(), counted.empty());
    all.push_back(std::move(c));
  }
  return all;
}

std::vector<Condition> judge_otherwise(const State& state, const Promotion& p, Timestamp now) {
  const auto exceptions = exceptions_of(state, p);
  if (exceptions.empty() || approval_rules(p).empty()) return {};
  auto c = condition_of(p, "otherwise", exceptions.front().line);
  std::vector<std::string> reasons;
  for (const auto& exception : exceptions) {
    reasons.push_back(exception.text);
    c.events.push_back(exception.position);
  }
  judge_one_more(c, state, p, now, 0, joined(reasons, "; "), "; or mend it and report it again");
  return {std::move(c)};
}

std::vector<Condition> judge_extra_approval(const State& state, const Promotion& p, Timestamp now) {
  const auto unknown = authors_to_answer_for(state, p);
  if (unknown.empty() || approval_rules(p).empty()) return {};
  auto c = condition_of(p, "extraApproval", unknown_authors_step(p)->step->unknown_authors->line);
  c.events = {p.planned_at};
  if (p.attribution) c.events.push_back(p.attribution->position);
  judge_one_more(c, state, p, now, exceptions_of(state, p).empty() ? 0 : 1,
                 "the AccessPolicy does not know " + joined(unknown, ", ") + ", whose work is inside",
                 "; or name them in the AccessPolicy");
  return {std::move(c)};
}

}  // namespace headgate
