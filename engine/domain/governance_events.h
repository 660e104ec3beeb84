// Events of a configuration that waits for people, and of targets that go or get another name. See events.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/domain/documents.h"
#include "engine/domain/event_type.h"

namespace headgate {

// What a commit would change that takes somebody's approval, and whose.
struct ConfigurationChange {
  std::string digest;                    // of everything that the commit stages; approvals are bound to it
  std::uint64_t documents = 0;           // staged, accepted and removed
  std::uint64_t policy = 0;              // what of the policy is another than in force: scripts, and documents
  std::vector<std::string> names;        // the first ones: hooks/check.sh (used by 13 services), then Kind/name
  std::uint64_t targets = 0;             // that have a document in force
  std::uint64_t removed = 0;             // of them, those whose document goes and is not renamed
  std::vector<TargetId> first;           // of those
  std::vector<ApprovalRule> governance;  // as the host's file had it
  bool by_admin = false;                 // there is no policy in force whose teams could approve
  std::vector<std::string> people;       // whose work is inside: they may not approve
  bool operator==(const ConfigurationChange&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("digest", s.digest);
    v("documents", s.documents);
    v("policy", s.policy);
    v("names", s.names);
    v("targets", s.targets);
    v("removed", s.removed);
    v("first", s.first);
    v("governance", s.governance);
    v("by_admin", s.by_admin);
    v("people", s.people);
  }
};

// The documents staged for the commit wait; what was in force stays in force.
struct ConfigurationProposed {
  static constexpr EventType type{"configuration.proposed"};
  std::string repository;
  std::string commit;
  ConfigurationChange change;
  bool operator==(const ConfigurationProposed&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.repository);
    v.correlation(s.commit);
    ConfigurationChange::describe(s.change, v);
  }
};

// By the record's actor. Followed by configuration.accepted in the same batch when it was the last one needed.
struct ConfigurationApproved {
  static constexpr EventType type{"configuration.approved"};
  std::string repository;
  std::string commit;
  std::string digest;
  std::string team;  // empty: as an administrator or operator
  std::string comment;
  bool operator==(const ConfigurationApproved&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.repository);
    v.correlation(s.commit);
    v("digest", s.digest);
    v("team", s.team);
    v("comment", s.comment);
  }
};

// By the record's actor. The commit is not proposed again.
struct ConfigurationDeclined {
  static constexpr EventType type{"configuration.declined"};
  std::string repository;
  std::string commit;
  std::string digest;
  std::string comment;
  bool operator==(const ConfigurationDeclined&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.repository);
    v.correlation(s.commit);
    v("digest", s.digest);
    v("comment", s.comment);
  }
};

// What was proposed is not any more, and what was approved of it is void.
struct ConfigurationSuperseded {
  static constexpr EventType type{"configuration.superseded"};
  std::string repository;
  std::string commit;
  std::string digest;
  std::string reason;
  std::vector<std::string> approvers;  // whose approvals are void
  bool operator==(const ConfigurationSuperseded&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.repository);
    v.correlation(s.commit);
    v("digest", s.digest);
    v("reason", s.reason);
    v("approvers", s.approvers);
  }
};

// What is known of the target `from` is known of this one from here on.
struct TargetRenamed {
  static constexpr EventType type{"target.renamed"};
  TargetId target;
  TargetId from;
  bool operator==(const TargetRenamed&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.target);
    v("from", s.from);
  }
};

// Its document went with onDelete: retire, and nothing that Headgate brought there runs there any more.
struct TargetRetired {
  static constexpr EventType type{"target.retired"};
  TargetId target;
  bool operator==(const TargetRetired&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.target);
  }
};

}  // namespace headgate
