// What is remembered of the repositories and of the documents: in force, staged and proposed. See state.h.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/domain/events.h"

namespace headgate {

struct RepositoryState {
  std::string branch;
  std::string head;                 // last commit observed
  std::string unreachable;          // why, empty while it answers
  std::vector<std::string> people;  // of the commits since the last configuration that took force
  StringMap heads;                  // last commit observed, by branch
  bool operator==(const RepositoryState&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("branch", s.branch);
    v("head", s.head);
    v("unreachable", s.unreachable);
    v("people", s.people);
    v("heads", s.heads);
  }
};

// A document that waits for the configuration.accepted of its commit.
struct Staged {
  DocumentKey key;
  std::optional<SourcedDocument> document;  // unset: removed
  bool operator==(const Staged&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("key", s.key);
    v("document", s.document);
  }
};

// An approval of what is proposed.
struct ConfigurationApproval {
  std::string approver;  // person:<id> or token:<id>
  std::string team;      // empty: as an administrator or operator
  std::string comment;
  Position position = 0;
  Timestamp time;
  bool operator==(const ConfigurationApproval&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("approver", s.approver);
    v("team", s.team);
    v("comment", s.comment);
    v("position", s.position);
    v("time", s.time);
  }
};

// A commit that waits for approvals before its documents take force. One at a time.
struct Proposal {
  std::string repository;
  std::string commit;
  ConfigurationChange change;
  std::vector<ConfigurationApproval> approvals;
  std::vector<Staged> staged;
  Position position = 0;
  Timestamp time;
  bool operator==(const Proposal&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("repository", s.repository);
    v("commit", s.commit);
    v("change", s.change);
    v("approvals", s.approvals);
    v("staged", s.staged);
    v("position", s.position);
    v("time", s.time);
  }
};

// The newest commit, where somebody declined it.
struct DeclinedConfiguration {
  std::string commit;
  std::string by;
  std::string comment;
  Position position = 0;
  bool operator==(const DeclinedConfiguration&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("commit", s.commit);
    v("by", s.by);
    v("comment", s.comment);
    v("position", s.position);
  }
};

struct ConfigurationState {
  std::string repository;
  std::string commit;  // whose documents are in force
  Position position = 0;
  Timestamp time;
  std::string staged_commit;
  std::vector<Staged> staged;
  std::string rejected_commit;  // the newest one that was refused, empty when the newest is in force
  Position rejected_at = 0;
  std::vector<Diagnostic> diagnostics;  // why
  std::optional<InForce<AccessPolicy>> access;
  std::optional<Proposal> proposal;
  std::optional<DeclinedConfiguration> declined;
  bool operator==(const ConfigurationState&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("repository", s.repository);
    v("commit", s.commit);
    v("position", s.position);
    v("time", s.time);
    v("staged_commit", s.staged_commit);
    v("staged", s.staged);
    v("rejected_commit", s.rejected_commit);
    v("rejected_at", s.rejected_at);
    v("diagnostics", s.diagnostics);
    v("access", s.access);
    v("proposal", s.proposal);
    v("declined", s.declined);
  }
};

}  // namespace headgate
