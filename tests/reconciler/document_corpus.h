// Accepted documents of each kind that together use every field that the kind has, as JSON (which is YAML). Whoever
// adds a field adds it to schemas/<Kind>.json and here.
#pragma once

#include <array>
#include <string_view>

#include "engine/domain/enums.h"

namespace headgate::reconciler::testing {

struct CorpusDocument {
  DocumentKind kind;
  std::string_view text;
};

inline constexpr std::array kCorpus{
    CorpusDocument{DocumentKind::service, R"json({
  "apiVersion": "headgate.dev/v1", "kind": "Service", "metadata": {"name": "gateway", "formerly": "entrance"},
  "spec": {
    "group": "backend", "source": {"repository": "gateway", "paths": ["gateway/**"]}, "dependsOn": ["research"],
    "gates": [
      {"name": "lint"},
      {"name": "scan", "after": ["lint"], "maxAge": "24h", "schedule": "0 2 * * *",
       "run": {"command": ["hooks/scan.sh", "${release.artifacts.image}"], "timeout": "10m"},
       "metrics": {"coverage": {"min": 80, "max": 100, "otherwise": "approval"}, "medium": {"track": true}}}],
    "analysis": [
      {"name": "errors", "prometheus": {"query": "sum(rate(errors{slot=\"${slot}\"}[2m]))"}, "interval": "1m",
       "minSamples": {"query": "sum(increase(requests[2m]))", "min": 50}, "threshold": {"min": 0, "max": 0.05},
       "baseline": {"against": "stable", "maxDelta": 0.01}, "failureLimit": 1, "inconclusiveLimit": 5,
       "consecutiveErrorLimit": 4},
      {"name": "latency", "prometheus": {"query": "latency"}, "baseline": {"window": "1h", "maxRatio": 1.2}}],
    "stages": [
      {"environment": "development", "trigger": "desired", "strategy": {"rolling": {"batch": "25%", "pause": "30s"}}},
      {"environment": "preview", "trigger": {"manual": true}, "protection": {"approvals": [{"team": "release"}]},
       "strategy": {"blueGreen": {
         "verifyPreview": [{"name": "preview", "tcp": {"host": "example.com", "port": 80}}], "approveSwitch": true,
         "observe": "10m", "analysis": ["errors"], "keepOld": "1h"}}},
      {"environment": "canary", "trigger": [{"branch": "main"}, {"tag": "v*"}, {"schedule": "0 6 * * 1"}],
       "strategy": {"canary": {"steps": [{"setWeight": 5}, {"pause": {"duration": "30m"}}, {"pause": {}}, {"setWeight": 100}],
                               "analysis": ["errors", "latency"]}}},
      {"environment": "staging", "verify": [
        {"name": "health", "attempts": 3, "successes": 2, "interval": "1s", "after": "1s", "timeout": "5s",
         "http": {"url": "https://example.com/health", "followRedirects": true, "expect": {
           "status": 204, "latency": {"max": "1s"}, "header": {"Content-Type": "application/json"},
           "body": {"contains": "ok", "jsonPointer": "/status", "equals": "ok"}}}},
        {"name": "port", "tcp": {"host": "example.com", "port": 5432}},
        {"name": "certificate", "tls": {"host": "example.com", "port": 8443, "expiresIn": {"min": "14d"}}},
        {"name": "address", "dns": {"name": "example.com", "expect": ["203.0.113.7", "2001:db8::7"]}}]},
      {"environment": "canaries", "strategy": {"canary": {
        "steps": [{"setWeight": 5}, {"pause": {"duration": "30m"}}, {"pause": {}}, {"setWeight": 100}],
        "analysis": ["errors", "latency"]}}},
      {"environment": "colours", "protection": {"approvals": [{"team": "release"}]}, "strategy": {"blueGreen": {
        "verifyPreview": [{"name": "preview", "http": {"url": "https://example.com/health"}}], "approveSwitch": true,
        "observe": "10m", "analysis": ["errors"], "keepOld": "1h"}}},
      {"environment": "batches", "driver": {"command": {
         "deploy": ["hooks/batch.sh"], "observe": ["hooks/observe.sh"], "retire": ["hooks/retire.sh"]}}, "strategy": {"rolling": {"batch": "25%", "pause": "30s"}}},
      {"environment": "containers", "driver": {"container": {
         "engine": "http://127.0.0.1:2375", "image": "registry.example.com/gateway:${release.version}",
         "slots": {"blue": {"port": 1}, "green": {"port": 2}}}}},
      {"environment": "elsewhere", "driver": {"webhook": {
         "url": "https://deployer.example.com/hook", "signature": {"secret": "deploy-hook"}}}},
      {"environment": "production", "trigger": {"after": "staging", "soak": "1h"},
       "requires": {"gates": ["lint", "scan"], "healthy": ["staging"], "signedCommit": true},
       "protection": {"approvals": [{"team": "release", "count": 2}], "selfApproval": false, "approvalExpiry": "12h",
                      "wait": "5m", "unknownAuthors": "extraApproval"},
       "supersede": "newest", "maxConcurrent": 2, "expedite": {"pause": "5m", "wait": "0s"},
       "downtime": {"probe": "smoke", "interval": "1s", "max": "30s"},
       "objectives": {"leadTime": "1h", "recovery": "15m", "rollback": "10m", "changeFailureRate": 5},
       "before": [{"name": "backup", "run": {"command": ["hooks/backup.sh", "${service}"], "timeout": "5m"}, "keeps": "before",
                   "irreversible": false}],
       "strategy": {"direct": {}},
       "verify": [{"name": "smoke", "run": {"command": ["hooks/smoke.sh"], "timeout": "1m"}}],
       "rollback": {"automatic": true, "to": "previous", "quarantine": true,
                    "restore": {"point": "before", "run": {"command": ["hooks/restore.sh"]}}}}]}})json"},
    CorpusDocument{DocumentKind::environment, R"json({
  "apiVersion": "headgate.dev/v1", "kind": "Environment", "metadata": {"name": "production", "formerly": "live"},
  "spec": {
    "driver": {"command": {"deploy": ["hooks/deploy.sh"], "observe": ["hooks/observe.sh"], "retire": ["hooks/retire.sh"]}},
    "traffic": {"command": {"shift": ["hooks/shift.sh"]}}, "prometheus": {"address": "http://127.0.0.1:9090"},
    "maxConcurrent": 5, "observeEvery": "1m", "selfHeal": true, "ignoreDifferences": ["replicas"],
    "locations": [
      {"name": "eu", "wave": 1},
      {"name": "us", "wave": 2, "driver": {"command": {"deploy": ["hooks/deploy.sh", "${location}"],
                                                       "observe": ["hooks/observe.sh"], "retire": ["hooks/retire.sh"]}}},
      {"name": "sa", "wave": 2, "driver": {"container": {
        "engine": "unix:///run/podman/podman.sock", "image": "${release.artifacts.image}",
        "slots": {"blue": {"port": 18081}, "green": {"port": 18082}}}}},
      {"name": "au", "wave": 2, "driver": {"webhook": {
        "url": "https://deployer.example.com/${location}", "signature": {"secret": "deploy-hook"}}}},
      {"name": "ap", "standby": true}],
    "onLocationFailure": "rollbackLocation",
    "windows": [
      {"kind": "allow", "name": "office", "schedule": "0 9 * * 1-5", "duration": "8h", "timeZone": "Europe/Rome"},
      {"kind": "deny", "from": "2026-12-20T00:00:00Z", "to": "2027-01-03T00:00:00Z"}],
    "maintenance": [{"name": "database-upgrade", "from": "2026-12-01T02:00:00Z", "to": "2026-12-01T04:00:00Z"}],
    "monitors": [
      {"name": "api", "services": ["gateway"], "every": "15m", "failureLimit": 3, "onFailure": "rollback",
       "http": {"url": "https://api.example.com/health", "followRedirects": true, "expect": {
         "status": 204, "latency": {"max": "1s"}, "header": {"Content-Type": "application/json"},
         "body": {"contains": "ok", "jsonPointer": "/status", "equals": "ok"}}},
       "attempts": 3, "successes": 2, "interval": "1s", "after": "1s", "timeout": "5s",
       "during": [{"every": "5m", "schedule": "0 8 * * 1-5", "duration": "10h", "timeZone": "Europe/Rome"}],
       "sla": {"window": "30d", "availability": 99.9,
               "latency": {"p50": "500ms", "p90": "1s", "p95": "2s", "p99": "3s"}}},
      {"name": "certificate", "tls": {"host": "api.example.com", "port": 443, "expiresIn": {"min": "14d"}}, "every": "12h"},
      {"name": "dns", "dns": {"name": "api.example.com", "expect": ["203.0.113.7"]}, "every": "15m"},
      {"name": "port", "tcp": {"host": "api.example.com", "port": 443}, "every": "1m"},
      {"name": "smoke", "run": {"command": ["hooks/smoke.sh", "${environment}"], "timeout": "1m"}, "every": "1h"}],
    "overrun": true, "retention": {"blobs": "90d"}}})json"},
    CorpusDocument{DocumentKind::environment, R"json({
  "apiVersion": "headgate.dev/v1", "kind": "Environment", "metadata": {"name": "staging"},
  "spec": {
    "driver": {"command": {"deploy": ["hooks/deploy.sh"], "observe": ["hooks/observe.sh"], "retire": ["hooks/retire.sh"]}},
    "traffic": {"haproxy": {"socket": "/run/haproxy/admin.sock", "backend": "${service}",
                            "servers": {"blue": "blue", "green": "green"}}}}})json"},
    CorpusDocument{DocumentKind::notification_policy, R"json({
  "apiVersion": "headgate.dev/v1", "kind": "NotificationPolicy", "metadata": {"name": "default"},
  "spec": {
    "routes": [
      {"events": ["approval.requested", "rollback.*"], "environments": ["production"],
       "to": ["ops-chat", "on-call", "mail", "teams-room", "hook"]}],
    "receivers": {
      "ops-chat": {"slack": {"url": {"secret": "slack-url"}}},
      "on-call": {"pagerduty": {"routingKey": {"secret": "pagerduty"}}},
      "mail": {"smtp": {"to": ["ops@example.com"]}},
      "teams-room": {"teams": {"url": {"secret": "teams-url"}}},
      "hook": {"webhook": {"url": "https://example.com/hook", "signature": {"secret": "hook-key"}}}}}})json"},
    CorpusDocument{DocumentKind::target, R"json({
  "apiVersion": "headgate.dev/v1", "kind": "Target", "metadata": {"name": "gateway.production", "formerly": "gateway.live"},
  "spec": {
    "service": "gateway", "environment": "production",
    "release": {"version": "v1.4.2", "commit": "0123456789abcdef0123456789abcdef01234567",
                "artifacts": {"image": "registry.example.com/gateway@sha256:00"}},
    "variables": {"replicas": 3, "debug": true, "memory": "2Gi"}, "variablesFrom": ["config/production.env"],
    "suspend": false, "onDelete": "retain"}})json"},
    CorpusDocument{DocumentKind::access_policy, R"json({
  "apiVersion": "headgate.dev/v1", "kind": "AccessPolicy", "metadata": {"name": "access"},
  "spec": {
    "people": {"alice": {"emails": ["alice@example.com"], "oidc": ["https://issuer.example.com#8f2a"],
                         "tokens": ["alice-laptop"],
                         "signingKeys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILYfetnbxUw5SWf/Hf97envz9dyJk2JnIdRWjAGB9dfS"]}},
    "teams": {"release": {"members": ["alice"]}},
    "grants": [
      {"team": "release", "role": "approver", "environments": ["production"], "services": ["*"],
       "requireClaims": {"amr": "mfa"}},
      {"person": "alice", "role": "admin"}, {"token": "ci", "role": "reporter", "services": ["gateway"]}]}})json"},
};

}  // namespace headgate::reconciler::testing
