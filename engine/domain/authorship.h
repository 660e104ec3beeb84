// Who stands behind a release: the guards of signed commits and of authors.
#pragma once

#include <string_view>
#include <vector>

#include "engine/domain/state.h"

namespace headgate {

// requires.signedCommit: the release's commit bears a signature by a key of somebody whom the AccessPolicy names now.
std::vector<Condition> judge_signed_commit(const State& state, const Promotion& promotion, Timestamp now);

// That it is known whose work is inside, where somebody else than they must approve it, or where they must be known.
std::vector<Condition> judge_authors(const State& state, const Promotion& promotion, Timestamp now);

// protection.unknownAuthors: refuse
std::vector<Condition> judge_unknown_authors(const State& state, const Promotion& promotion, Timestamp now);

}  // namespace headgate
