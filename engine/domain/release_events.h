// Events of releases, and of the gates that judge them. See events.h.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/domain/documents.h"
#include "engine/domain/event_type.h"
#include "engine/domain/flow_events.h"
#include "engine/domain/plan.h"

namespace headgate {

struct ReleaseRegistered {
  static constexpr EventType type{"release.registered"};
  ReleaseId id;
  std::string commit;
  StringMap artifacts;
  std::string branch;
  std::vector<std::string> tags;
  bool operator==(const ReleaseRegistered&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
    v.correlation(s.commit);
    v("artifacts", s.artifacts);
    v("branch", s.branch);
    v("tags", s.tags);
  }
};

struct ReleaseQuarantined {
  static constexpr EventType type{"release.quarantined"};
  ReleaseId id;
  std::string commit;
  StringMap artifacts;
  std::string reason;
  bool operator==(const ReleaseQuarantined&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
    v.correlation(s.commit);
    v("artifacts", s.artifacts);
    v("reason", s.reason);
  }
};

struct ReleaseReinstated {
  static constexpr EventType type{"release.reinstated"};
  ReleaseId id;
  std::string reason;
  bool operator==(const ReleaseReinstated&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
    v("reason", s.reason);
  }
};

struct GateReported {
  static constexpr EventType type{"gate.reported", 2};
  ServiceName service;
  std::string commit;   // what it was reported for: a commit …
  std::string version;  // … or, where the release names no commit, its version
  std::string gate;
  GateStatus status = GateStatus::passed;
  std::map<std::string, Decimal, std::less<>> metrics;
  std::string url;
  std::string summary;
  std::string report;                  // digest of a blob
  std::vector<std::string> after;      // of the gates that it comes after, those that had passed when it was reported
  std::optional<std::uint64_t> run{};  // of Headgate itself, which gate.started tells of
  std::optional<Json> evidence{};      // what that run gave
  bool operator==(const GateReported&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.service);
    v.correlation(s.commit);
    v("version", s.version);
    v("gate", s.gate);
    v("status", s.status);
    v("metrics", s.metrics);
    v("url", s.url);
    v("summary", s.summary);
    v("report", s.report);
    v("after", s.after);
    v("run", s.run);
    v("evidence", s.evidence);
  }
};

}  // namespace headgate
