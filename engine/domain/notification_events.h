// What receivers of a NotificationPolicy were told. See events.h.
#pragma once

#include <cstdint>
#include <string>

#include "engine/domain/event_type.h"
#include "engine/domain/names.h"

namespace headgate {

// A receiver got the message about an event: at least once, each event in its order. `about` is also where it goes on
// after a restart.
struct NotificationSent {
  static constexpr EventType type{"notification.sent"};
  std::string receiver;    // policy/name
  Position about = 0;      // of the event
  std::string event_type;  // of the event: approval.requested
  std::uint32_t attempts = 1;
  bool operator==(const NotificationSent&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.receiver);
    v("about", s.about);
    v("event_type", s.event_type);
    v("attempts", s.attempts);
  }
};

// It was given up; what comes after it is still told.
struct NotificationFailed {
  static constexpr EventType type{"notification.failed"};
  std::string receiver;  // policy/name
  Position about = 0;
  std::string event_type;
  std::uint32_t attempts = 1;
  std::string reason;
  bool operator==(const NotificationFailed&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.receiver);
    v("about", s.about);
    v("event_type", s.event_type);
    v("attempts", s.attempts);
    v("reason", s.reason);
  }
};

}  // namespace headgate
