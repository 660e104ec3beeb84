// What a commit may not change by itself: the policy, where the host's file has `governance`, and more than a tenth of
// all targets at once. Such a commit is proposed, and takes force when those have agreed who may under the policy in
// force before it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/domain/decide.h"

namespace headgate {

// What the documents staged for a commit would change.
ConfigurationChange change_of(const State& state, const AcceptConfiguration& command, std::span<const Staged> staged,
                              DigestFunction digest);

// More than one target, and more than a tenth of all.
bool removes_many(const ConfigurationChange& change);
bool takes_approval(const ConfigurationChange& change);
// The mistake of a commit that changes the policy and should be signed; `why` it does not count as signed.
Diagnostic not_signed(const ConfigurationChange& change, std::span<const Staged> staged, const std::string& commit,
                      const std::string& why);

// "changes hooks/check.sh (used by 13 services), Service/gateway; removes 12 of 40 targets: a/production, …"
std::string describe_change(const ConfigurationChange& change);

// What of the proposal concerns the target; nullopt: nothing waits for it.
std::optional<Condition> explain_proposal(const State& state, const TargetId& target);

// Which approvals are given and which are missing, and who can give those.
std::vector<Condition> judge_proposal(const State& state, const Proposal& proposal);

// The team that an approval by the actor counts for (empty: as an administrator or operator), or why it counts for
// none. `claims`: of how they signed in. `asked`: the team that they named, or empty.
Result<std::string> counts_for(const State& state, const Proposal& proposal, const std::string& actor,
                               const Claims& claims, const std::string& asked);
// Whether the actor's own work is in what is proposed.
bool is_own_work(const State& state, const Proposal& proposal, const std::string& actor);

// Whether a person, whichever of their tokens they come in with, or a token holds the role. `claims`: of their sign-in;
// null: with any.
bool holds(const State& state, const std::string& actor, const Claims* claims, Role role, const Reach& reach);

}  // namespace headgate
