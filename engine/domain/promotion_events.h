// Events of one promotion as a whole: its plan, its approvals, its end, its way back. See events.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/domain/event_type.h"
#include "engine/domain/plan.h"

namespace headgate {

// Followed in the same batch by one step.planned per step.
struct PromotionPlanned {
  static constexpr EventType type{"promotion.planned", 2};
  PromotionId promotion;
  Trigger trigger = Trigger::desired;
  std::optional<Wish> from;
  Wish to;
  Rules rules;
  std::uint32_t steps = 0;
  std::string plan_digest;
  std::vector<std::string> people;  // whose work is inside, and who asked: they may not approve it
  std::string reason;
  std::vector<std::string> locations{};  // that were asked for by name; none: those in a wave
  bool operator==(const PromotionPlanned&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.promotion);
    v("trigger", s.trigger);
    v("from", s.from);
    v("to", s.to);
    v("rules", s.rules);
    v("steps", s.steps);
    v("plan_digest", s.plan_digest);
    v("people", s.people);
    v("reason", s.reason);
    v("locations", s.locations);
  }
};

struct StepPlanned {
  static constexpr EventType type{"step.planned", 2};
  StepId id;
  Shared<Step> step;  // its name is the id's
  bool operator==(const StepPlanned&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
    v("step", bare(s.step));
  }
};

// Every protection passed: the first outside effect begins.
struct PromotionStarted {
  static constexpr EventType type{"promotion.started"};
  PromotionId promotion;
  bool operator==(const PromotionStarted&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.promotion);
  }
};

struct PromotionSucceeded {
  static constexpr EventType type{"promotion.succeeded"};
  PromotionId promotion;
  bool operator==(const PromotionSucceeded&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.promotion);
  }
};

// The ends that carry a reason share one shape.
#define HEADGATE_PROMOTION_END(Name, text)        \
  struct Name {                                   \
    static constexpr EventType type{text};        \
    PromotionId promotion;                        \
    std::string reason;                           \
    bool operator==(const Name&) const = default; \
    template <class Self, class V>                \
    static void describe(Self& s, V& v) {         \
      v.subject(s.promotion);                     \
      v("reason", s.reason);                      \
    }                                             \
  }
HEADGATE_PROMOTION_END(PromotionFailed, "promotion.failed");
HEADGATE_PROMOTION_END(PromotionRejected, "promotion.rejected");
HEADGATE_PROMOTION_END(PromotionCancelled, "promotion.cancelled");
HEADGATE_PROMOTION_END(PromotionSuperseded, "promotion.superseded");
#undef HEADGATE_PROMOTION_END

struct ApprovalRequested {
  static constexpr EventType type{"approval.requested"};
  PromotionId promotion;
  std::vector<ApprovalRule> approvals;
  std::string plan_digest;
  bool operator==(const ApprovalRequested&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.promotion);
    v("approvals", s.approvals);
    v("plan_digest", s.plan_digest);
  }
};

// By the record's actor.
struct ApprovalGranted {
  static constexpr EventType type{"approval.granted", 2};
  PromotionId promotion;
  std::string team;
  std::string plan_digest;
  std::string comment;
  std::vector<Position> evidence;  // the gate reports that its giver saw
  Timestamp expires;
  // Metrics out of bounds that its giver saw and that take an approval: by gate/metric, as measured.
  std::map<std::string, Decimal, std::less<>> exceptions;
  std::vector<std::string> also{};             // further teams that ask for an approval and have its giver
  std::vector<std::string> unknown_authors{};  // that its giver saw, where they take an approval: person ids
  StringMap claims{};                          // of its giver's sign-in, those that their role asks for
  bool operator==(const ApprovalGranted&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.promotion);
    v("team", s.team);
    v("plan_digest", s.plan_digest);
    v("comment", s.comment);
    v("evidence", s.evidence);
    v("expires", s.expires);
    v("exceptions", s.exceptions);
    v("also", s.also);
    v("unknown_authors", s.unknown_authors);
    v("claims", s.claims);
  }
};

struct ApprovalRejected {
  static constexpr EventType type{"approval.rejected"};
  PromotionId promotion;
  std::string team;
  std::string comment;
  bool operator==(const ApprovalRejected&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.promotion);
    v("team", s.team);
    v("comment", s.comment);
  }
};

struct ApprovalVoided {
  static constexpr EventType type{"approval.voided"};
  PromotionId promotion;
  std::string approver;
  std::string reason;  // what changed
  bool operator==(const ApprovalVoided&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.promotion);
    v("approver", s.approver);
    v("reason", s.reason);
  }
};

struct ApprovalExpired {
  static constexpr EventType type{"approval.expired"};
  PromotionId promotion;
  std::string approver;
  bool operator==(const ApprovalExpired&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.promotion);
    v("approver", s.approver);
  }
};

// Followed in the same batch by one step.planned per step of the rollback.
struct RollbackStarted {
  static constexpr EventType type{"rollback.started"};
  PromotionId promotion;
  std::string reason;
  bool automatic = true;
  std::optional<Wish> to;  // unset: nothing was verified here before, the candidate is retired
  bool operator==(const RollbackStarted&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.promotion);
    v("reason", s.reason);
    v("automatic", s.automatic);
    v("to", s.to);
  }
};

struct RollbackSucceeded {
  static constexpr EventType type{"rollback.succeeded"};
  PromotionId promotion;
  Duration took{0};  // since rollback.started, whole milliseconds
  bool operator==(const RollbackSucceeded&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.promotion);
    v("took_ms", s.took);
  }
};

// The target is left as it is and held: nothing is promoted there by itself until a person promotes or adopts.
struct RollbackFailed {
  static constexpr EventType type{"rollback.failed"};
  PromotionId promotion;
  std::string reason;
  bool operator==(const RollbackFailed&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.promotion);
    v("reason", s.reason);
  }
};

}  // namespace headgate
