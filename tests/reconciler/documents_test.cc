// Every mistake at its place. The mark § stands where the diagnostic must point and is taken out before parsing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/reconciler/documents_support.h"

namespace headgate::reconciler::testing {
namespace {

using ::testing::HasSubstr;

struct Mistake {
  const char* name;
  std::string text;     // with § before the mistake
  const char* message;  // part of the whole line that an operator reads
};

void PrintTo(const Mistake& mistake, std::ostream* out) {
  *out << mistake.name;
}

class DocumentMistake : public ::testing::TestWithParam<Mistake> {};

TEST_P(DocumentMistake, IsReportedOnceAtItsPlace) {
  expect_reported_at_the_mark(GetParam().text, GetParam().message);
}

const std::vector<Mistake>& yaml_mistakes() {
  static const std::vector<Mistake> all{
      {"UnclosedList", "apiVersion: headgate.dev/v1\nkind: [Service\nmetadata§: {}\n", "not valid YAML"},
      {"UnclosedQuote", service("  group: a\n  §description: \"what it does\n  stages: [{environment: e}]\n"),
       "not valid YAML: a quote that opens behind this is not closed before the document ends"},
      {"UnclosedSingleQuote", service("  group: a\n  stages: [{environment: e}]\n  §description: 'what it does\n"),
       "a quote that opens behind this is not closed"},
      {"UnclosedQuoteInAList", service("  stages: [{environment: e}]\n  group: [§a, \"b\n"),
       "a quote that opens behind this is not closed"},
      {"UnclosedQuoteBeforeADocument",
       service("  stages: [{environment: e}]\n  §group: \"a\n---\n") + released_target("  suspend: true\n"),
       "a quote that opens behind this is not closed"},
      {"TabIndent", "apiVersion: headgate.dev/v1\nmetadata:\n\tname§: x\n", "not valid YAML"},
      {"StrayBracket", "§]\n", "not valid YAML"},
      {"UnknownAlias", "§*nowhere\n", "not valid YAML"},
      {"Anchor",
       "apiVersion: headgate.dev/v1\nkind: Service\nmetadata: {name: a}\nspec:\n  group: §&g backend\n  stages: "
       "[{environment: e}]\n",
       "anchors are not allowed"},
      {"Tag", service("  group: §!!str backend\n  stages: [{environment: e}]\n"), "tags are not allowed"},
      {"DuplicateField", service("  group: a\n  §group: b\n  stages: [{environment: e}]\n"),
       "duplicate field 'group', given in line 5 already"},
      {"DuplicateVariable", released_target("  variables: {cpu: 1, §cpu: 2}\n"), "duplicate field 'cpu'"},
      {"KeyIsAList", service("  §[a]: b\n  stages: [{environment: e}]\n"), "the name of a field must be text"},
      {"KeyIsNothing", service("  §~: b\n  stages: [{environment: e}]\n"), "the name of a field must be text"},
      {"NotUtf8", "apiVersion: headgate.dev/v1\nkind: §\xC3\x28\n", "the text is not UTF-8: found byte 0xc3"},
      {"OverlongUtf8", "kind: §\xC0\x80\n", "the text is not UTF-8"},
      {"Surrogate", "kind: §\xED\xA0\x80\n", "the text is not UTF-8"},
      {"CutUtf8", "kind: §\xE2\x82", "the text is not UTF-8"},
      {"ControlCharacter", "kind: a§\x04\n", "a control character in the text: found byte 0x04"},
      {"Escape", "kind: §\x1B[31m\n", "a control character in the text"},
      {"ColumnsAreCharacters", released_target("  variables: {a: \"é€😀\", §9b: c}\n"), "wrong name of a variable"},
  };
  return all;
}

const std::vector<Mistake>& document_mistakes() {
  static const std::vector<Mistake> all{
      {"NotAMap", "§- a\n", "this is not a document: found a list"},
      {"NoApiVersion", "§kind: Service\nmetadata: {name: a}\nspec: {stages: [{environment: x}]}\n",
       "missing field 'apiVersion' of a document"},
      {"OtherApiVersion", "apiVersion: §v1\nkind: Service\nmetadata: {name: a}\ndata: {}\n",
       "found 'v1', expected headgate.dev/v1"},
      {"NoKind", "§apiVersion: headgate.dev/v1\nmetadata: {name: a}\nspec: {}\n", "missing field 'kind'"},
      {"UnknownKind", "apiVersion: headgate.dev/v1\nkind: §Servce\nmetadata: {name: a}\nspec: {}\n",
       "did you mean 'Service'?: found 'Servce', expected Service, Environment, Target, AccessPolicy or "
       "NotificationPolicy"},
      {"NoMetadata", "§apiVersion: headgate.dev/v1\nkind: Service\nspec: {stages: [{environment: x}]}\n",
       "missing field 'metadata'"},
      {"NoName", "apiVersion: headgate.dev/v1\nkind: Service\nmetadata: §{}\nspec: {stages: [{environment: x}]}\n",
       "missing field 'name' of metadata"},
      {"BadName", document("Service", "§Gateway", "  stages: [{environment: x}]\n"),
       "found 'Gateway', expected a name"},
      {"NoSpec", "§apiVersion: headgate.dev/v1\nkind: Service\nmetadata: {name: a}\n", "missing field 'spec'"},
      {"EmptySpec", "apiVersion: headgate.dev/v1\nkind: Service\nmetadata: {name: a}\n§spec:\n",
       "wrong type of 'spec': found nothing, expected a service's spec (a map)"},
      {"UnknownTopField",
       "apiVersion: headgate.dev/v1\nkind: Environment\nmetadata: {name: a}\n§status: {}\nspec: "
       "{driver: {command: {deploy: [/bin/true], observe: [/bin/true]}}}\n",
       "unknown field 'status' of a document"},
      {"FormerlyItself",
       "apiVersion: headgate.dev/v1\nkind: Service\nmetadata: {name: a, formerly: §a}\nspec: {stages: "
       "[{environment: x}]}\n",
       "this is the name that it has"},
      {"FormerlyNoName",
       "apiVersion: headgate.dev/v1\nkind: Service\nmetadata: {name: a, formerly: §A_b}\nspec: {stages: "
       "[{environment: x}]}\n",
       "wrong value of 'formerly'"},
      {"FormerlyNoTarget",
       document("Target", "gateway.production, formerly: §gateway",
                "  service: gateway\n  environment: production\n  release: {version: v1}\n"),
       "the old name of the target: service.environment"},
      {"FormerlyOfAPolicy", document("AccessPolicy", "access, formerly: §old", "  people: {a: {}}\n"), "no history"},
      {"TooLargeForTheLog",
       "§" + service("  stages:\n    - environment: production\n      before:\n        - name: a\n"
                     "          run: {command: [/bin/echo, " +
                     std::string(60'000, 'x') + "]}\n"),
       "the document is too large for the log"},
  };
  return all;
}

const std::vector<Mistake>& service_mistakes() {
  static const std::vector<Mistake> all{
      {"UnknownField", service("  §stagse: []\n  stages: [{environment: x}]\n"),
       "unknown field 'stagse' of a service's spec, did you mean 'stages'?: expected group, source, dependsOn, "
       "analysis, gates or stages"},
      {"NoStages", service("  stages: §[]\n"), "expected at least one stage"},
      {"StagesNoList", service("  stages: §{environment: x}\n"), "found a map, expected a list"},
      {"StageNoMap", service("  stages: [§production]\n"), "found 'production', expected a stage (a map)"},
      {"NoEnvironment", service("  stages:\n    - §trigger: {manual: true}\n"),
       "missing field 'environment' of a stage"},
      {"GroupNoText", service("  group: §[a]\n  stages: [{environment: x}]\n"),
       "wrong type of 'group': found a list, expected a name"},
      {"GateNoName", service("  gates:\n    - §metrics: {coverage: {min: 1}}\n  stages: [{environment: x}]\n"),
       "missing field 'name' of a gate"},
      {"GateTwice", service("  gates: [{name: lint}, {name: §lint}]\n  stages: [{environment: x}]\n"),
       "duplicate gate 'lint'"},
      {"BoundNoNumber", service("  gates: [{name: a, metrics: {c: {min: §\"90\"}}}]\n  stages: [{environment: x}]\n"),
       "wrong type of 'min': found '90', expected a number"},
      {"NoBound", service("  gates: [{name: a, metrics: {c: §{}}}]\n  stages: [{environment: x}]\n"),
       "a metric's bound is incomplete: expected min or max"},
      {"CrossedBounds",
       service("  gates: [{name: a, metrics: {c: {min: 9.5, max: §9.4}}}]\n  stages: [{environment: x}]\n"),
       "no value can pass: found '9.4', expected at least the min, 9.5"},
      {"MetricName", service("  gates: [{name: a, metrics: {§\"a b\": {min: 1}}}]\n  stages: [{environment: x}]\n"),
       "wrong name of a metric"},
      {"Otherwise",
       service("  gates: [{name: a, metrics: {c: {max: 0, otherwise: §refuse}}}]\n  stages: [{environment: x}]\n"),
       "wrong value of 'otherwise': found 'refuse', expected approval"},
      {"OtherwiseWithoutBound",
       service("  gates: [{name: a, metrics: {c: §{otherwise: approval}}}]\n  stages: [{environment: x}]\n"),
       "a metric's bound is incomplete: expected min or max"},
      {"OtherwiseNobodyApproves",
       service("  gates: [{name: a, metrics: {c: {max: 0, otherwise: approval}}}]\n"
               "  stages: [{environment: x, requires: {gates: [§a]}}]\n"),
       "gate 'a' may ask for an approval (metric c), and nobody approves in this stage"},
      {"TrackFalse", service("  gates: [{name: a, metrics: {c: {track: §false}}}]\n  stages: [{environment: x}]\n"),
       "wrong value of 'track': found 'false', expected true, or a min or max"},
      {"TrackAndBound",
       service("  gates: [{name: a, metrics: {c: {track: true, §max: 0}}}]\n  stages: [{environment: x}]\n"),
       "a metric's bound has both 'track' and 'max'"},
      {"MaxAge", service("  gates: [{name: a, maxAge: §0s}]\n  stages: [{environment: x}]\n"),
       "wrong value of 'maxAge': found '0s', expected a duration of 10ms or more"},
      {"AfterUnknown", service("  gates: [{name: lint}, {name: a, after: [§lnit]}]\n  stages: [{environment: x}]\n"),
       "unknown gate 'lnit', did you mean 'lint'?: expected another gate of this service"},
      {"AfterItself", service("  gates: [{name: §a, after: [a]}]\n  stages: [{environment: x}]\n"),
       "gates come after each other in a circle: a -> a"},
      {"AfterCircle",
       service("  gates: [{name: §a, after: [b]}, {name: b, after: [c]}, {name: c, after: [a]}]\n"
               "  stages: [{environment: x}]\n"),
       "gates come after each other in a circle: a -> b -> c -> a"},
      {"GateSchedule", service("  gates: [{name: a, schedule: §\"0 2 * * *\"}]\n  stages: [{environment: x}]\n"),
       "nothing is run by this schedule: expected a run beside it, or no schedule"},
      {"GateScheduleWrong",
       service("  gates: [{name: a, schedule: §\"0 25 * * *\", run: {command: [/bin/true]}}]\n"
               "  stages: [{environment: x}]\n"),
       "wrong schedule"},
      {"GateRunOfATarget",
       service(
           "  gates: [{name: a, run: {command: [/bin/true, §\"${environment}\"]}}]\n  stages: [{environment: x}]\n"),
       "the run of a gate knows of no target"},
      {"StageDriver", stage("      driver: {command: §{deploy: [/bin/true]}}\n"),
       "missing field 'observe' of a command driver"},
      {"StageDriverOfWhat", stage("      driver: §{}\n"), "a driver is incomplete"},
      {"StageDriverObserves",
       stage("      driver: {command: {deploy: [/bin/true], observe: [/bin/true, §\"${promotion}\"]}}\n"),
       "an observe command knows of no promotion"},
      {"SecondStage", service("  stages: [{environment: x}, {environment: §x}]\n"),
       "a second stage for environment 'x'"},
      {"ManualFalse", stage("      trigger: {manual: §false}\n"), "expected true, or no trigger at all"},
      {"EmptyTrigger", stage("      trigger: §{}\n"),
       "a trigger is incomplete: expected branch, tag, after, manual or schedule"},
      {"UnknownGate",
       service("  gates: [{name: unit-tests}]\n  stages:\n    - environment: x\n      requires: {gates: "
               "[§unit-test]}\n"),
       "unknown gate 'unit-test', did you mean 'unit-tests'?"},
      {"GateNamedTwice", service("  gates: [{name: a}]\n  stages: [{environment: x, requires: {gates: [a, §a]}}]\n"),
       "'gates' names 'a' twice"},
      {"HealthyNoStage", stage("      requires: {healthy: [§staging]}\n"),
       "this service has no stage for environment 'staging'"},
      {"HealthyItself", service("  stages:\n    - environment: §a\n      requires: {healthy: [a]}\n"),
       "stages wait for each other in a circle: a -> a"},
      {"HealthyRing",
       service("  stages:\n    - {environment: first}\n    - {environment: §a, requires: {healthy: [c]}}\n"
               "    - {environment: b, requires: {healthy: [a, first]}}\n"
               "    - {environment: c, requires: {healthy: [b]}}\n"),
       "in a circle: a -> c -> b -> a"},
      {"SignedCommit", stage("      requires: {signedCommit: §always}\n"), "expected true or false"},
      {"SigningKey", access("  people: {alice: {signingKeys: [§ssh-dss AAAA]}}\n"),
       "no signing key: not a type of key"},
      {"ApprovalsNoList", stage("      protection: {approvals: §{team: a}}\n"), "found a map, expected a list"},
      {"ApprovalsNothing", stage("      protection:\n        §approvals:\n"), "found nothing, expected a list"},
      {"CountZero", stage("      protection: {approvals: [{team: a, count: §0}]}\n"),
       "found '0', expected a whole number from 1 to 100"},
      {"CountQuoted", stage("      protection: {approvals: [{team: a, count: §\"2\"}]}\n"), "wrong type of 'count'"},
      {"CountNegative", stage("      protection: {approvals: [{team: a, count: §-1}]}\n"), "wrong value of 'count'"},
      {"CountHuge", stage("      protection: {approvals: [{team: a, count: §4294967297}]}\n"),
       "wrong value of 'count'"},
      {"TeamTwice", stage("      protection: {approvals: [{team: a}, §{team: a, count: 2}]}\n"),
       "a second approval rule for team 'a'"},
      {"SelfApprovalText", stage("      protection: {selfApproval: §no}\n"), "found 'no', expected true or false"},
      {"WaitNoUnit", stage("      protection: {wait: §5}\n"), "found '5', expected a duration"},
      {"WaitTooLong", stage("      protection: {wait: §367d}\n"), "expected a duration of at most 366d"},
      {"ExpiryZero", stage("      protection: {approvalExpiry: §0s}\n"), "expected a duration of 10ms or more"},
      {"UnknownAuthors", stage("      protection: {unknownAuthors: §ask}\n"), "expected extraApproval or refuse"},
      {"UnknownAuthorsWithoutApprovals", stage("      protection: {unknownAuthors: §extraApproval}\n"),
       "an unknown author asks for an approval, and nobody approves in this stage"},
      {"Misspelt", stage("      protection: {§aprovals: []}\n"), "did you mean 'approvals'?"},
      {"Supersede", stage("      supersede: §oldest\n"), "found 'oldest', expected newest or queue"},
      {"DirectField", stage("      strategy: {direct: {§batch: 1}}\n"), "unknown field 'batch' of direct"},
      {"RestorePoint", stage("      rollback: {restore: {point: §gone, run: {command: [/bin/true]}}}\n"),
       "no hook of this stage keeps the restore point 'gone'"},
      {"RollbackTo", stage("      rollback: {to: §v1}\n"), "found 'v1', expected previous"},
      {"ExpediteWait", stage("      expedite: {wait: §5}\n"), "found '5', expected a duration"},
      {"ExpeditePause", stage("      expedite: {pause: §0s}\n"), "expected a duration of 10ms or more"},
  };
  return all;
}

const std::vector<Mistake>& step_mistakes() {
  static const std::vector<Mistake> all{
      {"HookNoRun", stage("      before:\n        - §name: backup\n"), "missing field 'run' of a hook"},
      {"Irreversible", stage("      before: [{name: a, run: {command: [/bin/true]}, irreversible: §maybe}]\n"),
       "found 'maybe', expected true or false"},
      {"EmptyCommand", stage("      before: [{name: a, run: {command: §[]}}]\n"), "a program and its arguments"},
      {"CommandText", stage("      before: [{name: a, run: {command: §/bin/true}}]\n"),
       "found '/bin/true', expected a list: the program and its arguments"},
      {"NoSuchScript", stage("      before: [{name: a, run: {command: [§hooks/missing.sh]}}]\n"),
       "no file 'hooks/missing.sh' in the repository"},
      {"ProgramByName", stage("      before: [{name: a, run: {command: [§kubectl]}}]\n"),
       "expected a script of the repository, or an absolute path"},
      {"PathUp", stage("      before: [{name: a, run: {command: [§hooks/../../x.sh]}}]\n"), "without '.', '..'"},
      {"AbsoluteUp", stage("      before: [{name: a, run: {command: [§/usr/../bin/sh]}}]\n"), "without '.', '..'"},
      {"ProgramPlaceholder", stage("      before: [{name: a, run: {command: [§\"/opt/${service}\"]}}]\n"),
       "a program that is written out"},
      {"UnknownPlaceholder", stage("      before: [{name: a, run: {command: [/bin/echo, §\"${enviroment}\"]}}]\n"),
       "unknown placeholder, did you mean 'environment'?: found '${enviroment}'"},
      {"OpenPlaceholder", stage("      before: [{name: a, run: {command: [/bin/echo, §\"${service\"]}}]\n"),
       "a placeholder without its end"},
      {"LocationPlaceholder", stage("      before: [{name: a, run: {command: [/bin/echo, §\"${location}\"]}}]\n"),
       "a hook runs once for all locations"},
      {"VariablePlaceholder", stage("      before: [{name: a, run: {command: [/bin/echo, §\"${variables.a b}\"]}}]\n"),
       "unknown placeholder"},
      {"TemplateItself", stage("      before: [{name: a, run: {command: [/bin/echo, §\"${variables.<name>}\"]}}]\n"),
       "unknown placeholder"},
      {"ArgumentNul", stage("      before: [{name: a, run: {command: [/bin/echo, §\"a\\0b\"]}}]\n"),
       "found 'a\\x00b', expected text without control characters"},
      {"ReservedStep", stage("      before: [{name: §deploy, run: {command: [/bin/true]}}]\n"),
       "the step name 'deploy' is reserved"},
      {"ReservedPrefix", stage("      verify: [{name: §rollback-x, http: {url: \"http://a/\"}}]\n"),
       "the step name 'rollback-x' is reserved"},
      {"StepTwice",
       stage("      before: [{name: a, run: {command: [/bin/true]}}]\n"
             "      verify: [{name: §a, http: {url: \"http://a/\"}}]\n"),
       "duplicate step name 'a' in this stage"},
      {"NeitherCheck", stage("      verify:\n        - §name: health\n"),
       "a verification is incomplete: expected http, run, tcp, tls or dns"},
      {"BothChecks", verification("http: {url: \"http://a/\"}, §run: {command: [/bin/true]}"),
       "a verification has both 'http' and 'run'"},
      {"NoUrl", verification("http: §{}"), "missing field 'url' of an http check"},
      {"UrlScheme", verification("http: {url: §\"ftp://a/\"}"), "begins with http:// or https://"},
      {"UrlPassword", verification("http: {url: §\"https://me:secret@a/\"}"), "may not hold a user name or password"},
      {"Status", verification("http: {url: \"http://a/\", expect: {status: §99}}"), "from 100 to 599"},
      {"LatencyText", verification("http: {url: \"http://a/\", expect: {latency: §1s}}"),
       "found '1s', expected a latency bound (a map)"},
      {"Attempts", verification("http: {url: \"http://a/\"}, attempts: §1001"), "from 1 to 1000"},
      {"Successes", verification("http: {url: \"http://a/\"}, attempts: 2, successes: §3"),
       "the verification can never pass: found 3 successes within 2 attempts"},
      {"TwoTimeouts", verification("run: {command: [/bin/true], timeout: 1m}, timeout: §2m"), "given twice"},
      {"Secret", verification("http: {url: §{secret: health-url}}"), "secrets are not supported by this version"},
  };
  return all;
}

const std::vector<Mistake>& other_mistakes() {
  static const std::string moments = "from: 2026-12-20T00:00:00Z, to: 2027-01-03T00:00:00Z";
  static const std::string lasting = "duration: 8h, timeZone: Europe/Rome";
  static const std::vector<Mistake> all{
      {"NoDriver", environment("  §observeEvery: 1m\n"), "missing field 'driver' of an environment's spec"},
      {"NoObserve", environment("  driver: {command: §{deploy: [/bin/true]}}\n"), "missing field 'observe'"},
      {"ObserveOfARelease",
       environment("  driver: {command: {deploy: [/bin/true], observe: [/bin/true, §\"${release.version}\"]}}\n"),
       "an observe command knows of no promotion"},
      {"DeployText", environment("  driver: {command: {deploy: §/bin/true, observe: [/bin/true]}}\n"),
       "expected a list: the program and its arguments"},
      {"WindowNoKind",
       environment_with_driver("  windows:\n    - §from: 2026-12-20T00:00:00Z\n      to: 2026-12-21T00:00:00Z\n"),
       "missing field 'kind' of a window"},
      {"WindowKind", environment_with_driver("  windows: [{kind: §alow, " + moments + "}]\n"),
       "wrong value of 'kind', did you mean 'allow'?: found 'alow', expected allow or deny"},
      {"WindowNoTime", environment_with_driver("  windows: [§{kind: deny}]\n"),
       "a window without a time: expected schedule, duration and timeZone, or from and to"},
      {"WindowBothTimes",
       environment_with_driver("  windows: [§{kind: deny, schedule: \"0 9 * * *\", " + moments + "}]\n"),
       "a window by schedule and by moments at once"},
      {"WindowNoZone", environment_with_driver("  windows: [§{kind: deny, schedule: \"0 9 * * *\", duration: 8h}]\n"),
       "a window without timeZone"},
      {"WindowNoDuration",
       environment_with_driver("  windows: [§{kind: deny, schedule: \"0 9 * * *\", timeZone: Europe/Rome}]\n"),
       "a window without duration"},
      {"WindowNoEnd", environment_with_driver("  windows: [§{kind: deny, from: 2026-12-20T00:00:00Z}]\n"),
       "a window without to"},
      {"WindowEndsFirst",
       environment_with_driver("  windows: [{kind: deny, from: 2026-12-20T00:00:00Z, to: §2026-12-19T00:00:00Z}]\n"),
       "the window ends before it begins"},
      {"WindowMoment",
       environment_with_driver("  windows: [{kind: deny, from: §tomorrow, to: 2026-12-19T00:00:00Z}]\n"),
       "wrong value of 'from': found 'tomorrow', expected a time such as 2026-12-20T00:00:00Z"},
      {"WindowSchedule",
       environment_with_driver("  windows: [{kind: deny, schedule: §\"0 25 * * *\", " + lasting + "}]\n"),
       "wrong schedule: the hour '25' is no number from 0 to 23"},
      {"WindowScheduleFields",
       environment_with_driver("  windows: [{kind: deny, schedule: §\"0 9 * *\", " + lasting + "}]\n"),
       "wrong schedule: a schedule has five fields"},
      {"WindowDuration",
       environment_with_driver("  windows: [{kind: deny, schedule: \"0 9 * * *\", duration: §40d, "
                               "timeZone: UTC}]\n"),
       "wrong value of 'duration': found '40d', expected a duration of 1m to 31d"},
      {"WindowZone",
       environment_with_driver("  windows: [{kind: deny, schedule: \"0 9 * * *\", duration: 8h, "
                               "timeZone: §Europe/Roma}]\n"),
       "'Europe/Roma' is no time zone of this host, did you mean 'Europe/Rome'?"},
      {"WindowField", environment_with_driver("  windows: [{kind: deny, " + moments + ", §timezone: UTC}]\n"),
       "unknown field 'timezone' of a window, did you mean 'timeZone'?"},
      {"MaintenanceNoName", environment_with_driver("  maintenance: [§{" + moments + "}]\n"),
       "missing field 'name' of a maintenance"},
      {"MaintenanceNoEnd", environment_with_driver("  maintenance: [§{name: a, from: 2026-12-20T00:00:00Z}]\n"),
       "missing field 'to' of a maintenance"},
      {"MaintenanceEndsFirst",
       environment_with_driver("  maintenance: [{name: a, from: 2026-12-20T00:00:00Z, to: §2026-12-20T00:00:00Z}]\n"),
       "the maintenance ends before it begins"},
      {"MaintenanceMoment",
       environment_with_driver("  maintenance: [{name: a, from: §now, to: 2026-12-20T00:00:00Z}]\n"),
       "wrong value of 'from': found 'now', expected a time such as"},
      {"MaintenanceTwice",
       environment_with_driver("  maintenance: [{name: a, " + moments + "}, §{name: a, " + moments + "}]\n"),
       "a second maintenance 'a': expected a name of its own; line 6 has it already"},
      {"Overrun", environment_with_driver("  overrun: §sometimes\n"), "wrong type of 'overrun'"},
      {"ObserveEvery", environment_with_driver("  observeEvery: §1ms\n"), "10ms or more"},
      {"TargetName",
       document("Target", "§gateway.staging",
                "  service: gateway\n  environment: production\n  release: {version: v1}\n"),
       "found 'gateway.staging', expected 'gateway.production'"},
      {"NoRelease", document("Target", "a.b", "  §service: a\n  environment: b\n"), "missing field 'release'"},
      {"NoVersion", target("  release: §{}\n"), "missing field 'version' of a release"},
      {"BadVersion", target("  release: {version: §-v1}\n"), "expected a version"},
      {"ShortCommit", target("  release: {version: v1, commit: §9f3c1a}\n"), "expected the full id of a commit"},
      {"ArtifactNothing", target("  release: {version: v1, artifacts: {§image: }}\n"), "found nothing, expected text"},
      {"ArtifactEmpty", target("  release: {version: v1, artifacts: {image: §\"\"}}\n"), "has no reference"},
      {"VariableOption", released_target("  variables: {a: §\"--force\"}\n"), "does not begin with '-'"},
      {"VariableNegative", released_target("  variables: {a: §-1}\n"), "does not begin with '-'"},
      {"VariableControl", released_target("  variables: {a: §\"x\\ny\"}\n"), "without control characters"},
      {"VariableC1", released_target("  variables: {a: §\"x\\u0085y\"}\n"), "without control characters"},
      {"VariableList", released_target("  variables: {a: §[1]}\n"), "found a list, expected text"},
      {"VariableSecret", released_target("  variables: {a: §{secret: b}}\n"), "secrets are not supported"},
      {"VariableName", released_target("  variables: {§9a: b}\n"), "wrong name of a variable"},
      {"VariableTemplate", released_target("  variables: {a: §\"${service}\"}\n"), "a value without ${...}"},
      {"VariablesAlike", released_target("  variables: {log-level: a, §LOG_LEVEL: b}\n"), "have the same name"},
      {"OnDelete", released_target("  onDelete: §remove\n"), "found 'remove'"},
      {"Suspend", released_target("  suspend: §yes\n"), "expected true or false"},
      {"PersonName", access("  people: {§\"a b\": {}}\n"), "wrong name of a person: expected up to 63"},
      {"PersonTwice", access("  people: {alice: {}, §alice: {}}\n"), "duplicate field, given in line 5 already"},
      {"Email", access("  people: {a: {emails: [§a.example.com]}}\n"),
       "wrong e-mail address: expected an e-mail address"},
      {"EmailTwice", access("  people: {a: {emails: [x@example.com]}, b: {emails: [§X@example.com]}}\n"),
       "this e-mail address belongs to the person in line 5 already"},
      {"TokenTwice", access("  people: {a: {tokens: [t]}, b: {tokens: [§t]}}\n"),
       "this token belongs to the person in line 5 already"},
      {"NoMembers", access("  teams: {a: §{}}\n"), "missing field 'members' of a team"},
      {"UnknownMember", access("  people: {alice: {}}\n  teams: {a: {members: [§alcie]}}\n"),
       "unknown person: expected a person of this document"},
      {"MemberTwice", access("  people: {a: {}}\n  teams: {t: {members: [a, §a]}}\n"), "a member twice"},
      {"UnknownTeam", access("  teams: {ops: {members: []}}\n  grants: [{team: §op, role: admin}]\n"),
       "unknown team 'op', did you mean 'ops'?"},
      {"UnknownPerson", access("  grants: [{person: §bob, role: admin}]\n"), "unknown person: expected"},
      {"Role", access("  grants: [{token: t, role: §aprover, environments: [\"*\"]}]\n"), "did you mean 'approver'?"},
      {"GrantToNobody", access("  grants: [§{role: admin}]\n"),
       "a grant is incomplete: expected team, person or token"},
      {"GrantToTwo", access("  people: {a: {}}\n  grants: [{person: a, §token: t, role: admin}]\n"),
       "a grant has both 'person' and 'token'"},
      {"GrantNowhere", access("  grants: [§{token: t, role: operator}]\n"), "says nothing of where it holds"},
      {"AdminSomewhere", access("  grants: [{token: t, role: admin, environments: §[staging]}]\n"),
       "an admin is one everywhere: expected [\"*\"]"},
      {"AdminOfAService", access("  grants: [{token: t, role: admin, environments: [\"*\"], services: §[gateway]}]\n"),
       "an admin is one everywhere"},
      {"GrantEmptyScope", access("  grants: [{token: t, role: operator, services: §[]}]\n"), "at least one name"},
      {"ClaimsOfAToken", access("  grants: [{token: t, role: admin, requireClaims: §{amr: mfa}}]\n"),
       "a token has no claims: this grant would never count"},
      {"NoClaims", access("  people: {a: {}}\n  grants: [{person: a, role: admin, requireClaims: §{}}]\n"),
       "expected 1 to 16 claims"},
      {"ClaimOfNothing",
       access("  people: {a: {}}\n  grants: [{person: a, role: admin, requireClaims: {amr: §\"\"}}]\n"),
       "one line of text"},
      {"ClaimList", access("  people: {a: {}}\n  grants: [{person: a, role: admin, requireClaims: {amr: §[mfa]}}]\n"),
       "found a list, expected text"},
  };
  return all;
}

INSTANTIATE_TEST_SUITE_P(Yaml, DocumentMistake, ::testing::ValuesIn(yaml_mistakes()), name_of_case);
INSTANTIATE_TEST_SUITE_P(Document, DocumentMistake, ::testing::ValuesIn(document_mistakes()), name_of_case);
INSTANTIATE_TEST_SUITE_P(Service, DocumentMistake, ::testing::ValuesIn(service_mistakes()), name_of_case);
INSTANTIATE_TEST_SUITE_P(Step, DocumentMistake, ::testing::ValuesIn(step_mistakes()), name_of_case);
INSTANTIATE_TEST_SUITE_P(Other, DocumentMistake, ::testing::ValuesIn(other_mistakes()), name_of_case);

TEST(Documents, EveryMistakeAtOnceInTheOrderOfTheFile) {
  const auto parsed = parse(
      "apiVersion: headgate.dev/v1\n"
      "kind: Service\n"
      "metadata: {nmae: gateway}\n"
      "spec:\n"
      "  group: *nobody_is_defined\n");
  ASSERT_EQ(parsed.diagnostics.size(), 1U) << "a syntax error hides the rest of its document only";

  const auto many = parse(service("  grup: a\n"
                                  "  gates: [{name: Lint}]\n"
                                  "  stages:\n"
                                  "    - environment: production\n"
                                  "      protection: {wait: soon, approvals: [{count: many}]}\n"
                                  "      windows: []\n") +
                          "---\n" + released_target("  suspend: 1\n") + "---\n" + environment_with_driver(""));
  EXPECT_EQ(
      in_lines(many.diagnostics),
      "file.yaml:5:3: error: unknown field 'grup' of a service's spec, did you mean 'group'?: expected group, "
      "source, dependsOn, analysis, gates or stages\n"
      "file.yaml:6:18: error: wrong value of 'name': found 'Lint', expected a name: up to 63 lower-case letters, "
      "digits and '-', beginning and ending with a letter or digit\n"
      "file.yaml:9:26: error: wrong value of 'wait': found 'soon', expected a duration of at most 366d, such as "
      "30s, 5m or 1h30m\n"
      "file.yaml:9:44: error: missing field 'team' of an approval rule\n"
      "file.yaml:9:52: error: wrong value of 'count': found 'many', expected a whole number from 1 to 100\n"
      "file.yaml:10:7: error: unknown field 'windows' of a stage: expected environment, driver, trigger, requires, "
      "protection, supersede, maxConcurrent, before, strategy, verify, rollback, expedite, downtime or objectives\n"
      "file.yaml:19:12: error: wrong type of 'suspend': found '1', expected true or false\n");
  ASSERT_EQ(many.documents.size(), 1U) << "the one without a mistake";
  EXPECT_EQ(many.documents[0].source, (Source{"file.yaml", 21, "blob-of-file"}));
}

// They would be recorded for good, in configuration.rejected.
TEST(Documents, NoDiagnosticQuotesWhoSomebodyIs) {
  const std::vector<std::string> texts{
      access("  people: {zacharias: {emails: [zacharias.example.com]}}\n"),
      access("  people: {zacharias: {emails: [a@b.c]}, b: {emails: [a@b.c]}}\n"),
      access("  people: {b: {emails: [zacharias@b.c]}, c: {emails: [zacharias@b.c]}}\n"),
      access("  people: {b: {emails: zacharias@b.c}}\n"),
      access("  people: {b: {emails: [{zacharias: 1}]}}\n"),
      access("  people: {b: {oidc: [\"zacharias\"]}}\n"),
      access("  people: {b: {tokens: [\"zacharias!\"]}}\n"),
      access("  people: {b: {signingKeys: [zacharias]}}\n"),
      access("  people: {\"zacharias!\": {}}\n"),
      access("  people: {zacharias: {}, zacharias: {}}\n"),
      access("  people: {zacharias: {}}\n  teams: {t: {members: [zacharia]}}\n"),
      access("  people: {zacharias: {}}\n  teams: {t: {members: [zacharias, zacharias]}}\n"),
      access("  teams: {t: {members: [\"zacharias!\"]}}\n"),
      access("  grants: [{person: zacharias, role: admin}]\n"),
      access("  grants: [{person: \"zacharias!\", role: admin}]\n"),
  };
  for (const auto& text : texts) {
    const auto parsed = parse(text);
    EXPECT_FALSE(parsed.diagnostics.empty()) << text;
    EXPECT_THAT(in_lines(parsed.diagnostics), ::testing::Not(HasSubstr("zacharia"))) << text;
  }
}

TEST(Documents, AnAliasIsNeitherExpandedNorReportedTwice) {
  const auto parsed = parse(
      "apiVersion: headgate.dev/v1\n"
      "kind: Service\n"
      "metadata: {name: &a gateway}\n"
      "spec: {group: *a, stages: [{environment: x, <<: *a}]}\n");
  EXPECT_EQ(in_lines(parsed.diagnostics),
            "file.yaml:3:18: error: anchors are not allowed in documents: found '&a', expected the value without it\n"
            "file.yaml:4:15: error: aliases are not allowed in documents: found an alias, expected the value itself\n"
            "file.yaml:4:49: error: aliases are not allowed in documents: found an alias, expected the value itself\n");
}

TEST(Documents, ABrokenPolicyLeavesNobodyInTheDirectory) {
  OfflinePeople people;
  const auto broken = parse(access("  people: {alice: {emails: [alice@example.com]}}\n  grants: [{team: ghosts, role: "
                                   "admin}]\n"),
                            people);
  EXPECT_EQ(broken.diagnostics.size(), 1U);
  EXPECT_TRUE(people.list().empty());
}

TEST(Documents, PeopleWhomTheDirectoryCannotTellApartAreReportedAtTheirName) {
  OfflinePeople people;
  for (const std::string name : {"alice", "bob"}) {
    ASSERT_TRUE(people.join(people.claim({"", name, {name + "@example.com"}, {}, {}}).value()));
  }
  const auto parsed = parse(access("  people:\n    alice: {emails: [bob@example.com]}\n"), people);
  ASSERT_EQ(parsed.diagnostics.size(), 1U);
  EXPECT_THAT(to_string(parsed.diagnostics[0]), HasSubstr("file.yaml:6:5: error: the person cannot be known"));
  EXPECT_TRUE(parsed.documents.empty());
}

// Teams and roles go by the id: each of the two would hold what the other may.
TEST(Documents, TwoPeopleWhoAreOneToTheDirectoryAreReportedAtTheSecond) {
  OfflinePeople people;
  ASSERT_TRUE(people.join(people.claim({"", "alice", {"alice@example.com", "bob@example.com"}, {}, {}}).value()));
  const auto parsed = parse(access("  people:\n    alice: {emails: [alice@example.com]}\n    bob: {emails: "
                                   "[bob@example.com]}\n"),
                            people);
  EXPECT_EQ(in_lines(parsed.diagnostics),
            "file.yaml:7:5: error: by what identifies them, this is the person in line 6: expected each person once: "
            "what a policy in force gave to somebody stays theirs\n");
  EXPECT_TRUE(parsed.documents.empty());
}

}  // namespace
}  // namespace headgate::reconciler::testing
