#include "engine/domain/governance.h"

#include <algorithm>
#include <map>
#include <set>

#include "engine/domain/access.h"
#include "engine/domain/approvals.h"
#include "engine/domain/canonical_text.h"
#include "engine/domain/record_size.h"
#include "engine/domain/renames.h"

namespace headgate {
namespace {

constexpr std::size_t named_at_most = 10;      // scripts, documents and targets, in records and texts
constexpr std::size_t max_script_bytes = 256;  // of a path, there

std::string canonical(const Document& document) {
  return std::visit([](const auto& d) { return canonical_text(d); }, document);
}

std::optional<Document> in_force(const State& state, const DocumentKey& key) {
  switch (key.kind) {
    case DocumentKind::service:
      if (const auto* service = state.service(key.name)) return *service;
      return std::nullopt;
    case DocumentKind::environment: {
      const auto at = state.environments.find(key.name);
      if (at == state.environments.end()) return std::nullopt;
      return at->second.document;
    }
    case DocumentKind::access_policy:
      if (const auto* access = state.access(); access && access->name == key.name) return *access;
      return std::nullopt;
    case DocumentKind::notification_policy: {
      const auto at = state.notification_policies.find(key.name);
      if (at == state.notification_policies.end()) return std::nullopt;
      return at->second.document;
    }
    case DocumentKind::target:
      return std::nullopt;
  }
  return std::nullopt;
}

// What the commit leaves of each document: of one that is staged twice, the later one.
std::map<DocumentKey, const Staged*> outcome_of(std::span<const Staged> staged) {
  std::map<DocumentKey, const Staged*> last;
  for (const auto& entry : staged) last[entry.key] = &entry;
  return last;
}

std::string plural(std::uint64_t count, const std::string& word) {
  return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

std::string full_name(const DocumentKey& key) {
  return std::string(name_of(key.kind)) + "/" + key.name;
}

// The scripts that both run, with another content.
std::set<std::string> changed_scripts(const Document& before, const Document& now) {
  std::map<std::string_view, std::string_view> blobs;
  for (const auto* run : runs_of(before)) {
    if (!run->blob.empty()) blobs.emplace(run->command.front(), run->blob);
  }
  std::set<std::string> changed;
  for (const auto* run : runs_of(now)) {
    const auto at = run->blob.empty() ? blobs.end() : blobs.find(run->command.front());
    if (at != blobs.end() && at->second != run->blob) changed.insert(run->command.front());
  }
  return changed;
}

bool say_the_same_but_for_scripts(const Document& before, const Document& now) {
  const auto text_of = [](const Document& document) {
    CanonicalText text;
    text.without_blobs = true;
    std::visit([&](const auto& d) { text.write(d); }, document);
    return std::move(text.text);
  };
  return text_of(before) == text_of(now);
}

// "hooks/check.sh (used by 13 services)", or by the one document that it is. Whoever uses a script that has changed is
// staged.
std::string script_name(const std::string& script, const std::map<DocumentKey, const Staged*>& staged) {
  std::vector<const DocumentKey*> users;
  for (const auto& [key, entry] : staged) {
    if (key.kind == DocumentKind::target || !entry->document) continue;
    const auto runs = runs_of(entry->document->document);
    if (std::ranges::any_of(runs,
                            [&](const Run* run) { return !run->blob.empty() && run->command.front() == script; })) {
      users.push_back(&key);
    }
  }
  const auto services = static_cast<std::uint64_t>(
      std::ranges::count_if(users, [](const DocumentKey* key) { return key->kind == DocumentKind::service; }));
  const auto environments = users.size() - services;
  std::string by = services > 0 ? plural(services, "service") : "";
  if (environments > 0) by += (by.empty() ? "" : " and ") + plural(environments, "environment");
  if (users.size() == 1) by = full_name(*users.front());
  return cut_text(script, max_script_bytes) + " (used by " + by + ")";
}

// What of the policy the commit changes, as whoever approves it is told. A document in which nothing but a script's
// content is another is not named: its script is.
std::vector<std::string> changes_of_policy(const State& state, const std::map<DocumentKey, const Staged*>& staged) {
  std::set<std::string> scripts;
  std::vector<std::string> documents;
  for (const auto& [key, entry] : staged) {
    if (key.kind == DocumentKind::target) continue;
    const auto before = in_force(state, key);
    if (before && entry->document) {
      const auto& now = entry->document->document;
      if (canonical(*before) == canonical(now)) continue;
      auto changed = changed_scripts(*before, now);
      const bool in_them_alone = !changed.empty() && say_the_same_but_for_scripts(*before, now);
      scripts.merge(changed);
      if (in_them_alone) continue;
    } else if (!before && !entry->document) {
      continue;
    }
    documents.push_back(full_name(key));
  }
  std::vector<std::string> names;
  for (const auto& script : scripts) names.push_back(script_name(script, staged));
  names.insert(names.end(), documents.begin(), documents.end());
  return names;
}

std::vector<TargetId> removed_targets(const State& state, std::span<const Staged> staged) {
  const auto last = outcome_of(staged);
  const auto renames = renames_of(staged);
  std::vector<TargetId> removed;
  for (const auto& [key, entry] : last) {
    if (key.kind != DocumentKind::target || entry->document) continue;
    auto id = target_of(key.name);
    const auto* target = state.find(id);
    if (!target || !target->document) continue;
    if (const auto to = renames.of(id)) {
      const auto renamed = last.find({DocumentKind::target, document_name(*to)});
      if (renamed != last.end() && renamed->second->document) continue;
    }
    removed.push_back(std::move(id));
  }
  return removed;
}

std::string list(const auto& names, std::uint64_t of, auto text_of) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + text_of(name);
  return of > names.size() ? text + ", …" : text;
}

bool may_approve_as(const State& state, const std::string& team, const std::string& person, const Claims* claims) {
  const auto* policy = state.access();
  return policy && is_member(*policy, team, person) && holds(state, person, claims, Role::approver, Reach::somewhere());
}

std::string who_can_approve(const State& state, const Proposal& proposal, const std::vector<ApprovalRule>& rules) {
  std::set<std::string> able;
  if (const auto* policy = state.access()) {
    for (const auto& team : policy->teams) {
      if (std::ranges::find(rules, team.name, &ApprovalRule::team) == rules.end()) continue;
      for (const auto& member : team.members) {
        const bool gave =
            std::ranges::find(proposal.approvals, member, &ConfigurationApproval::approver) != proposal.approvals.end();
        if (!gave && !is_own_work(state, proposal, member) && may_approve_as(state, team.name, member, nullptr)) {
          able.insert(member);
        }
      }
    }
  }
  if (std::ranges::find(proposal.change.people, anybody) != proposal.change.people.end()) {
    return "nobody can give it: it came with more commits than can be told apart; go back to the commit in force and "
           "push it in smaller parts";
  }
  if (able.empty()) {
    return "nobody of " + team_names(rules) +
           " can give it: all others have work in it, have approved or hold no approver role; change governance in "
           "the server's file";
  }
  return list(able, able.size(), [](const std::string& person) { return person; }) +
         " can approve: headgate config approve " + proposal.change.digest;
}

Condition condition(const Proposal& proposal, std::string_view guard) {
  Condition c;
  c.guard = guard;
  c.events = {proposal.position};
  return c;
}

}  // namespace

bool removes_many(const ConfigurationChange& change) {
  return change.removed > 1 && change.removed * 10 > change.targets;
}

bool takes_approval(const ConfigurationChange& change) {
  return (!change.governance.empty() && change.policy > 0) || removes_many(change);
}

ConfigurationChange change_of(const State& state, const AcceptConfiguration& command, std::span<const Staged> staged,
                              DigestFunction digest) {
  ConfigurationChange change;
  change.documents = staged.size();
  change.governance = command.governance;
  // Targets that stay ask for nobody's approval, and a large change is mostly those.
  const auto asks = [&](const Staged& entry) {
    return !entry.document || (entry.key.kind != DocumentKind::target && !change.governance.empty());
  };
  if (std::ranges::none_of(staged, asks)) return change;
  const auto last = outcome_of(staged);
  if (!change.governance.empty()) {
    change.names = changes_of_policy(state, last);
    change.policy = change.names.size();
    if (change.names.size() > named_at_most) change.names.resize(named_at_most);
  }
  if (std::ranges::any_of(last, [](const auto& entry) { return !entry.second->document; })) {
    auto removed = removed_targets(state, staged);
    change.removed = removed.size();
    change.targets = static_cast<std::uint64_t>(
        std::ranges::count_if(state.targets, [](const auto& entry) { return entry.second.document.has_value(); }));
    if (removed.size() > named_at_most) removed.resize(named_at_most);
    change.first = std::move(removed);
  }
  if (!takes_approval(change)) return change;
  change.by_admin = !change.governance.empty() && !state.access();
  if (const auto at = state.repositories.find(command.repository); at != state.repositories.end()) {
    change.people = at->second.people;
  }
  CanonicalText text;
  text("commit", command.commit);
  text("governance", change.governance);
  text("removed", change.removed);
  text("targets", change.targets);
  for (const auto& [key, entry] : last) {
    text("key", key);
    text("document", entry->document ? canonical(entry->document->document) : std::string());
  }
  change.digest = digest(text.text);
  return change;
}

std::string describe_change(const ConfigurationChange& change) {
  std::string text;
  if (change.policy > 0) {
    text = "changes " + list(change.names, change.policy, [](const std::string& name) { return name; });
  }
  if (removes_many(change)) {
    text += (text.empty() ? "" : "; ") + ("removes " + std::to_string(change.removed)) + " of " +
            plural(change.targets, "target") + ": " +
            list(change.first, change.removed, [](const TargetId& id) { return to_string(id); });
  }
  return text;
}

bool holds(const State& state, const std::string& actor, const Claims* claims, Role role, const Reach& reach) {
  const auto allowed = [&](const std::string& token, const std::string& person) {
    return may(state, {token, person, claims ? *claims : Claims{}, !claims}, role, reach);
  };
  if (actor.starts_with("token:")) return allowed(actor, {});
  if (allowed({}, actor)) return true;
  const auto* policy = state.access();
  if (!policy) return false;
  const auto person = std::ranges::find(policy->people, actor, &Person::id);
  return person != policy->people.end() &&
         std::ranges::any_of(person->tokens, [&](const std::string& token) { return allowed(token, actor); });
}

bool is_own_work(const State& state, const Proposal& proposal, const std::string& actor) {
  return std::ranges::any_of(proposal.change.people, [&](const std::string& id) {
    return id == anybody || same_person(state.access(), id, actor);
  });
}

std::vector<Condition> judge_proposal(const State& state, const Proposal& proposal) {
  std::vector<Condition> all;
  const auto& change = proposal.change;
  const auto given_as = [&](const std::string& team, Condition& c) {
    std::uint32_t count = 0;
    std::string names;
    for (const auto& approval : proposal.approvals) {
      if (approval.team != team) continue;
      ++count;
      names += (names.empty() ? "" : ", ") + approval.approver;
      c.events.push_back(approval.position);
    }
    c.text += std::to_string(count) + " given" + (names.empty() ? "" : " by " + names);
    return count;
  };
  if (change.by_admin) {
    auto c = condition(proposal, "governance");
    c.text = "an approval by an administrator, since no AccessPolicy is in force: ";
    c.met = given_as({}, c) > 0;
    if (!c.met) c.remedy = "with the token of an administrator: headgate config approve " + change.digest;
    return {std::move(c)};
  }
  std::uint32_t more = 0;
  for (const auto& rule : change.governance) {
    const auto required = change.policy > 0 ? rule.count : 0;
    auto c = condition(proposal, "governance");
    c.line = rule.line;
    c.text = plural(required, "approval") + " of " + rule.team + ": ";
    const auto count = given_as(rule.team, c);
    c.met = count >= required;
    more += count - std::min(count, required);
    if (!c.met) c.remedy = who_can_approve(state, proposal, {rule});
    if (required > 0) all.push_back(std::move(c));
  }
  if (!removes_many(change)) return all;
  auto c = condition(proposal, "removal");
  const auto what = "it removes " + std::to_string(change.removed) + " of " + plural(change.targets, "target");
  if (change.governance.empty()) {
    c.text = "an approval by an operator, since " + what + ": ";
    c.met = given_as({}, c) > 0;
    if (!c.met) c.remedy = "an operator whose work is not in it: headgate config approve " + change.digest;
  } else {
    c.text = std::string(change.policy > 0 ? "one more" : "one") + " approval of " + team_names(change.governance) +
             ", since " + what + ": " + std::to_string(more) + " given";
    c.met = more > 0;
    if (!c.met) c.remedy = who_can_approve(state, proposal, change.governance);
  }
  all.push_back(std::move(c));
  return all;
}

std::optional<Condition> explain_proposal(const State& state, const TargetId& id) {
  const auto& proposal = state.configuration.proposal;
  if (!proposal) return std::nullopt;
  const DocumentKey key{DocumentKind::target, document_name(id)};
  const auto staged = std::ranges::find(proposal->staged, key, &Staged::key);
  if (staged == proposal->staged.end()) return std::nullopt;
  auto c = condition(*proposal, "governance");
  c.text = std::string(staged->document ? "its document" : "the removal of its document") + " at commit " +
           proposal->commit + " waits with a configuration that " + describe_change(proposal->change);
  c.remedy = "headgate config status";
  if (staged->document) {
    c.file = staged->document->source.file;
    c.line = staged->document->source.line;
    c.commit = proposal->commit;
  }
  return c;
}

Result<std::string> counts_for(const State& state, const Proposal& proposal, const std::string& actor,
                               const Claims& claims, const std::string& asked) {
  const auto& change = proposal.change;
  if (change.by_admin) {
    if (holds(state, actor, &claims, Role::admin, Reach::everywhere())) return std::string();
    return fail(ErrorCode::forbidden, "no AccessPolicy is in force: an administrator must approve");
  }
  if (change.governance.empty()) {
    for (const auto& id : removed_targets(state, proposal.staged)) {
      if (holds(state, actor, &claims, Role::operator_, Reach::of(id))) continue;
      return fail(ErrorCode::forbidden, "an operator must approve, and you are none for " + to_string(id));
    }
    return std::string();
  }
  if (!actor.starts_with("person:")) {
    return fail(ErrorCode::forbidden, "only a person can approve: the AccessPolicy gives this token to nobody");
  }
  std::string fits;
  for (const auto& rule : change.governance) {
    if ((!asked.empty() && asked != rule.team) || !may_approve_as(state, rule.team, actor, &claims)) continue;
    const auto given = std::ranges::count(proposal.approvals, rule.team, &ConfigurationApproval::team);
    if (static_cast<std::uint32_t>(given) < rule.count) return rule.team;
    if (fits.empty()) fits = rule.team;
  }
  if (!fits.empty()) return fits;
  for (const auto& rule : change.governance) {
    if ((!asked.empty() && asked != rule.team) || !may_approve_as(state, rule.team, actor, nullptr)) continue;
    return fail(ErrorCode::forbidden, missing_claims(state, {{}, actor, claims}, Role::approver, Reach::somewhere()));
  }
  return fail(ErrorCode::forbidden, "the approval of " + (asked.empty() ? team_names(change.governance) : asked) +
                                        " is asked for, and you are not a member with the approver role");
}

}  // namespace headgate
