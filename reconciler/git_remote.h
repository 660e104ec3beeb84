// Brings the head of one branch from a remote into the clone: straight from the disk of this host, or by libgit2's
// transports. Says which branches there are when the wanted one is missing. And the other way: pushes one commit.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "reconciler/git_repository.h"
#include "reconciler/git_url.h"
#include "reconciler/libgit.h"

namespace headgate::reconciler {

// What a message may not hold, as it reads now.
std::optional<std::string> token_now(const GitRepositoryConfig& config);

// The commit the branch stands at; it and all it reaches are in `clone` and refs/heads/<branch> there names it.
// corrupt: the clone is damaged (never said of the remote).
Result<git_oid> bring_head(git_repository* clone, const GitRepositoryConfig& config, const GitUrl& url,
                           const std::stop_token& stop);

struct BroughtRefs {
  std::vector<GitRef> refs;
  std::size_t left_out = 0;  // over GitRepository::max_refs
};
// The branches and tags that the configuration's patterns name, each peeled to its commit, in no order; they and all
// they reach are in `clone`. What names no commit is left out. Errors as bring_head.
Result<BroughtRefs> bring_refs(git_repository* clone, const GitRepositoryConfig& config, const GitUrl& url,
                               const std::stop_token& stop);

// Moves the branch at the remote to a commit of the clone, and the clone's own with it. conflict when that would lose
// commits that the remote has: nothing is ever forced. Errors else as bring_head.
Result<void> push_head(git_repository* clone, const GitRepositoryConfig& config, const GitUrl& url,
                       const git_oid& commit, const std::stop_token& stop);

}  // namespace headgate::reconciler
