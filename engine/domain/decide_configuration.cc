// What becomes of the documents staged for a commit: in force, proposed, approved, declined, rejected.
#include <algorithm>

#include "engine/domain/decide_parts.h"
#include "engine/domain/governance.h"
#include "engine/domain/record_size.h"

namespace headgate {
namespace {

void supersede(Events& events, const std::optional<Proposal>& proposal, const std::string& reason) {
  if (!proposal) return;
  ConfigurationSuperseded superseded{proposal->repository, proposal->commit, proposal->change.digest, reason, {}};
  for (const auto& approval : proposal->approvals) superseded.approvers.push_back(approval.approver);
  events.emplace_back(std::move(superseded));
}

Result<const Proposal*> find_proposal(const State& state, const std::string& digest) {
  const auto& proposal = state.configuration.proposal;
  if (!proposal) return fail(ErrorCode::conflict, "no configuration waits for approval");
  if (digest != proposal->change.digest) {
    return fail(ErrorCode::conflict,
                "another configuration waits for approval: look at it before you approve or reject",
                {{"/digest", digest, proposal->change.digest}});
  }
  return &*proposal;
}

}  // namespace

Diagnostic not_signed(const ConfigurationChange& change, std::span<const Staged> staged, const std::string& commit,
                      const std::string& why) {
  const auto& name = change.names.front();
  Diagnostic diagnostic;
  const auto changed = std::ranges::find_if(
      staged, [&](const Staged& s) { return std::string(name_of(s.key.kind)) + "/" + s.key.name == name; });
  if (changed == staged.end()) {  // a script
    diagnostic.file = name.substr(0, name.rfind(" (used by "));
    diagnostic.line = diagnostic.column = 1;
  } else if (changed->document) {
    diagnostic.file = changed->document->source.file;
    diagnostic.line = changed->document->source.line;
    diagnostic.column = 1;
  }
  diagnostic.message = name + " changes, and commit " + commit.substr(0, 12) +
                       " is not signed by one of the allowed signers: " + cut_text(why, max_reason_bytes);
  diagnostic.expected = "a commit signed by a key of governance.signedBy in the server's file";
  return diagnostic;
}

Decision decide_command(const State& state, const AcceptConfiguration& c, const Context& context) {
  const auto& known = state.configuration;
  if (c.base && *c.base != known.commit) {
    return fail(ErrorCode::conflict, "another configuration has taken force meanwhile: compare with that");
  }
  // What was staged for another commit, before a crash, is forgotten.
  const auto staged = known.staged_commit == c.commit ? std::span(known.staged) : std::span<const Staged>();
  const bool same = known.proposal && known.proposal->commit == c.commit;
  if (same && staged.empty()) return Events{};  // told twice
  Events events;
  const auto replaced =
      same ? std::string("what it takes to approve it has changed") : "commit " + c.commit + " came after it";
  if (known.commit == c.commit && known.rejected_commit.empty() && !known.declined && staged.empty()) {
    supersede(events, known.proposal, replaced);
    return events;
  }
  auto change = change_of(state, c, staged, context.digest);
  if (c.not_signed && change.policy > 0) {
    supersede(events, known.proposal, replaced);
    events.emplace_back(
        ConfigurationRejected{c.repository, c.commit, {not_signed(change, staged, c.commit, *c.not_signed)}, 0});
    return events;
  }
  if (!takes_approval(change)) {
    supersede(events, known.proposal, replaced);
    events.emplace_back(ConfigurationAccepted{c.repository, c.commit, staged.size()});
    return events;
  }
  if (same && known.proposal->change.digest == change.digest) return Events{};
  supersede(events, known.proposal, replaced);
  events.emplace_back(ConfigurationProposed{c.repository, c.commit, std::move(change)});
  return events;
}

Decision decide_command(const State& state, const RejectConfiguration& c, const Context&) {
  ConfigurationRejected rejected{c.repository, c.commit, {}, 0};
  std::size_t bytes = 0;
  for (const auto& diagnostic : c.diagnostics) {
    bytes += stored_size_bound(diagnostic);
    if (bytes > 48 * 1024) break;
    rejected.diagnostics.push_back(diagnostic);
  }
  rejected.omitted = c.diagnostics.size() - rejected.diagnostics.size();
  // Told twice. Looked at again, after something of the host has changed, it may have other mistakes.
  if (state.configuration.rejected_commit == c.commit && state.configuration.diagnostics == rejected.diagnostics) {
    return Events{};
  }
  Events events;
  supersede(events, state.configuration.proposal, "commit " + c.commit + " came after it");
  events.emplace_back(std::move(rejected));
  return events;
}

Decision decide_command(const State& state, const ApproveConfiguration& c, const Context& context) {
  HEADGATE_TRY_VOID(check_text("/comment", c.comment, max_reason_bytes));
  HEADGATE_TRY_VOID(check_text("/team", c.team, 63));
  HEADGATE_TRY(const Proposal* proposal, find_proposal(state, c.digest));
  if (const auto at = state.repositories.find(proposal->repository);
      at != state.repositories.end() && at->second.head != proposal->commit) {
    return fail(ErrorCode::conflict, "commit " + at->second.head + " came after what is proposed: look again");
  }
  HEADGATE_TRY(auto team, counts_for(state, *proposal, context.actor, context.claims, c.team));
  if (is_own_work(state, *proposal, context.actor)) {
    return fail(ErrorCode::forbidden, "your own work is in it: somebody else must approve");
  }
  if (std::ranges::find(proposal->approvals, context.actor, &ConfigurationApproval::approver) !=
      proposal->approvals.end()) {
    return fail(ErrorCode::conflict, "you have approved it already; one person counts once");
  }
  auto approved = *proposal;
  approved.approvals.push_back({context.actor, team, c.comment, state.next, context.now});
  Events events{ConfigurationApproved{proposal->repository, proposal->commit, c.digest, std::move(team), c.comment}};
  if (std::ranges::all_of(judge_proposal(state, approved), &Condition::met)) {
    events.emplace_back(ConfigurationAccepted{proposal->repository, proposal->commit, proposal->change.documents});
  }
  return events;
}

Decision decide_command(const State& state, const DeclineConfiguration& c, const Context& context) {
  HEADGATE_TRY_VOID(check_text("/comment", c.comment, max_reason_bytes));
  HEADGATE_TRY(const Proposal* proposal, find_proposal(state, c.digest));
  HEADGATE_TRY_VOID(counts_for(state, *proposal, context.actor, context.claims, {}));
  return Events{ConfigurationDeclined{proposal->repository, proposal->commit, c.digest, c.comment}};
}

}  // namespace headgate
