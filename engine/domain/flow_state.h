// What triggers depend on, a fold of flow_events.h. See state.h.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/domain/boxed.h"
#include "engine/domain/plan.h"

namespace headgate {

// Where a branch or tag of a service's source stands, or stood.
struct SourceRef {
  std::string name;    // of the branch or tag
  std::string commit;  // the newest one that changed something under the service's paths
  std::string head;
  std::string tree;
  Position position = 0;
  bool operator==(const SourceRef&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("name", s.name);
    v("commit", s.commit);
    v("head", s.head);
    v("tree", s.tree);
    v("position", s.position);
  }
};

struct SourceState {
  static constexpr std::size_t max_refs = 64;  // of branches, and of tags
  static constexpr std::size_t max_trees = 512;
  std::string repository;
  std::vector<SourceRef> branches;  // oldest first; a branch that moves is there again
  std::vector<SourceRef> tags;
  std::map<std::string, std::string, std::less<>> trees;  // by commit
  std::deque<std::string> tree_order;                     // oldest first
  bool operator==(const SourceState&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("repository", s.repository);
    v("branches", s.branches);
    v("tags", s.tags);
    v("trees", s.trees);
    v("tree_order", s.tree_order);
  }
};

// How far a trigger of the stage has been followed.
struct FollowedRule {
  std::string rule;
  std::uint64_t upto = 0;
  bool operator==(const FollowedRule&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("rule", s.rule);
    v("upto", s.upto);
  }
};

// What a trigger wishes and no promotion was planned for yet.
struct TriggeredWish {
  Wish to;
  Trigger trigger = Trigger::branch;
  std::string rule;
  std::string reason;
  bool queued = false;
  Position position = 0;
  std::vector<std::string> people{};  // of a document's wish: behind it, and behind what was dropped before it
  bool operator==(const TriggeredWish&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("to", s.to);
    v("trigger", s.trigger);
    v("rule", s.rule);
    v("reason", s.reason);
    v("queued", s.queued);
    v("position", s.position);
    v("people", s.people);
  }
};

// What a trigger wished and was not promoted, since something spoke against it when its turn came.
struct DroppedWish {
  Release release;
  std::string reason;
  Position position = 0;
  bool operator==(const DroppedWish&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("release", s.release);
    v("reason", s.reason);
    v("position", s.position);
  }
};

// InForce::since of the service and of the environment that a plan was made of.
using PolicySince = std::pair<Position, Position>;

// A promotion that did not succeed: not again by itself until its plan would be another one, see would_fail_again.
struct FailedAttempt {
  Wish wish;
  Trigger trigger = Trigger::desired;
  std::string reason;  // why it was asked for
  Position planned_at = 0;
  std::uint64_t number = 0;  // of the promotion; its plan may name it
  std::string plan_digest;
  std::optional<PolicySince> policy{};  // where it changed locations, which changes what a plan says
  std::string ended{};                  // how it ended, and why
  Position ended_at = 0;
  bool operator==(const FailedAttempt&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("wish", s.wish);
    v("trigger", s.trigger);
    v("reason", s.reason);
    v("planned_at", s.planned_at);
    v("number", s.number);
    v("plan_digest", s.plan_digest);
    v("policy", s.policy);
    v("ended", s.ended);
    v("ended_at", s.ended_at);
  }
};

// Of a target whose stage has triggers.
struct FlowState {
  static constexpr std::size_t max_wishes = 64;
  std::vector<FollowedRule> followed;
  std::vector<TriggeredWish> wishes;  // oldest first
  Boxed<TriggeredWish> planned;       // that the last promotion was planned for
  Boxed<FailedAttempt> failed;        // the last promotion that a trigger began
  Boxed<DroppedWish> dropped;         // the last one
  std::string schedule;               // that `times` are of
  Timestamp schedule_until;
  std::vector<Timestamp> times;
  std::optional<Timestamp> due;  // when a trigger wants to be looked at without anything happening
  bool operator==(const FlowState&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("followed", s.followed);
    v("wishes", s.wishes);
    v("planned", s.planned);
    v("failed", s.failed);
    v("dropped", s.dropped);
    v("schedule", s.schedule);
    v("schedule_until", s.schedule_until);
    v("times", s.times);
    v("due", s.due);
  }
};

}  // namespace headgate
