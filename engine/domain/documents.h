// The documents of the environments repository, resolved: defaults filled in, people replaced by their ids, scripts
// bound to the blob they had. They are stored whole in the log, so that folding it needs no Git.
//
// `describe` names the stored fields of a value in their stored order. It is the one description that the record codec,
// the snapshots, the schemas and the API share: v("name", member) is called for each.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/domain/boxed.h"
#include "engine/domain/drivers.h"
#include "engine/domain/enums.h"
#include "engine/domain/names.h"
#include "engine/domain/notification_policy.h"
#include "engine/domain/strategy.h"
#include "engine/domain/time.h"

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

// A command as the documents write it: one argument each, never a shell. `command[0]` is a script of the environments
// repository (then `blob` is the Git blob id it had, and the exported blob of exactly that id runs) or an absolute
// path.
struct Run {
  std::vector<std::string> command;
  std::string blob;  // empty for an absolute path
  Duration timeout = std::chrono::minutes(15);
  bool operator==(const Run&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("command", s.command);
    v("blob", s.blob);
    v("timeout_ms", s.timeout);
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

// The body is JSON, and what stands at `pointer` (RFC 6901) is `equals`: a string by its content, a number by its
// value, true, false and null as words.
struct JsonExpectation {
  std::string pointer;
  std::string equals;
  bool operator==(const JsonExpectation&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("pointer", s.pointer);
    v("equals", s.equals);
  }
};

struct HttpCheck {
  std::string url;
  std::uint32_t status = 200;
  std::optional<Duration> latency_max;
  std::string contains;  // what the body must hold; empty: anything
  StringMap header{};    // by name in lower case: exactly the value that the answer must have
  std::optional<JsonExpectation> json{};
  std::optional<bool> follow_redirects{};  // unset: no, a redirect is the answer that is judged
  bool operator==(const HttpCheck&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("url", s.url);
    v("status", s.status);
    v("latency_max_ms", s.latency_max);
    v("contains", s.contains);
    v("header", s.header);
    v("json", s.json);
    v("follow_redirects", s.follow_redirects);
  }
};

// A connection comes about.
struct TcpCheck {
  std::string host;
  std::uint32_t port = 0;
  bool operator==(const TcpCheck&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("host", s.host);
    v("port", s.port);
  }
};

// A TLS session comes about whose certificate is trusted for `host`, and stays valid for `expires_in_min` from now.
struct TlsCheck {
  std::string host;
  std::uint32_t port = 443;
  std::optional<Duration> expires_in_min;
  bool operator==(const TlsCheck&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("host", s.host);
    v("port", s.port);
    v("expires_in_min_ms", s.expires_in_min);
  }
};

// The addresses of a name, of each family that `expect` has, are exactly those that it has.
struct DnsCheck {
  std::string name;
  std::vector<std::string> expect;
  bool operator==(const DnsCheck&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("name", s.name);
    v("expect", s.expect);
  }
};

// A verification. Exactly one of `http`, `run`, `tcp`, `tls` and `dns` is set. It passes when `successes` attempts in a
// row pass within `attempts` attempts, `interval` apart, the first one `after` the step began.
struct Check {
  std::string name;
  Boxed<HttpCheck> http;
  Boxed<Run> run;
  std::uint32_t attempts = 1;
  std::uint32_t successes = 1;
  Duration interval = std::chrono::seconds(10);
  Duration after{0};
  Duration timeout = std::chrono::seconds(10);  // of one attempt
  std::uint32_t line = 0;
  Boxed<TcpCheck> tcp{};
  Boxed<TlsCheck> tls{};
  Boxed<DnsCheck> dns{};
  bool operator==(const Check&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("name", s.name);
    v("http", s.http);
    v("run", s.run);
    v("attempts", s.attempts);
    v("successes", s.successes);
    v("interval_ms", s.interval);
    v("after_ms", s.after);
    v("timeout_ms", s.timeout);
    v("line", s.line);
    v("tcp", s.tcp);
    v("tls", s.tls);
    v("dns", s.dns);
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

// When promotions may begin in an environment (allow), or may not (deny, which wins). Either `schedule` (cron, five
// fields), `duration` and `time_zone` (an IANA name) are set, or `from` and `to`.
struct Window {
  WindowKind kind = WindowKind::allow;
  std::string name;  // may be empty
  std::string schedule;
  std::optional<Duration> duration;
  std::string time_zone;
  std::optional<Timestamp> from;
  std::optional<Timestamp> to;
  std::uint32_t line = 0;
  bool operator==(const Window&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("kind", s.kind);
    v("name", s.name);
    v("schedule", s.schedule);
    v("duration_ms", s.duration);
    v("time_zone", s.time_zone);
    v("from", s.from);
    v("to", s.to);
    v("line", s.line);
  }
};

// Whether they come to the same intervals: the lines where they stand do not matter.
bool same_times(const std::vector<Window>& some, const std::vector<Window>& others);

// One of the places of an environment that has several.
struct Location {
  std::string name;
  std::uint32_t wave = 0;        // from 1; 0: standby, in no wave
  bool standby = false;          // a promotion goes there when somebody names it
  std::optional<Driver> driver;  // unset: the environment's
  std::uint32_t line = 0;
  bool operator==(const Location&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("name", s.name);
    v("wave", s.wave);
    v("standby", s.standby);
    v("driver", s.driver);
    v("line", s.line);
  }
};

// Work on an environment that was announced: while it goes on, [from, to), promotions wait and monitors are silent.
struct Maintenance {
  std::string name;
  Timestamp from;
  Timestamp to;
  std::uint32_t line = 0;
  bool operator==(const Maintenance&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("name", s.name);
    v("from", s.from);
    v("to", s.to);
    v("line", s.line);
  }
};

// Hours in which a monitor looks at another interval: from each time of the schedule (cron, five fields) in the time
// zone, for so long.
struct MonitorHours {
  Duration every{0};
  std::string schedule;
  Duration duration{0};
  std::string time_zone;
  std::uint32_t line = 0;
  bool operator==(const MonitorHours&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("every_ms", s.every);
    v("schedule", s.schedule);
    v("duration_ms", s.duration);
    v("time_zone", s.time_zone);
    v("line", s.line);
  }
};

// So many percent of the answers come within `max`.
struct LatencyGoal {
  std::uint32_t percentile = 0;  // 50, 90, 95 or 99
  Duration max{0};
  std::uint32_t line = 0;
  bool operator==(const LatencyGoal&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("percentile", s.percentile);
    v("max_ms", s.max);
    v("line", s.line);
  }
};

// What is promised of what a monitor looks at, over the last `window` of whole hours that it was looked at in.
struct Sla {
  Duration window{0};
  std::optional<Decimal> availability;  // percent of the looks that pass
  std::vector<LatencyGoal> latency;
  std::uint32_t line = 0;
  bool operator==(const Sla&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("window_ms", s.window);
    v("availability", s.availability);
    v("latency", s.latency);
    v("line", s.line);
  }
};

// A check that is made again and again, whatever is promoted.
struct Monitor {
  std::string name;
  std::vector<std::string> services;  // that it tells of; none: of the environment
  Check check;                        // under the monitor's name
  Duration every{0};
  std::vector<MonitorHours> during;  // the first one that it is in counts; else `every`
  std::uint32_t failure_limit = 1;   // so many looks in a row that fail are a failure
  Boxed<Sla> sla;
  OnMonitorFailure on_failure = OnMonitorFailure::incident;
  std::uint32_t line = 0;
  bool operator==(const Monitor&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("name", s.name);
    v("services", s.services);
    v("check", s.check);
    v("every_ms", s.every);
    v("during", s.during);
    v("failure_limit", s.failure_limit);
    v("sla", s.sla);
    v("on_failure", s.on_failure);
    v("line", s.line);
  }
};

// Whether drift is mended (by a promotion of what should run) or reported only.
struct SelfHealRule {
  bool mends = true;
  std::uint32_t line = 0;
  bool operator==(const SelfHealRule&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("mends", s.mends);
    v("line", s.line);
  }
};

struct Environment {
  std::string name;
  Driver driver;
  Duration observe_every = std::chrono::minutes(1);
  std::vector<Window> windows;
  // Whether what is under way may go on after a window has closed. Unset: it may.
  std::optional<bool> overrun;
  // How long blobs are kept that events of this environment name. Unset: for ever.
  std::optional<Duration> blob_retention;
  std::optional<Run> shift{};  // traffic.command.shift: brings a slot to a weight, the other one to the rest of 100
  std::string prometheus{};    // base URL of the server that measures
  std::string formerly{};      // the name that it had before
  std::optional<ConcurrencyRule> max_concurrent{};
  std::vector<Location> locations{};                       // in the document's order; none: it is one place
  std::optional<OnLocationFailure> on_location_failure{};  // unset: rollbackAll
  std::vector<Maintenance> maintenance{};
  std::vector<Monitor> monitors{};
  std::optional<SelfHealRule> self_heal{};        // unset: it is mended
  std::vector<std::string> ignore_differences{};  // variables that are no drift, whatever they are seen to be
  Boxed<HaproxyTraffic> haproxy{};                // traffic.haproxy, in place of `shift`
  bool operator==(const Environment&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("name", s.name);
    v("driver", s.driver);
    v("observe_every_ms", s.observe_every);
    v("windows", s.windows);
    v("overrun", s.overrun);
    v("blob_retention_ms", s.blob_retention);
    v("shift", s.shift);
    v("prometheus", s.prometheus);
    v("formerly", s.formerly);
    v("max_concurrent", s.max_concurrent);
    v("locations", s.locations);
    v("on_location_failure", s.on_location_failure);
    v("maintenance", s.maintenance);
    v("monitors", s.monitors);
    v("self_heal", s.self_heal);
    v("ignore_differences", s.ignore_differences);
    v("haproxy", s.haproxy);
  }
};

// A file of the repository that variables were taken from, bound to the blob that it had.
struct VariablesFile {
  std::string path;
  std::string blob;
  bool operator==(const VariablesFile&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("path", s.path);
    v("blob", s.blob);
  }
};

// What one target should run: a wish.
struct Target {
  TargetId id;
  Release release;      // commit and artifacts may be absent where the release is registered
  StringMap variables;  // with those of the files, which give way to the document's own
  bool suspend = false;
  std::vector<VariablesFile> variables_from{};
  std::optional<OnDelete> on_delete{};  // unset: retain
  std::optional<TargetId> formerly{};   // the target whose history is its own
  bool operator==(const Target&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("service", s.id.service);
    v("environment", s.id.environment);
    v("release", s.release);
    v("variables", s.variables);
    v("suspend", s.suspend);
    v("variables_from", s.variables_from);
    v("on_delete", s.on_delete);
    v("formerly", s.formerly);
  }
};

// One person, however they come in; names and addresses stay in the directory of people beside the log.
struct Person {
  std::string id;                   // person:k3v9q2
  std::vector<std::string> tokens;  // ids of the tokens they hold: token:p9x1
  std::vector<std::string> also{};  // other ids of the same person, from before it was known that it is one
  std::vector<std::string> keys{};  // fingerprints of their signing keys: SHA256:… of SSH, 40 digits of OpenPGP
  bool operator==(const Person&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("id", s.id);
    v("tokens", s.tokens);
    v("also", s.also);
    v("keys", s.keys);
  }
};

struct Team {
  std::string name;
  std::vector<std::string> members;  // person ids
  bool operator==(const Team&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("name", s.name);
    v("members", s.members);
  }
};

// Exactly one of team, person and token is set. "*" among services or environments means all of them.
struct Grant {
  std::string team;
  std::string person;  // person id
  std::string token;   // token id
  Role role = Role::viewer;
  std::vector<std::string> environments;
  std::vector<std::string> services;
  StringMap require_claims{};  // it counts only for who comes in with these claims, by name
  bool operator==(const Grant&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("team", s.team);
    v("person", s.person);
    v("token", s.token);
    v("role", s.role);
    v("environments", s.environments);
    v("services", s.services);
    v("require_claims", s.require_claims);
  }
};

struct AccessPolicy {
  std::string name;
  std::vector<Person> people;
  std::vector<Team> teams;
  std::vector<Grant> grants;
  bool operator==(const AccessPolicy&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("name", s.name);
    v("people", s.people);
    v("teams", s.teams);
    v("grants", s.grants);
  }
};

// One document of whatever kind. Stored as an object with one member, named by the kind.
using Document = std::variant<Service, Environment, Target, AccessPolicy, NotificationPolicy>;

// What makes a document unique in a repository. `name` is metadata.name; of a Target it is "service.environment".
struct DocumentKey {
  DocumentKind kind = DocumentKind::service;
  std::string name;
  auto operator<=>(const DocumentKey&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("kind", s.kind);
    v("name", s.name);
  }
};
DocumentKey key_of(const Document& document);

// Where a document stands.
struct Source {
  std::string file;  // relative to the repository's configured path
  std::uint32_t line = 0;
  std::string blob;  // Git blob id of the file
  bool operator==(const Source&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("file", s.file);
    v("line", s.line);
    v("blob", s.blob);
  }
};

struct SourcedDocument {
  Source source;
  Document document;
  bool operator==(const SourcedDocument&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("source", s.source);
    v("document", s.document);
  }
};

// What is wrong with a document, as an operator reads it: file:line:column: error: found X, expected Y.
struct Diagnostic {
  std::string file;
  std::uint32_t line = 0;    // from 1
  std::uint32_t column = 0;  // from 1
  std::string message;
  std::string found;
  std::string expected;
  bool operator==(const Diagnostic&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("file", s.file);
    v("line", s.line);
    v("column", s.column);
    v("message", s.message);
    v("found", s.found);
    v("expected", s.expected);
  }
};
std::string to_string(const Diagnostic& diagnostic);  // file:line:column: error: message (found …, expected …)

}  // namespace headgate
