// What is remembered of one promotion, a fold of its own events. See state.h.
//
// The life of a promotion (one at a time on a target):
//
//            gates, approval, wait            first effect              every step done
//   planned ───────► waiting ──────────────────► running ─────────────────► succeeded
//                      │ rejected, cancelled,      │ a step failed, cancelled
//                      │ superseded (newer wish,   ├───────────────► failed          (nothing was deployed, or the
//                      ▼ changed plan)             ▼                                  rules leave it to a person)
//                    ended                     rolling back ──► rolled back
//                                                  └──────────► failed               (the rollback failed: target held)
//
// `planned` is an event, no phase. A failed one that a person retries goes on where it failed: to waiting, or to
// rolling back. Ended promotions leave the state, but for the last failed one (WaysBack::failed), which may be retried;
// the log keeps them all.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/domain/analysis.h"
#include "engine/domain/events.h"

namespace headgate {

enum class StepStatus : std::uint8_t { pending, started, succeeded, failed };
HEADGATE_ENUM_NAMES(StepStatus, "pending", "started", "succeeded", "failed");

enum class ActivityStatus : std::uint8_t { none, running, retrying, succeeded, failed, fenced };
HEADGATE_ENUM_NAMES(ActivityStatus, "none", "running", "retrying", "succeeded", "failed", "fenced");

struct LiveStep {
  Shared<Step> step;
  StepStatus status = StepStatus::pending;
  std::optional<Timestamp> started;
  std::optional<Timestamp> ended;
  std::string reason;              // of a failure
  Position failed_at = 0;          // of its activity, or where that had not failed, of the step itself
  std::vector<Condition> unmet;    // as last recorded by step.waiting
  std::optional<Timestamp> until;  // likewise: when time alone changes them
  std::optional<Timestamp> due;    // of its timer, while it runs
  bool fired = false;              // its timer did
  Position timer = 0;              // the event that set it, or by which it fired
  ActivityStatus activity = ActivityStatus::none;
  std::uint32_t attempt = 0;  // the last one that began
  std::uint32_t fenced = 0;   // the last one whose outcome does not count; nor does that of any before it
  std::optional<Timestamp> retry_due;
  std::uint32_t attempts_before = 0;  // a person retried it after so many
  bool unhealthy = false;             // the activity failed with evidence against the release
  Json evidence;
  bool resumed = false;  // a person let the pause go on
  bool operator==(const LiveStep&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("name", bare(s.step).name);
    v("step", bare(s.step));
    v("status", s.status);
    v("started", s.started);
    v("ended", s.ended);
    v("reason", s.reason);
    v("failed_at", s.failed_at);
    v("unmet", s.unmet);
    v("until", s.until);
    v("due", s.due);
    v("fired", s.fired);
    v("timer", s.timer);
    v("activity", s.activity);
    v("attempt", s.attempt);
    v("fenced", s.fenced);
    v("retry_due", s.retry_due);
    v("attempts_before", s.attempts_before);
    v("unhealthy", s.unhealthy);
    v("evidence", s.evidence);
    v("resumed", s.resumed);
  }
};

struct Approval {
  std::string approver;  // person id
  std::string team;
  std::string comment;
  Position position = 0;
  Timestamp time;
  Timestamp expires;
  std::map<std::string, Decimal, std::less<>> exceptions;  // metrics out of bounds that its giver saw, by gate/metric
  std::vector<std::string> also{};                         // further teams that it counts for
  std::vector<std::string> unknown_authors{};              // that its giver saw
  StringMap claims{};                                      // that their role asks for
  bool operator==(const Approval&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("approver", s.approver);
    v("team", s.team);
    v("comment", s.comment);
    v("position", s.position);
    v("time", s.time);
    v("expires", s.expires);
    v("exceptions", s.exceptions);
    v("also", s.also);
    v("unknown_authors", s.unknown_authors);
    v("claims", s.claims);
  }
};

// One that does not count any more, until its giver gives another one.
struct LostApproval {
  static constexpr std::size_t max_kept = 8;  // of a promotion: the newest
  static constexpr std::size_t max_reason_bytes = 512;
  std::string approver;
  std::vector<std::string> teams;  // that it counted for
  std::string reason;              // why it was voided; empty: it expired
  Position position = 0;           // of the event that says so
  bool operator==(const LostApproval&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("approver", s.approver);
    v("teams", s.teams);
    v("reason", s.reason);
    v("position", s.position);
  }
};

// Somebody let a promotion pass closed windows.
struct WindowOverride {
  std::string by;
  std::string reason;
  Position position = 0;
  std::optional<Timestamp> until;  // when the window would have opened
  bool operator==(const WindowOverride&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("by", s.by);
    v("reason", s.reason);
    v("position", s.position);
    v("until", s.until);
  }
};

// Whose work lies between the release that runs and the one to come, as its repository tells; the people are among
// Promotion::people.
struct Attribution {
  bool known = false;  // false: no watched repository holds the commits, or there are too many, so many
  std::uint64_t commits = 0;
  Position position = 0;
  bool operator==(const Attribution&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("known", s.known);
    v("commits", s.commits);
    v("position", s.position);
  }
};

// How long the service was away at a time while it was promoted, as far as the probe of its stage saw.
struct MeasuredDowntime {
  Duration longest{0};
  Duration max{0};
  std::string step;  // in which that was
  Position position = 0;
  bool operator==(const MeasuredDowntime&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("longest", s.longest);
    v("max", s.max);
    v("step", s.step);
    v("position", s.position);
  }
};

struct Promotion {
  PromotionId id;
  Trigger trigger = Trigger::desired;
  Phase phase = Phase::waiting;
  std::optional<Wish> from;
  Wish to;
  Rules rules;
  std::string plan_digest;
  std::vector<std::string> people;  // may not approve it, unless the rules allow self-approval
  std::string asked_because;
  std::vector<LiveStep> steps;  // forward steps, then those of the rollback
  bool approval_requested = false;
  std::vector<Approval> approvals;  // that count
  std::vector<LostApproval> lost_approvals{};
  std::optional<WindowOverride> window_override;
  std::vector<std::string> freezes_overridden;  // ids
  std::optional<Attribution> attribution{};     // unset: nobody has looked yet who wrote from..to
  Position planned_at = 0;
  Timestamp planned;
  std::optional<Timestamp> effects_began;
  Position effects_began_at = 0;  // of the event that says so
  Timestamp effects_since{};      // the same on a clock that never steps: less State::stepped as it was then
  std::optional<Timestamp> rollback_began;
  Position rollback_at = 0;  // of the event that says so
  bool rollback_automatic = false;
  std::string end_reason;       // why it rolled back or ended otherwise than well
  std::string rollback_reason;  // why it rolled back, whatever came of that
  std::optional<Timestamp> ended;
  Position last_position = 0;  // of the last event that belongs to it
  std::string expedited{};     // why its waits are shorter; empty: they are not
  std::vector<MetricProgress> analysis{};
  std::string measuring{};               // the metric that is under measurement
  std::vector<std::string> locations{};  // that were asked for by name; none: those in a wave
  std::map<std::string, WindowOverride, std::less<>> maintenance_overrides{};  // by name of the maintenance
  Boxed<MeasuredDowntime> downtime{};
  bool operator==(const Promotion&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("id", s.id);
    v("trigger", s.trigger);
    v("phase", s.phase);
    v("from", s.from);
    v("to", s.to);
    v("rules", s.rules);
    v("plan_digest", s.plan_digest);
    v("people", s.people);
    v("asked_because", s.asked_because);
    v("steps", s.steps);
    v("approval_requested", s.approval_requested);
    v("approvals", s.approvals);
    v("lost_approvals", s.lost_approvals);
    v("window_override", s.window_override);
    v("freezes_overridden", s.freezes_overridden);
    v("attribution", s.attribution);
    v("planned_at", s.planned_at);
    v("planned", s.planned);
    v("effects_began", s.effects_began);
    v("effects_began_at", s.effects_began_at);
    v("effects_since", s.effects_since);
    v("rollback_began", s.rollback_began);
    v("rollback_at", s.rollback_at);
    v("rollback_automatic", s.rollback_automatic);
    v("end_reason", s.end_reason);
    v("rollback_reason", s.rollback_reason);
    v("ended", s.ended);
    v("last_position", s.last_position);
    v("expedited", s.expedited);
    v("analysis", s.analysis);
    v("measuring", s.measuring);
    v("locations", s.locations);
    v("maintenance_overrides", s.maintenance_overrides);
    v("downtime", s.downtime);
  }

  // The step that the promotion stands at; null when every step of the plan under way is done.
  const LiveStep* current() const;
  LiveStep* find(std::string_view step);
  const LiveStep* find(std::string_view step) const;
  // Whether the driver may have touched the target: the deploy step's activity began.
  bool deployed() const;
  // When it wants to be looked at again without anything happening.
  // While effects are paused nothing of what is under way is due: their end touches it.
  std::optional<Timestamp> next_due(bool effects_paused) const;
  // Whether it takes away what runs on the target: its document has gone.
  bool retires() const;
  // Whether it may have changed what is in the location.
  bool touched(std::string_view location) const;
  // Whether the rollback that is under way, or would be, needs the step of its plan: what was never touched is not
  // taken back, nor is, by the rule rollbackLocation, what stands.
  bool takes_back(const Step& step) const;
  // Whether that rule lets locations stand while another one is taken back.
  bool takes_back_one_location() const;
};

}  // namespace headgate
