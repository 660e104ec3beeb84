// Events of what closes an environment for a while: freezes and windows, and who passed them. See events.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/domain/enums.h"
#include "engine/domain/event_type.h"
#include "engine/domain/names.h"
#include "engine/domain/time.h"

namespace headgate {

// The subject of an event that concerns an environment as a whole.
struct EnvironmentName {
  std::string text;
  auto operator<=>(const EnvironmentName&) const = default;
};

// A deny window set by hand.
struct FreezeSet {
  static constexpr EventType type{"freeze.set"};
  EnvironmentName environment;
  std::string id;                     // a number, never used twice
  std::vector<std::string> services;  // empty: all of them
  std::string reason;
  std::optional<Timestamp> until;  // when it ends by itself
  bool operator==(const FreezeSet&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.environment);
    v("id", s.id);
    v("services", s.services);
    v("reason", s.reason);
    v("until", s.until);
  }
};

struct FreezeLifted {
  static constexpr EventType type{"freeze.lifted"};
  EnvironmentName environment;
  std::string id;
  std::string reason;
  bool operator==(const FreezeLifted&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.environment);
    v("id", s.id);
    v("reason", s.reason);
  }
};

// By the record's actor, who holds the role breakGlass: one promotion passes these freezes, not those that come later.
struct FreezeOverridden {
  static constexpr EventType type{"freeze.overridden"};
  PromotionId promotion;
  std::vector<std::string> freezes;  // ids
  std::string reason;
  bool operator==(const FreezeOverridden&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.promotion);
    v("freezes", s.freezes);
    v("reason", s.reason);
  }
};

// Likewise of the windows, until they would have opened by themselves, or of one maintenance.
struct WindowOverridden {
  static constexpr EventType type{"window.overridden", 2};
  PromotionId promotion;
  std::string window;  // which one was closed, in words
  std::string reason;
  std::optional<Timestamp> until;  // unset: no opening was in sight
  std::string maintenance{};       // its name; empty: of the windows
  bool operator==(const WindowOverridden&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.promotion);
    v("window", s.window);
    v("reason", s.reason);
    v("until", s.until);
    v("maintenance", s.maintenance);
  }
};

// One occurrence of a window: [from, to).
struct WindowInterval {
  std::uint32_t window = 0;  // which of the environment's windows, from 0
  Timestamp from;
  Timestamp to;
  bool operator==(const WindowInterval&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("window", s.window);
    v("from", s.from);
    v("to", s.to);
  }
};

// The windows of an environment as UTC intervals, all that meet [from, until): written down so that the time-zone data
// of another day cannot alter what was decided by them. It takes the place of what was expanded before.
struct WindowExpanded {
  static constexpr EventType type{"window.expanded"};
  EnvironmentName environment;
  Timestamp from;
  Timestamp until;
  std::string time_zones;  // version of the time-zone data
  std::vector<WindowInterval> intervals;
  bool operator==(const WindowExpanded&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.environment);
    v("from", s.from);
    v("until", s.until);
    v("time_zones", s.time_zones);
    v("intervals", s.intervals);
  }
};

}  // namespace headgate
