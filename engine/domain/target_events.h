// Events of one target: what is wished there, what runs there, and where the two part. See events.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/domain/event_type.h"
#include "engine/domain/plan.h"

namespace headgate {

struct DesiredChanged {
  static constexpr EventType type{"desired.changed"};
  TargetId target;
  std::string commit;
  std::optional<Wish> from;
  Wish to;
  std::string file;
  std::uint32_t line = 0;
  std::vector<std::string> people;  // whose work brought the wish: authors, committers, co-authors
  bool operator==(const DesiredChanged&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.target);
    v.correlation(s.commit);
    v("from", s.from);
    v("to", s.to);
    v("file", s.file);
    v("line", s.line);
    v("people", s.people);
  }
};

// What the driver reports to run there, written when it differs from what it reported before.
struct TargetObserved {
  static constexpr EventType type{"target.observed", 2};
  TargetId target;
  std::string version;  // empty: nothing runs there
  StringMap artifacts;
  std::string location{};  // empty: the environment is one place
  StringMap variables{};   // of those that the target sets, but for ignored ones, as far as the driver tells
  bool operator==(const TargetObserved&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.target);
    v("version", s.version);
    v("artifacts", s.artifacts);
    v("location", s.location);
    v("variables", s.variables);
  }
};

struct TargetAdopted {
  static constexpr EventType type{"target.adopted"};
  TargetId target;
  Wish wish;  // what it runs
  std::string reason;
  bool operator==(const TargetAdopted&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.target);
    v("wish", s.wish);
    v("reason", s.reason);
  }
};

struct TargetOrphaned {
  static constexpr EventType type{"target.orphaned"};
  TargetId target;
  bool operator==(const TargetOrphaned&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.target);
  }
};

// The target keeps what it runs although Git wishes something else, until Git's wish changes or agrees.
struct TargetPinned {
  static constexpr EventType type{"target.pinned"};
  TargetId target;
  std::string reason;
  bool operator==(const TargetPinned&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.target);
    v("reason", s.reason);
  }
};

struct TargetUnpinned {
  static constexpr EventType type{"target.unpinned"};
  TargetId target;
  std::string reason;
  bool operator==(const TargetUnpinned&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.target);
    v("reason", s.reason);
  }
};

struct DriftDetected {
  static constexpr EventType type{"drift.detected", 2};
  TargetId target;
  std::string expected;  // versions
  std::string found;
  std::string location{};  // likewise
  StringMap variables{};   // that differ, as they were found
  bool operator==(const DriftDetected&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.target);
    v("expected", s.expected);
    v("found", s.found);
    v("location", s.location);
    v("variables", s.variables);
  }
};

struct DriftResolved {
  static constexpr EventType type{"drift.resolved", 2};
  TargetId target;
  std::string location{};
  bool operator==(const DriftResolved&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.target);
    v("location", s.location);
  }
};

}  // namespace headgate
