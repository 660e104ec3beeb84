// A plan is data: the ordered steps of a promotion, resolved, recorded whole in the log when it is planned. What
// carries it out reads nothing else, so an upgrade or a change of the documents cannot alter what is under way.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/documents.h"

namespace headgate {

// What a target runs or should run.
struct Wish {
  Release release;
  StringMap variables;
  bool operator==(const Wish&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("release", s.release);
    v("variables", s.variables);
  }
};

// One unit of a plan. Which members are used follows from `kind`:
//   gates     gates, healthy, signed_commit, unknown_authors (refuse)
//                                 waits until every named gate passed and the release is verified where it must be
//   approval  approvals, unknown_authors (extraApproval)
//                                 waits for people
//   wait      wait                waits that long
//   run       run                 a before-hook
//   deploy    run, deploys, slot  brings `deploys` to the target by the driver
//   retire    run, slot           takes away what runs there, in the slot where there are slots
//   traffic   run or haproxy, slot, weight
//                                 brings the slot to the weight, the other one to the rest of 100
//   pause     wait, metrics       lasts that long (0: until a person resumes it), under measurement
//   health    check               verifies what was deployed
// Where the environment has locations, each step that belongs to one bears its name behind its own: deploy.eu. Waves
// are in order; the steps of the locations of one wave do not depend on each other. Every text in it is interpolated
// already. Steps of kind run, deploy, retire, traffic and health have one activity each, a pause one for each
// measurement.
struct Step {
  std::string name;  // unique in the plan
  StepKind kind = StepKind::gates;
  bool rollback = false;  // a step of the rollback's own plan
  std::vector<Gate> gates;
  std::vector<std::string> healthy;
  std::vector<ApprovalRule> approvals;
  Duration wait{0};
  Boxed<Run> run;
  Boxed<Check> check;
  Boxed<Wish> deploys;
  std::uint32_t line = 0;  // of the rule in the service's (or, of deploy and retire, the environment's) document
  std::optional<SignedCommitRule> signed_commit{};
  std::optional<UnknownAuthorsRule> unknown_authors{};
  std::string slot{};  // empty: the target has no slots
  std::optional<std::uint32_t> weight{};
  std::vector<Metric> metrics{};
  std::string prometheus{};             // base URL, where there are metrics
  std::string keeps{};                  // run: the restore point that its output names
  std::optional<bool> irreversible{};   // run; unset: no; nothing goes back across it by itself
  std::string restores{};               // run, of a rollback: the restore point that it puts back
  std::string location{};               // empty: it belongs to the target as a whole
  std::optional<std::uint32_t> wave{};  // of its location; unset there: standby
  Boxed<HaproxyTraffic> haproxy{};      // traffic: in place of `run`
  bool operator==(const Step&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("kind", s.kind);
    v("rollback", s.rollback);
    v("gates", s.gates);
    v("healthy", s.healthy);
    v("approvals", s.approvals);
    v("wait_ms", s.wait);
    v("run", s.run);
    v("check", s.check);
    v("deploys", s.deploys);
    v("line", s.line);
    v("signed_commit", s.signed_commit);
    v("unknown_authors", s.unknown_authors);
    v("slot", s.slot);
    v("weight", s.weight);
    v("metrics", s.metrics);
    v("prometheus", s.prometheus);
    v("keeps", s.keeps);
    v("irreversible", s.irreversible);
    v("restores", s.restores);
    v("location", s.location);
    v("wave", s.wave);
    v("haproxy", s.haproxy);
  }
  bool has_activity() const {
    return kind == StepKind::run || kind == StepKind::deploy || kind == StepKind::health || kind == StepKind::retire ||
           kind == StepKind::traffic;
  }
};

// The stage's rules that no step carries.
struct Rules {
  bool self_approval = false;
  Duration approval_expiry = std::chrono::hours(24);
  bool rollback_automatic = true;
  bool rollback_quarantine = true;
  std::string file;    // of the service's document
  std::string commit;  // of the environments repository, at which file and lines are to be read
  std::optional<OnLocationFailure> on_location_failure{};  // where the plan has locations; unset: rollbackAll
  bool operator==(const Rules&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("self_approval", s.self_approval);
    v("approval_expiry_ms", s.approval_expiry);
    v("rollback_automatic", s.rollback_automatic);
    v("rollback_quarantine", s.rollback_quarantine);
    v("file", s.file);
    v("commit", s.commit);
    v("on_location_failure", s.on_location_failure);
  }
};

// deploy of deploy.eu: what the step does, wherever.
inline std::string_view base_name(const Step& step) {
  const std::string_view name = step.name;
  return name.substr(0, name.find('.'));
}

struct Plan {
  std::optional<Wish> from;  // what the target runs when this is planned; the way back
  Wish to;
  Rules rules;
  std::vector<Step> steps;
  std::vector<std::string> locations{};  // that were asked for by name; none: those in a wave
  std::string digest;  // sha256:<hex> over all of the above but `rules.commit`, `rules.file` and the lines; ADR 0016
};

// A condition that a promotion waits for, with what it takes to meet it. Stored in step.waiting, printed by explain.
struct Condition {
  std::string guard;  // which guard says so: gates, healthy, approvals, wait, quarantine, …
  bool met = false;
  std::string text;    // "gate unit-tests: not reported for commit 9f3c1a"
  std::string remedy;  // what would meet it, empty when met
  std::string file;    // the rule: file, line, commit of the environments repository
  std::uint32_t line = 0;
  std::string commit;
  std::vector<Position> events;  // that bear on it
  std::optional<Timestamp> due;  // when time alone changes it
  bool operator==(const Condition&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("guard", s.guard);
    v("met", s.met);
    v("text", s.text);
    v("remedy", s.remedy);
    v("file", s.file);
    v("line", s.line);
    v("commit", s.commit);
    v("events", s.events);
    v("due", s.due);
  }
};

}  // namespace headgate
