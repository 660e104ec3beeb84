// Verifications over sockets: tcp, tls and dns.
#include <fmt/core.h>

#include <algorithm>

#include "reconciler/documents_kinds.h"
#include "reconciler/documents_text.h"
#include "reconciler/name_resolver.h"

namespace headgate::reconciler {
namespace {

constexpr std::size_t kMaxHostBytes = 253;
constexpr std::size_t kMaxAddresses = 32;

void read_port(YamlReader& r, const YamlNode& node, std::uint32_t& out) {
  r.number(node, out, 1, 65535);
}

void read_host(YamlReader& r, const YamlNode& node, std::string& out) {
  std::string host;
  if (!r.line_of_text(node, host) || !read_template(r, node, host)) return;
  if (!is_proxy_or_host_name(host) || host.size() > kMaxHostBytes) {
    r.wrong_value(node, fmt::format("a host name or address of at most {} bytes, without a port", kMaxHostBytes));
    return;
  }
  out = std::move(host);
}

void read_expiry(YamlReader& r, const YamlNode& node, std::optional<Duration>& min) {
  Fields f(r, node, "a bound of a certificate's time");
  Duration value{};
  if (f.required("min", &YamlReader::positive_duration, value)) min = value;
}

void read_addresses(YamlReader& r, const YamlNode& node, std::vector<std::string>& out) {
  if (!r.is_list(node, "a list of addresses")) return;
  for (const auto& item : YamlItems(node)) {
    std::string text;
    if (!r.line_of_text(item, text) || !read_template(r, item, text)) continue;
    AddressFamily family{};
    if (text.find("${") == std::string::npos) {
      text = usual_address(text, family);
      if (text.empty()) {
        r.wrong_value(item, "an address such as 203.0.113.7 or 2001:db8::7");
        continue;
      }
    }
    if (std::ranges::find(out, text) != out.end()) {
      r.at(item, fmt::format("the address {} is there twice", quoted(text)));
      continue;
    }
    out.push_back(std::move(text));
  }
  if (node.size == 0 || node.size > kMaxAddresses) {
    r.wrong_value(node, fmt::format("1 to {} addresses", kMaxAddresses));
  }
}

}  // namespace

void read_tcp(YamlReader& r, const YamlNode& node, Boxed<TcpCheck>& out) {
  auto& tcp = out.emplace();
  Fields f(r, node, "a tcp check");
  f.required("host", read_host, tcp.host);
  f.required("port", read_port, tcp.port);
}

void read_tls(YamlReader& r, const YamlNode& node, Boxed<TlsCheck>& out) {
  auto& tls = out.emplace();
  Fields f(r, node, "a tls check");
  f.required("host", read_host, tls.host);
  f.optional("port", read_port, tls.port);
  f.optional("expiresIn", read_expiry, tls.expires_in_min);
}

void read_dns(YamlReader& r, const YamlNode& node, Boxed<DnsCheck>& out) {
  auto& dns = out.emplace();
  Fields f(r, node, "a dns check");
  f.required("name", read_host, dns.name);
  f.required("expect", read_addresses, dns.expect);
}

}  // namespace headgate::reconciler
