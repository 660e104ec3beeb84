// Events of what makes promotions begin by themselves: commits of source repositories, triggers, schedules. See
// events.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/domain/event_type.h"
#include "engine/domain/plan.h"

namespace headgate {

// The subject of an event that concerns a service as a whole.
struct ServiceName {
  std::string text;
  auto operator<=>(const ServiceName&) const = default;
};

// A commit of a service's source, with the digest of everything under the service's paths. Of a branch or tag: what it
// stands at now. With neither: it was looked at because something was reported for it.
struct SourceObserved {
  static constexpr EventType type{"source.observed"};
  ServiceName service;
  std::string commit;  // the newest one up to `head` that changed something under the paths
  std::string repository;
  std::string branch;
  std::string tag;
  std::string head;  // where the branch or tag stands
  std::string tree;  // sha256:<hex>; equal: what is under the paths is identical
  bool operator==(const SourceObserved&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.service);
    v.correlation(s.commit);
    v("repository", s.repository);
    v("branch", s.branch);
    v("tag", s.tag);
    v("head", s.head);
    v("tree", s.tree);
  }
};

// A trigger of the target's stage asks for a release. It is a wish from now on, unless `skipped` says why not.
struct TriggerFired {
  static constexpr EventType type{"trigger.fired"};
  TargetId target;
  Trigger trigger = Trigger::branch;
  std::string rule;        // in words: branch develop
  std::uint64_t upto = 0;  // what the rule has dealt with: a position in the log, of a schedule seconds since 1970
  Wish to;
  std::string reason;
  bool queued = false;  // it waits for its turn behind other wishes, and nothing newer replaces it
  std::string skipped;
  bool operator==(const TriggerFired&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.target);
    v("trigger", s.trigger);
    v("rule", s.rule);
    v("upto", s.upto);
    v("to", s.to);
    v("reason", s.reason);
    v("queued", s.queued);
    v("skipped", s.skipped);
  }
};

// The oldest wish of a trigger that was not planned will not be.
struct TriggerDropped {
  static constexpr EventType type{"trigger.dropped"};
  TargetId target;
  Release release;
  std::string reason;
  bool operator==(const TriggerDropped&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.target);
    v("release", s.release);
    v("reason", s.reason);
  }
};

// When the schedule of the target's stage comes due, before `until`: written down for the reason that windows are. It
// takes the place of what was expanded before.
struct ScheduleExpanded {
  static constexpr EventType type{"schedule.expanded"};
  TargetId target;
  std::string schedule;
  Timestamp until;
  std::vector<Timestamp> times;
  bool operator==(const ScheduleExpanded&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.target);
    v("schedule", s.schedule);
    v("until", s.until);
    v("times", s.times);
  }
};

}  // namespace headgate
