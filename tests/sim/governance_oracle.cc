#include "tests/sim/governance_oracle.h"

#include <algorithm>

namespace headgate::sim {

void GovernanceOracle::see(const Recorded<Event>& record) {
  actor_ = record.meta.actor;
  position_ = record.meta.position;
  std::visit([this](const auto& e) { handle(e); }, record.event);
}

void GovernanceOracle::violated(const std::string& what) {
  violations_.push_back("at position " + std::to_string(position_) + ": " + what);
}

void GovernanceOracle::handle(const TokenCreated& e) {
  if (std::ranges::find(e.roles, Role::admin) != e.roles.end()) administrators_.insert(e.id);
}

void GovernanceOracle::handle(const CommitObserved& e) {
  if (e.repository != "environments") return;
  head_ = e.sha;
  people_.insert({e.author, e.committer});
  people_.insert(e.co_authors.begin(), e.co_authors.end());
}

bool GovernanceOracle::has_role(const std::string& actor, Role role) const {
  if (administrators_.contains(actor)) return true;
  if (!access_) return false;
  return std::ranges::any_of(access_->grants, [&](const Grant& grant) {
    if (grant.role != role && grant.role != Role::admin) return false;
    if (grant.person == actor || grant.token == actor) return true;
    return std::ranges::any_of(access_->teams, [&](const Team& team) {
      return team.name == grant.team && std::ranges::find(team.members, actor) != team.members.end();
    });
  });
}

void GovernanceOracle::handle(const ConfigurationApproved& e) {
  if (head_ != e.commit) violated("commit " + e.commit + " was approved after a newer one had come");
  Given given{actor_, e.team};
  if (access_) {
    given.member = has_role(actor_, Role::approver) && std::ranges::any_of(access_->teams, [&](const Team& team) {
                     return team.name == e.team && std::ranges::find(team.members, actor_) != team.members.end();
                   });
  }
  given.own_work = people_.contains(actor_);
  given.administers = has_role(actor_, Role::admin);
  given.operates = has_role(actor_, Role::operator_);
  approvals_[e.commit].push_back(std::move(given));
}

void GovernanceOracle::handle(const ConfigurationAccepted& e) {
  const auto documents = staged_[e.commit];
  std::size_t targets = 0;
  for (const auto& [name, document] : in_force_) targets += name.starts_with("Target/") ? 1U : 0U;
  std::string policy;
  std::size_t removed = 0;
  // A target that is there under its service's new name is not removed.
  const auto renamed = [&](const std::string& name) {
    return std::ranges::any_of(documents, [&](const auto& entry) {
      const auto* service = entry.second ? std::get_if<Service>(&*entry.second) : nullptr;
      if (!service || service->formerly.empty()) return false;
      const auto before = "Target/" + service->formerly + ".";
      if (!name.starts_with(before)) return false;
      const auto now = documents.find("Target/" + service->name + "." + name.substr(before.size()));
      return now != documents.end() && now->second.has_value();
    });
  };
  for (const auto& [name, document] : documents) {
    const auto before = in_force_.find(name);
    if (name.starts_with("Target/")) {
      if (!document && before != in_force_.end() && !renamed(name)) ++removed;
    } else if (document ? before == in_force_.end() || before->second != *document : before != in_force_.end()) {
      policy = name;
    }
  }
  const bool governed = !policy.empty() && !governance_.empty();
  const bool many = removed > 1 && removed * 10 > targets;

  std::set<std::string> counted;
  std::map<std::string, std::uint32_t> by_team;
  bool by_admin = false, by_operator = false;
  for (const auto& given : approvals_[e.commit]) {
    if (given.own_work || !counted.insert(given.approver).second) continue;
    by_admin |= given.administers;
    by_operator |= given.operates;
    if (given.member) ++by_team[given.team];
  }
  std::uint32_t more = 0;
  for (const auto& rule : governance_) {
    const auto count = by_team[rule.team];
    const auto required = governed ? rule.count : 0;
    if (count < required && access_) {
      violated("commit " + e.commit + " changes " + policy + " and has " + std::to_string(count) + " of " +
               std::to_string(rule.count) + " approvals of " + rule.team);
    }
    more += count - std::min(count, required);
  }
  if (governed && !access_ && !by_admin) violated("commit " + e.commit + " is in force and no administrator approved");
  if (many && !(governance_.empty() ? by_operator : access_ ? more > 0 : by_admin)) {
    violated("commit " + e.commit + " removes " + std::to_string(removed) + " of " + std::to_string(targets) +
             " targets and nobody approved");
  }

  for (const auto& [name, document] : documents) {
    if (document) {
      in_force_.insert_or_assign(name, *document);
    } else {
      in_force_.erase(name);
    }
    if (!name.starts_with("AccessPolicy/")) continue;
    access_ = document ? std::optional(std::get<AccessPolicy>(*document)) : std::nullopt;
  }
  staged_.clear();
  approvals_.clear();
  people_.clear();
}

}  // namespace headgate::sim
