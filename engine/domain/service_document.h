// The document of kind Service: its gates, and the stages that its releases pass. See documents.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/domain/checks.h"
#include "engine/domain/drivers.h"
#include "engine/domain/strategy.h"

namespace headgate {

// Bounds of a metric that a gate reports. Without any it is tracked: recorded, and never in the way.
struct Threshold {
  std::optional<Decimal> min;
  std::optional<Decimal> max;
  std::optional<Otherwise> otherwise;  // out of bounds; unset: the gate does not pass
  bool operator==(const Threshold&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("min", s.min);
    v("max", s.max);
    v("otherwise", s.otherwise);
  }
};

struct Gate {
  std::string name;
  std::map<std::string, Threshold, std::less<>> metrics;
  std::uint32_t line = 0;           // in the document's file
  std::vector<std::string> after;   // gates that must have passed before it is reported
  std::optional<Duration> max_age;  // an older report does not count any more
  std::string schedule{};           // cron, five fields, UTC: when it is run for what is deployed
  std::optional<Run> run{};         // how Headgate reports it by itself
  bool operator==(const Gate&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("name", s.name);
    v("metrics", s.metrics);
    v("line", s.line);
    v("after", s.after);
    v("max_age_ms", s.max_age);
    v("schedule", s.schedule);
    v("runs", s.run);  // a name of its own: steps and checks have a run as well
  }
};

struct ApprovalRule {
  std::string team;
  std::uint32_t count = 1;
  std::uint32_t line = 0;
  bool operator==(const ApprovalRule&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("team", s.team);
    v("count", s.count);
    v("line", s.line);
  }
};

// protection.unknownAuthors
struct UnknownAuthorsRule {
  UnknownAuthors then = UnknownAuthors::extra_approval;
  std::uint32_t line = 0;
  bool operator==(const UnknownAuthorsRule&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("then", s.then);
    v("line", s.line);
  }
};

// requires.signedCommit
struct SignedCommitRule {
  std::uint32_t line = 0;
  bool operator==(const SignedCommitRule&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("line", s.line);
  }
};

struct Hook {
  std::string name;
  Run run;
  std::uint32_t line = 0;
  std::string keeps{};                 // the restore point that its output names
  std::optional<bool> irreversible{};  // unset: no; nothing goes back across it by itself
  bool operator==(const Hook&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("name", s.name);
    v("run", s.run);
    v("line", s.line);
    v("keeps", s.keeps);
    v("irreversible", s.irreversible);
  }
};

// rollback.restore: puts back what the restore point names.
struct Restore {
  std::string point;
  Run run;
  std::uint32_t line = 0;
  bool operator==(const Restore&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("point", s.point);
    v("run", s.run);
    v("line", s.line);
  }
};

// What an expedited promotion waits at most.
struct Expedite {
  std::optional<Duration> pause;  // each pause of the strategy; unset: as long as ever
  std::optional<Duration> wait;   // protection.wait, likewise
  std::uint32_t line = 0;
  bool operator==(const Expedite&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("pause_ms", s.pause);
    v("wait_ms", s.wait);
    v("line", s.line);
  }
};

// What makes a release a wish of its stage by itself, beside its Target document: by `kind`, one of the texts is set.
struct StageTrigger {
  Trigger kind = Trigger::desired;  // desired, manual, branch, tag, after or schedule
  std::string branch;
  std::string tag;       // a pattern with * and ?
  std::string after;     // environment: what was verified there …
  Duration soak{0};      // … and has run there for so long
  std::string schedule;  // cron, five fields, UTC
  std::uint32_t line = 0;
  bool operator==(const StageTrigger&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("kind", s.kind);
    v("branch", s.branch);
    v("tag", s.tag);
    v("after", s.after);
    v("soak_ms", s.soak);
    v("schedule", s.schedule);
    v("line", s.line);
  }
};

// How many promotions may be under way at once.
struct ConcurrencyRule {
  std::uint32_t max = 1;
  std::uint32_t line = 0;
  bool operator==(const ConcurrencyRule&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("max", s.max);
    v("line", s.line);
  }
};

// Where the commits of a service come from: what changes nothing under its paths is none of it.
struct ServiceSource {
  std::string repository;
  std::vector<std::string> paths;  // patterns: * and ? within a name, ** across folders; none: everything
  std::uint32_t line = 0;
  bool operator==(const ServiceSource&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("repository", s.repository);
    v("paths", s.paths);
    v("line", s.line);
  }
};

// A service that this one is promoted after.
struct Dependency {
  std::string service;
  std::uint32_t line = 0;
  bool operator==(const Dependency&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("service", s.service);
    v("line", s.line);
  }
};

// By commands; or, where one of `container` and `webhook` is set, by that alone.
struct Driver {
  Run deploy;
  Run observe;
  std::optional<Run> retire;
  Boxed<ContainerDriver> container{};
  Boxed<WebhookDriver> webhook{};
  bool operator==(const Driver&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("deploy", s.deploy);
    v("observe", s.observe);
    v("retire", s.retire);
    v("container", s.container);
    v("webhook", s.webhook);
  }
};

// While the stage's promotions deploy and shift traffic, this check of `verify` is asked again and again: how long the
// service was away at a time is measured, recorded and reported. Nothing else follows from it.
struct Downtime {
  std::string probe;
  Duration interval = std::chrono::seconds(1);
  Duration max{0};
  std::uint32_t line = 0;
  bool operator==(const Downtime&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("probe", s.probe);
    v("interval_ms", s.interval);
    v("max_ms", s.max);
    v("line", s.line);
  }
};

// What the stage is to achieve, for reports to compare with. Nothing follows from it.
struct Objectives {
  std::optional<Duration> lead_time;
  std::optional<Duration> recovery;
  std::optional<Duration> rollback;
  std::optional<Decimal> change_failure_rate;  // percent
  std::uint32_t line = 0;
  bool operator==(const Objectives&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("lead_time_ms", s.lead_time);
    v("recovery_ms", s.recovery);
    v("rollback_ms", s.rollback);
    v("change_failure_rate", s.change_failure_rate);
    v("line", s.line);
  }
};

struct Stage {
  std::string environment;
  std::vector<std::string> gates;    // requires.gates
  std::vector<std::string> healthy;  // requires.healthy: environments where the same release must be verified
  std::vector<ApprovalRule> approvals;
  bool self_approval = false;
  Duration approval_expiry = std::chrono::hours(24);
  Duration wait{0};
  std::vector<Hook> before;
  std::vector<Check> verify;
  bool rollback_automatic = true;
  bool rollback_quarantine = true;
  std::uint32_t line = 0;           // of the stage
  std::uint32_t requires_line = 0;  // of its `requires`
  std::uint32_t wait_line = 0;      // of protection.wait
  Boxed<Restore> restore{};
  std::optional<Expedite> expedite{};
  std::optional<SignedCommitRule> signed_commit{};
  std::optional<UnknownAuthorsRule> unknown_authors{};
  Boxed<Strategy> strategy{};                       // unset: direct
  std::vector<Check> verify_preview{};              // of the blueGreen strategy
  std::vector<StageTrigger> triggers{};             // none: desired
  std::optional<Supersede> supersede{};             // unset: newest
  std::optional<ConcurrencyRule> max_concurrent{};  // of the environment's promotions, while this stage's begins
  std::optional<Driver> driver{};                   // unset: the environment's
  Boxed<Downtime> downtime{};
  Boxed<Objectives> objectives{};
  bool operator==(const Stage&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("environment", s.environment);
    v("gates", s.gates);
    v("healthy", s.healthy);
    v("approvals", s.approvals);
    v("self_approval", s.self_approval);
    v("approval_expiry_ms", s.approval_expiry);
    v("wait_ms", s.wait);
    v("before", s.before);
    v("verify", s.verify);
    v("rollback_automatic", s.rollback_automatic);
    v("rollback_quarantine", s.rollback_quarantine);
    v("line", s.line);
    v("requires_line", s.requires_line);
    v("wait_line", s.wait_line);
    v("restore", s.restore);
    v("expedite", s.expedite);
    v("signed_commit", s.signed_commit);
    v("unknown_authors", s.unknown_authors);
    v("strategy", s.strategy);
    v("verify_preview", s.verify_preview);
    v("triggers", s.triggers);
    v("supersede", s.supersede);
    v("max_concurrent", s.max_concurrent);
    v("driver", s.driver);
    v("downtime", s.downtime);
    v("objectives", s.objectives);
  }
};

struct Service {
  std::string name;
  std::string group;
  std::vector<Gate> gates;
  std::vector<Stage> stages;
  std::vector<Metric> analysis{};
  std::string formerly{};  // the name that it had before, whose history is its own
  std::optional<ServiceSource> source{};
  std::vector<Dependency> depends_on{};
  bool operator==(const Service&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("name", s.name);
    v("group", s.group);
    v("gates", s.gates);
    v("stages", s.stages);
    v("analysis", s.analysis);
    v("formerly", s.formerly);
    v("source", s.source);
    v("depends_on", s.depends_on);
  }
};

}  // namespace headgate
