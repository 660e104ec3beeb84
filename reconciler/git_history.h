// Commits as Headgate records them: who stands behind them, in valid and bounded text, and which came since.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ports/repository.h"
#include "reconciler/libgit.h"

namespace headgate::reconciler {

// Valid UTF-8 of at most `max_bytes`, cut between characters; U+FFFD for what is not UTF-8, a space for control
// characters (a commit's text reaches terminals and logs).
std::string clean_text(std::string_view text, std::size_t max_bytes);

// Every "Co-authored-by: Name <email>" line of a message, wherever it stands and however it is capitalized: squash
// merges put trailers in the middle, and overlooking a person would let them approve their own work.
std::vector<CommitPerson> co_authors_of(std::string_view message);

Result<Commit> read_commit(git_repository* repository, const git_oid& id);

Result<SignedCommit> read_signed_commit(git_repository* repository, const git_oid& id);

struct History {
  std::vector<Commit> commits;  // oldest first, the newest `max_commits` of them
  std::uint64_t count = 0;      // all of them, counted up to `max_count`
};
// What is reachable from `head` and not from `known` (nullptr: everything).
Result<History> history_between(git_repository* repository, const git_oid* known, const git_oid& head,
                                std::size_t max_commits, std::uint64_t max_count);

}  // namespace headgate::reconciler
