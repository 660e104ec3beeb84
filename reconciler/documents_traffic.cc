// How traffic comes to what runs in the slots of an Environment.
#include <fmt/core.h>

#include <algorithm>

#include "engine/domain/strategy.h"
#include "reconciler/documents_kinds.h"
#include "reconciler/documents_text.h"

namespace headgate::reconciler {
namespace {

constexpr std::size_t kMaxSocketBytes = 100;  // a socket's address holds no more than 107
constexpr std::size_t kMaxNameBytes = 128;

void read_shift(YamlReader& r, const YamlNode& node, Environment& environment) {
  Fields f(r, node, "a traffic command");
  f.required("shift", [&](YamlReader& reader, const YamlNode& list) {
    read_command(reader, list, environment.shift.emplace());
  });
}

void read_socket(YamlReader& r, const YamlNode& node, std::string& out) {
  std::string text;
  if (!r.line_of_text(node, text)) return;
  if (!text.starts_with('/') || text.find("${") != std::string::npos || text.size() > kMaxSocketBytes) {
    r.wrong_value(node,
                  fmt::format("the path of HAProxy's admin socket, from /, of at most {} bytes", kMaxSocketBytes));
    return;
  }
  out = std::move(text);
}

void read_proxy_name(YamlReader& r, const YamlNode& node, std::string& out) {
  std::string text;
  if (!r.line_of_text(node, text) || !read_template(r, node, text)) return;
  if (!is_proxy_or_host_name(text) || text.size() > kMaxNameBytes) {
    r.wrong_value(node, "a name of letters, digits and . - _ :, which may hold placeholders");
    return;
  }
  out = std::move(text);
}

void read_servers(YamlReader& r, const YamlNode& node, StringMap& servers) {
  Fields f(r, node, "the servers");
  for (const auto slot : slot_names) {
    f.required(slot, [&](YamlReader& reader, const YamlNode& value) {
      std::string server;
      read_proxy_name(reader, value, server);
      const auto taken = std::ranges::find_if(servers, [&](const auto& s) { return s.second == server; });
      if (!server.empty() && taken != servers.end()) {
        reader.at(value, fmt::format("slot {} has this server already", quoted(taken->first)), quoted(server),
                  "a server of its own");
      }
      servers.emplace(slot, std::move(server));
    });
  }
}

void read_haproxy(YamlReader& r, const YamlNode& node, Boxed<HaproxyTraffic>& out) {
  auto& haproxy = out.emplace();
  haproxy.line = node.place.line;
  Fields f(r, node, "an HAProxy");
  f.required("socket", read_socket, haproxy.socket);
  f.required("backend", read_proxy_name, haproxy.backend);
  f.required("servers", read_servers, haproxy.servers);
}

}  // namespace

void read_traffic(YamlReader& r, const YamlNode& node, Environment& environment) {
  Fields f(r, node, "traffic");
  f.optional("command", read_shift, environment);
  f.optional("haproxy", read_haproxy, environment.haproxy);
  f.exactly_one_of({"command", "haproxy"});
}

}  // namespace headgate::reconciler
