#include "reconciler/scaffold.h"

#include <array>

#include "reconciler/document_schemas.h"

namespace headgate::reconciler {
namespace {

constexpr std::string_view kReadme = R"(# Environments

What should run where, and how it gets there. Headgate follows this repository: a commit that changes a file under
`targets/` is a wish, and a promotion makes it true.

- `services/`: the gates and stages of each service
- `environments/`: how each environment is deployed to
- `targets/<environment>/<service>.yaml`: the release that should run there
- `policies/`: who may do what
- `hooks/`: the scripts that documents name
- `schemas/`: JSON Schemas of the documents; the first line of each document tells editors which one is its own, so that
  they complete and check it (with yaml-language-server, which most editors have as an extension)

Check a change before it is pushed:

    headgate validate .

The hooks here play a deployment with files, so that everything can be tried at once: what "runs" is a file under
`/tmp/headgate-example`, as the variable `directory` of each target says. Put your own in their place.
)";

constexpr std::string_view kService = R"(# yaml-language-server: $schema=../schemas/Service.json
# One service, and its way to production.
apiVersion: headgate.dev/v1
kind: Service
metadata:
  name: hello
spec:
  group: examples
  gates:
    - name: unit-tests
      metrics:
        coverage: {min: 80}
  stages:
    - environment: staging
      requires:
        gates: [unit-tests]
      verify:
        - name: smoke
          run: {command: [hooks/smoke.sh, "${service}", "${environment}", "${release.version}"], timeout: 1m}
          attempts: 3
          interval: 5s
    - environment: production
      trigger: {manual: true}
      requires:
        gates: [unit-tests]
        healthy: [staging]
      protection:
        approvals:
          - {team: release-managers, count: 1}
        approvalExpiry: 24h
        wait: 1m
      before:
        - name: backup
          run: {command: [hooks/backup.sh, "${service}", "${environment}"], timeout: 5m}
      strategy:
        direct: {}
      verify:
        - name: smoke
          run: {command: [hooks/smoke.sh, "${service}", "${environment}", "${release.version}"], timeout: 1m}
          attempts: 5
          interval: 10s
          successes: 2
      rollback:
        automatic: true
        to: previous
)";

#define HEADGATE_SCAFFOLD_ENVIRONMENT(NAME)                                                       \
  "# yaml-language-server: $schema=../schemas/Environment.json\n"                                 \
  "apiVersion: headgate.dev/v1\n"                                                                 \
  "kind: Environment\n"                                                                           \
  "metadata:\n"                                                                                   \
  "  name: " NAME                                                                                 \
  "\n"                                                                                            \
  "spec:\n"                                                                                       \
  "  driver:\n"                                                                                   \
  "    command:\n"                                                                                \
  "      deploy: [hooks/deploy.sh, \"${service}\", \"${environment}\", \"${release.version}\"]\n" \
  "      observe: [hooks/observe.sh, \"${service}\", \"${environment}\"]\n"                       \
  "      retire: [hooks/retire.sh, \"${service}\", \"${environment}\"]\n"                         \
  "  observeEvery: 1m\n"

#define HEADGATE_SCAFFOLD_TARGET(ENVIRONMENT)                   \
  "# yaml-language-server: $schema=../../schemas/Target.json\n" \
  "apiVersion: headgate.dev/v1\n"                               \
  "kind: Target\n"                                              \
  "metadata:\n"                                                 \
  "  name: hello." ENVIRONMENT                                  \
  "\n"                                                          \
  "spec:\n"                                                     \
  "  service: hello\n"                                          \
  "  environment: " ENVIRONMENT                                 \
  "\n"                                                          \
  "  release:\n"                                                \
  "    version: v0.1.0\n"                                       \
  "  variables:\n"                                              \
  "    replicas: 1\n"                                           \
  "    directory: /tmp/headgate-example\n"

constexpr std::string_view kAccess = R"(# yaml-language-server: $schema=../schemas/AccessPolicy.json
# Who may do what. Put the people of your team here.
apiVersion: headgate.dev/v1
kind: AccessPolicy
metadata:
  name: access
