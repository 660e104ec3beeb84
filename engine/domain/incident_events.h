// Events of going back and of what went wrong: rollbacks that a person asked for, retries, expedited promotions,
// incidents, and every use of the role breakGlass. See events.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "engine/domain/event_type.h"
#include "engine/domain/plan.h"

namespace headgate {

// A person asked for it, or a monitor did (then the actor is the engine); what carries it out is the promotion of this
// number, planned as soon as the target is looked at. One event a target, whatever the scope was.
struct RollbackRequested {
  static constexpr EventType type{"rollback.requested"};
  PromotionId promotion;
  std::string reason;
  Wish leaves;
  std::optional<Wish> to;  // unset: nothing was verified here before, what runs is retired
  bool restore = false;    // what the restore point names is put back as well
  std::string scope;       // what was asked for, in words: all of production, group backend
  std::string crosses;     // the irreversible step that breakGlass lets it cross
  bool operator==(const RollbackRequested&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.promotion);
    v("reason", s.reason);
    v("leaves", s.leaves);
    v("to", s.to);
    v("restore", s.restore);
    v("scope", s.scope);
    v("crosses", s.crosses);
  }
};

// A failed promotion goes on with the step that failed, under the same plan. Its way forward is judged whole once more.
struct PromotionRetried {
  static constexpr EventType type{"promotion.retried"};
  PromotionId promotion;
  std::string step;
  std::string reason;
  bool operator==(const PromotionRetried&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.promotion);
    v("step", s.step);
    v("reason", s.reason);
  }
};

// Its plan has the shorter waits of the stage's `expedite`. Follows the promotion's plan in the same batch.
struct PromotionExpedited {
  static constexpr EventType type{"promotion.expedited"};
  PromotionId promotion;
  std::string reason;
  bool operator==(const PromotionExpedited&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.promotion);
    v("reason", s.reason);
  }
};

// What an incident is about: a target; or, where `service` is empty, an environment as a whole, whose monitor failed.
// As a subject: service/environment, or the environment's name alone.
struct IncidentTarget : TargetId {
  IncidentTarget() = default;
  IncidentTarget(TargetId id) : TargetId(std::move(id)) {}
};

struct IncidentOpened {
  static constexpr EventType type{"incident.opened"};
  IncidentTarget target;
  std::string promotion;  // whose rollback or failure it is about
  std::string id;         // a number, never used twice
  std::string release;    // version that is to blame
  std::string reason;
  std::string next;    // what a person does about it; empty while the engine sees to it
  std::string freeze;  // id of the freeze that was set with it
  bool operator==(const IncidentOpened&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.target);
    v.correlation(s.promotion);
    v("id", s.id);
    v("release", s.release);
    v("reason", s.reason);
    v("next", s.next);
    v("freeze", s.freeze);
  }
};

// The first note of a person acknowledges the incident.
struct IncidentNoted {
  static constexpr EventType type{"incident.noted"};
  IncidentTarget target;
  std::string promotion;
  std::string id;
  std::string note;
  std::string next;    // what a person does now; empty: as it was
  std::string freeze;  // id of the freeze that was set with it
  bool operator==(const IncidentNoted&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.target);
    v.correlation(s.promotion);
    v("id", s.id);
    v("note", s.note);
    v("next", s.next);
    v("freeze", s.freeze);
  }
};

struct IncidentResolved {
  static constexpr EventType type{"incident.resolved"};
  IncidentTarget target;
  std::string promotion;
  std::string id;
  std::string review;  // what was learned
  bool operator==(const IncidentResolved&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.target);
    v.correlation(s.promotion);
    v("id", s.id);
    v("review", s.review);
  }
};

// By the record's actor, who holds the role breakGlass: somebody should look.
struct BreakGlassUsed {
  static constexpr EventType type{"breakglass.used"};
  PromotionId promotion;
  std::string action;  // override, rollback
  std::string passed;  // what stood in the way, in words
  std::string reason;
  bool operator==(const BreakGlassUsed&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.promotion);
    v("action", s.action);
    v("passed", s.passed);
    v("reason", s.reason);
  }
};

}  // namespace headgate
