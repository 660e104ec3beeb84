// Approvals: who may give one, which requirements it serves, and what asks for one more.
//
// One approval serves every requirement whose team its giver is in, unless they named one team to speak for; within a
// requirement a person counts once. A reason for an extra approval asks for one more person of any of the stage's
// approval teams: somebody without whom every requirement would still have its count.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/state.h"

namespace headgate {

// The requirements of the promotion's approval step; empty when it has none.
const std::vector<ApprovalRule>& approval_rules(const Promotion& promotion);

// The teams of requirements as texts list them: "platform, security".
std::string team_names(const std::vector<ApprovalRule>& rules);

// Whether their work is inside, or they asked for it: then they may not approve, unless the rules allow it.
bool is_inside(const State& state, const Promotion& promotion, std::string_view person);

// Of the people inside, those whom the AccessPolicy does not know.
std::vector<std::string> unknown_authors(const State& state, const Promotion& promotion);
// The stage's rule about them, and the step that carries it; null when it has none.
const LiveStep* unknown_authors_step(const Promotion& promotion);
// Those whom an extra approval is asked for; empty where nothing is done about them, or they are refused.
std::vector<std::string> authors_to_answer_for(const State& state, const Promotion& promotion);

// The teams asked for, each once, that the person is in with the approver role; of `team` alone where it is not empty.
// The first one is the one that still needs somebody.
std::vector<std::string> teams_of(const State& state, const Promotion& promotion, std::string_view person,
                                  std::string_view team);

// Why an approval that was given does not hold any more, by who is inside and by what it was given without knowing of.
// Empty: it does.
std::string not_enough_any_more(const State& state, const Promotion& promotion, const Approval& approval);

std::vector<Condition> judge_approvals(const State& state, const Promotion& promotion, Timestamp now);
std::vector<Condition> judge_otherwise(const State& state, const Promotion& promotion, Timestamp now);
std::vector<Condition> judge_extra_approval(const State& state, const Promotion& promotion, Timestamp now);

}  // namespace headgate
