// The spec of each kind of document. Each function reports every mistake; after one the result is to be checked only.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/domain/documents.h"
#include "engine/ports/people.h"
#include "reconciler/yaml_reader.h"

namespace headgate::reconciler {

void read_service(YamlReader& r, const YamlNode& spec, Service& service);
void read_environment(YamlReader& r, const YamlNode& spec, Environment& environment);
void read_target(YamlReader& r, const YamlNode& spec, Target& target);
// `mistakes_before`: of the reader when the document began. The directory is asked only for a policy without mistakes,
// so that a broken one leaves nobody in it. `no_claims`: no sign-in has any, so that a grant that asks for them is a
// mistake.
void read_access_policy(YamlReader& r, const YamlNode& spec, People& people, bool no_claims,
                        std::size_t mistakes_before, AccessPolicy& policy);

// People by their addresses alone, likewise.
void read_notification_policy(YamlReader& r, const YamlNode& spec, People& people, std::size_t mistakes_before,
                              NotificationPolicy& policy);

void read_schedule(YamlReader& r, const YamlNode& node, std::string& schedule);  // cron
void read_self_heal(YamlReader& r, const YamlNode& node, std::optional<SelfHealRule>& out);
void read_ignore_differences(YamlReader& r, const YamlNode& node, std::vector<std::string>& out);
void read_windows(YamlReader& r, const YamlNode& node, std::vector<Window>& windows);
void read_window_duration(YamlReader& r, const YamlNode& node, std::optional<Duration>& out);  // 1m to 31d
void read_time_zone(YamlReader& r, const YamlNode& node, std::string& zone);
void read_maintenance(YamlReader& r, const YamlNode& node, std::vector<Maintenance>& all);
void read_driver(YamlReader& r, const YamlNode& node, Driver& driver);
void read_locations(YamlReader& r, const YamlNode& node, std::vector<Location>& locations);
// A text under `node` that holds ${location}; null when there is none.
const YamlNode* mention_of_location(const YamlNode& node);
// Reports it; `node` may be null.
void refuse_location(YamlReader& r, const YamlNode* node, std::string_view why);
void read_hook(YamlReader& r, const YamlNode& node, Hook& hook);
void read_check(YamlReader& r, const YamlNode& node, Check& check);
// Those that a check has, of a map that has others beside them.
void read_check_fields(YamlReader& r, const YamlNode& node, Fields& f, Check& check);
void read_monitors(YamlReader& r, const YamlNode& node, std::vector<Monitor>& monitors);
void read_downtime(YamlReader& r, const YamlNode& node, Boxed<Downtime>& out);
void check_downtime(YamlReader& r, const Stage& stage, const YamlNode& node);  // once the stage's checks are read
void read_objectives(YamlReader& r, const YamlNode& node, Boxed<Objectives>& out);
void read_tcp(YamlReader& r, const YamlNode& node, Boxed<TcpCheck>& out);
void read_tls(YamlReader& r, const YamlNode& node, Boxed<TlsCheck>& out);
void read_dns(YamlReader& r, const YamlNode& node, Boxed<DnsCheck>& out);

// Where the names of a stage stand, in the order of its members; for diagnostics about what they refer to.
struct StageNodes {
  const YamlNode* environment = nullptr;
  std::vector<const YamlNode*> gates;
  std::vector<const YamlNode*> healthy;
  std::vector<std::pair<std::string, const YamlNode*>> steps;  // before, then verify
  const YamlNode* restore_point = nullptr;                     // of rollback.restore
  std::vector<const YamlNode*> analysis;
  const YamlNode* strategy = nullptr;
  const YamlNode* approve_switch = nullptr;  // where it is asked for
  const YamlNode* triggers = nullptr;
};

void read_strategy(YamlReader& r, const YamlNode& node, Stage& stage, StageNodes& nodes);
void read_metrics_of_analysis(YamlReader& r, const YamlNode& node, std::vector<Metric>& metrics);
void read_traffic(YamlReader& r, const YamlNode& node, Environment& environment);
void read_prometheus(YamlReader& r, const YamlNode& node, Environment& environment);
void read_rollback(YamlReader& r, const YamlNode& node, Stage& stage, StageNodes& nodes);
void read_expedite(YamlReader& r, const YamlNode& node, std::optional<Expedite>& out);
void check_restore(YamlReader& r, const Stage& stage, const StageNodes& nodes);

// Where the names of a gate stand.
struct GateNodes {
  const YamlNode* name = nullptr;
  std::vector<const YamlNode*> after;
};

// Metrics that are not there, and switches that nobody could approve.
void check_strategies(YamlReader& r, const Service& service, const std::vector<StageNodes>& stages);

// What a service's own document decides: gates, stages and steps named twice or not at all, reserved step names,
// cycles.
void check_service(YamlReader& r, const Service& service, const std::vector<GateNodes>& gate_nodes,
                   const std::vector<StageNodes>& stages);

}  // namespace headgate::reconciler
