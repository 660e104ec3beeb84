// A NotificationPolicy: who is told of which events.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/enums.h"

namespace headgate {

enum class ReceiverKind : std::uint8_t { slack, pagerduty, smtp, teams, webhook };
HEADGATE_ENUM_NAMES(ReceiverKind, "slack", "pagerduty", "smtp", "teams", "webhook");

struct Receiver {
  std::string name;
  ReceiverKind kind = ReceiverKind::webhook;
  std::string url;              // of a webhook
  std::string secret;           // name of the secret that holds the URL of slack and teams, the routing key of
                                // pagerduty, the key that signs what a webhook gets; empty: it is not signed
  std::vector<std::string> to;  // of smtp: ids of whom the directory of people knows the address
  std::uint32_t line = 0;
  bool operator==(const Receiver&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("name", s.name);
    v("kind", s.kind);
    v("url", s.url);
    v("secret", s.secret);
    v("to", s.to);
    v("line", s.line);
  }
};

struct Route {
  std::vector<std::string> events;        // globs over the short names of events
  std::vector<std::string> environments;  // of the event; none: whatever it concerns
  std::vector<std::string> to;            // names of receivers
  std::uint32_t line = 0;
  bool operator==(const Route&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("events", s.events);
    v("environments", s.environments);
    v("to", s.to);
    v("line", s.line);
  }
};

struct NotificationPolicy {
  std::string name;
  std::vector<Route> routes;
  std::vector<Receiver> receivers;  // by name
  bool operator==(const NotificationPolicy&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("name", s.name);
    v("routes", s.routes);
    v("receivers", s.receivers);
  }
};

}  // namespace headgate
