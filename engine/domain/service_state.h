// What is remembered of one service: its releases, what gates said of them, and its quarantine. See state.h.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/domain/events.h"
#include "engine/domain/flow_state.h"
#include "engine/domain/gate_run_state.h"

namespace headgate {

struct RegisteredRelease {
  Release release;
  std::string branch;
  std::vector<std::string> tags;
  Position position = 0;
  Timestamp time;
  bool operator==(const RegisteredRelease&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("release", s.release);
    v("branch", s.branch);
    v("tags", s.tags);
    v("position", s.position);
    v("time", s.time);
  }
};

struct Quarantine {
  Release release;
  std::string reason;
  Position position = 0;
  bool operator==(const Quarantine&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("release", s.release);
    v("reason", s.reason);
    v("position", s.position);
  }
};

struct GateResult {
  GateStatus status = GateStatus::passed;
  std::map<std::string, Decimal, std::less<>> metrics;
  std::string url;
  std::string report;              // digest of a blob
  std::vector<std::string> after;  // gates that had passed when it was reported
  Position position = 0;
  Timestamp time;
  Timestamp measured;  // `time` on a clock that never steps: less State::stepped as it was then
  std::string summary{};
  std::optional<std::uint64_t> run{};  // of Headgate itself
  bool operator==(const GateResult&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("status", s.status);
    v("metrics", s.metrics);
    v("url", s.url);
    v("report", s.report);
    v("after", s.after);
    v("position", s.position);
    v("time", s.time);
    v("measured", s.measured);
    v("summary", s.summary);
    v("run", s.run);
  }
};

// A gate's result belongs to a commit, or to a version where the release names no commit. Versions are kept apart from
// commits by a prefix: a version may read like the commit of another release.
using GateKey = std::pair<std::string, std::string>;  // commit or "version:" version, gate
GateKey gate_key(const std::string& commit, const std::string& version, const std::string& gate);

// What is in play of one service. Bounded: when the bounds are passed, the oldest leave that no target wants or runs;
// the log keeps them. Quarantine is for ever until a person lifts it.
struct ServiceState {
  static constexpr std::size_t max_releases = 256;
  static constexpr std::size_t max_gate_results = 1024;

  std::optional<InForce<Service>> document;
  std::map<std::string, RegisteredRelease, std::less<>> releases;  // by version
  std::deque<std::string> release_order;                           // oldest first
  // Those that have left, by version: a fingerprint of each, for ever (some 100 bytes), since a release never changes.
  std::map<std::string, std::uint64_t, std::less<>> forgotten;
  std::map<GateKey, GateResult> gates;
  std::deque<GateKey> gate_order;  // as they were reported; what is needed goes behind the newest instead of away
  std::vector<Quarantine> quarantined;
  std::set<std::string, std::less<>> environments;  // where it has targets
  Boxed<SourceState> source;
  GateRuns runs;
  bool operator==(const ServiceState&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("document", s.document);
    v("releases", s.releases);
    v("release_order", s.release_order);
    v("forgotten", s.forgotten);
    v("gates", s.gates);
    v("gate_order", s.gate_order);
    v("quarantined", s.quarantined);
    v("environments", s.environments);
    v("source", s.source);
    v("runs", s.runs);
  }

  // The latest report of the gate that counts for the release; null when there is none.
  const GateResult* gate(const Release& release, const std::string& name) const;
  void forget_release(std::deque<std::string>::iterator at);  // in release_order
};

}  // namespace headgate
