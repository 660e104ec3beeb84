// What brings releases to their place, and traffic to what runs there, besides commands.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "engine/domain/names.h"

namespace headgate {

// A place that a container may run in.
struct ContainerSlot {
  std::uint32_t port = 0;  // of the host
  bool operator==(const ContainerSlot&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("port", s.port);
  }
};

// driver.container: through the Docker Engine API.
struct ContainerDriver {
  std::string engine;  // unix:///… of the API's socket, or http(s)://…
  std::string image;   // may hold placeholders
  std::map<std::string, ContainerSlot, std::less<>> slots;
  std::uint32_t line = 0;
  bool operator==(const ContainerDriver&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("engine", s.engine);
    v("image", s.image);
    v("slots", s.slots);
    v("line", s.line);
  }
};

// driver.webhook: somebody else deploys, and tells when it is done.
struct WebhookDriver {
  std::string url;        // may hold placeholders
  std::string signature;  // name of the secret that signs the requests; empty: they are not signed
  std::uint32_t line = 0;
  bool operator==(const WebhookDriver&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("url", s.url);
    v("signature", s.signature);
    v("line", s.line);
  }
};

// traffic.haproxy: weights through the runtime API of an HAProxy on this host.
struct HaproxyTraffic {
  std::string socket;   // path of its admin socket
  std::string backend;  // name
  StringMap servers;    // name in the backend, by slot
  std::uint32_t line = 0;
  bool operator==(const HaproxyTraffic&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("socket", s.socket);
    v("backend", s.backend);
    v("servers", s.servers);
    v("line", s.line);
  }
};

}  // namespace headgate