spec:
  people:
    alice:
      emails: [alice@example.com]
      tokens: [alice-laptop]
    bob:
      emails: [bob@example.com]
      tokens: [bob-laptop]
  teams:
    developers: {members: [alice, bob]}
    release-managers: {members: [alice, bob]}
  grants:
    - {team: developers, role: operator, environments: ["*"]}
    - {team: release-managers, role: approver, environments: [production]}
    - {token: ci, role: reporter, services: ["*"]}
)";

// What a hook prints last is its evidence: one JSON object in one line.
constexpr std::string_view kDeploy = R"(#!/bin/sh
# hooks/deploy.sh SERVICE ENVIRONMENT VERSION: make that version run. Doing it twice does no harm.
set -eu
place="$HEADGATE_VARIABLE_DIRECTORY/$2"
mkdir -p "$place"
printf '%s\n' "$3" > "$place/$1.new"
mv "$place/$1.new" "$place/$1"
printf '{"version":"%s"}\n' "$3"
)";

constexpr std::string_view kObserve = R"(#!/bin/sh
# hooks/observe.sh SERVICE ENVIRONMENT: say which version runs; an empty one means that nothing does.
set -eu
running="$HEADGATE_VARIABLE_DIRECTORY/$2/$1"
version=""
if [ -f "$running" ]; then version=$(cat "$running"); fi
printf '{"version":"%s"}\n' "$version"
)";

constexpr std::string_view kRetire = R"(#!/bin/sh
# hooks/retire.sh SERVICE ENVIRONMENT: take away what runs there.
set -eu
rm -f "$HEADGATE_VARIABLE_DIRECTORY/$2/$1"
printf '{"version":""}\n'
)";

constexpr std::string_view kSmoke = R"(#!/bin/sh
# hooks/smoke.sh SERVICE ENVIRONMENT VERSION: exit 0 when that version answers.
set -eu
running=$(cat "$HEADGATE_VARIABLE_DIRECTORY/$2/$1")
printf '{"running":"%s","expected":"%s"}\n' "$running" "$3"
[ "$running" = "$3" ]
)";

constexpr std::string_view kBackup = R"(#!/bin/sh
# hooks/backup.sh SERVICE ENVIRONMENT: keep what runs there before it is replaced.
set -eu
running="$HEADGATE_VARIABLE_DIRECTORY/$2/$1"
if [ -f "$running" ]; then cp "$running" "$running.backup"; fi
printf '{"backup":"%s.backup"}\n' "$running"
)";

std::span<const ScaffoldFile> files() {
  static const auto all = std::to_array<ScaffoldFile>({
      {"README.md", kReadme, false},
      {"services/hello.yaml", kService, false},
      {"environments/staging.yaml", HEADGATE_SCAFFOLD_ENVIRONMENT("staging"), false},
      {"environments/production.yaml", HEADGATE_SCAFFOLD_ENVIRONMENT("production"), false},
      {"targets/staging/hello.yaml", HEADGATE_SCAFFOLD_TARGET("staging"), false},
      {"targets/production/hello.yaml", HEADGATE_SCAFFOLD_TARGET("production"), false},
      {"policies/access.yaml", kAccess, false},
      {"hooks/deploy.sh", kDeploy, true},
      {"hooks/observe.sh", kObserve, true},
      {"hooks/retire.sh", kRetire, true},
      {"hooks/smoke.sh", kSmoke, true},
      {"hooks/backup.sh", kBackup, true},
      {"schemas/Service.json", schema_of_service(), false},
      {"schemas/Environment.json", schema_of_environment(), false},
      {"schemas/Target.json", schema_of_target(), false},
      {"schemas/AccessPolicy.json", schema_of_access_policy(), false},
      {"schemas/NotificationPolicy.json", schema_of_notification_policy(), false},
  });
  return all;
}

#undef HEADGATE_SCAFFOLD_ENVIRONMENT
#undef HEADGATE_SCAFFOLD_TARGET

}  // namespace

std::span<const ScaffoldFile> scaffold_files() {
  return files();
}

}  // namespace headgate::reconciler
