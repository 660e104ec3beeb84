// A second opinion on what takes force: no configuration without the approvals that the host asks for, and no removal
// of more than a tenth of all targets without one. It keeps lists of what the records said and shares no code with the
// engine.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/domain/events.h"

namespace headgate::sim {

class GovernanceOracle {
 public:
  // What the host's file has; asked for each commit from here on.
  void ask_for(std::vector<ApprovalRule> governance) { governance_ = std::move(governance); }
  void see(const Recorded<Event>& record);
  // Since the last call.
  std::vector<std::string> take_violations() { return std::exchange(violations_, {}); }

 private:
  struct Given {
    std::string approver, team;
    bool member = false;  // of the team, with the role, under the policy in force when it was given
    bool own_work = false;
    bool administers = false;
    bool operates = false;
  };

  void handle(const auto&) {}
  void handle(const TokenCreated& e);
  void handle(const TokenRevoked& e) { administrators_.erase(e.id); }
  void handle(const CommitObserved& e);
  void handle(const DocumentAccepted& e) { staged_[e.commit][e.name] = e.document; }
  void handle(const DocumentRemoved& e) { staged_[e.commit][e.name] = std::nullopt; }
  void handle(const ConfigurationApproved& e);
  void handle(const ConfigurationDeclined& e) { approvals_.erase(e.commit); }
  void handle(const ConfigurationSuperseded& e) { approvals_.erase(e.commit); }
  void handle(const ConfigurationAccepted& e);
  void violated(const std::string& what);
  bool has_role(const std::string& actor, Role role) const;

  using Documents = std::map<std::string, std::optional<Document>>;  // by Kind/name; unset: removed

  std::string actor_;
  Position position_ = 0;
  std::vector<ApprovalRule> governance_;
  std::string head_;
  std::set<std::string> people_;  // of commits since the last configuration that took force
  std::set<std::string> administrators_;
  std::map<std::string, Documents> staged_;  // by commit
  std::map<std::string, Document> in_force_;
  std::optional<AccessPolicy> access_;
  std::map<std::string, std::vector<Given>> approvals_;  // by commit
  std::vector<std::string> violations_;
};

}  // namespace headgate::sim
