// NotificationPolicy: who is told of which events.
#include <fmt/core.h>

#include <algorithm>

#include "engine/base/glob.h"
#include "engine/domain/flow.h"
#include "engine/domain/notifications.h"
#include "reconciler/documents_kinds.h"
#include "reconciler/documents_text.h"

namespace headgate::reconciler {
namespace {

constexpr std::size_t kMaxReceivers = 32;  // each has a thread
constexpr std::size_t kMaxRoutes = 100;
constexpr std::size_t kMaxAddresses = 20;

// The receivers' addresses, which the log does not hold: they get ids once the document has no mistake.
struct WrittenReceiver {
  Receiver receiver;
  std::vector<std::string> addresses;
  const YamlNode* node = nullptr;
};

struct WrittenRoute {
  Route route;
  std::vector<const YamlNode*> to;
};

// Somebody's address is not quoted in what is recorded for good.
void read_addresses(YamlReader& r, const YamlNode& node, std::vector<std::string>& out) {
  constexpr std::string_view expected = "an e-mail address such as ops@example.com";
  if (node.kind != YamlNode::Kind::list) return r.at(node, "wrong type of 'to'", "", "a list of e-mail addresses");
  if (!r.is_list(node)) return;
  for (const auto& item : YamlItems(node)) {
    const auto at = item.text.find('@');
    const bool good = item.kind == YamlNode::Kind::scalar && at != std::string_view::npos && at > 0 &&
                      at + 1 < item.text.size() && item.text.size() <= 254 && !has_control_character(item.text) &&
                      item.text.find_first_of(" <>,;\"") == std::string_view::npos &&
                      item.text.find('@', at + 1) == std::string_view::npos && !item.text.starts_with('-');
    if (!good) {
      r.at(item, "wrong address", "", std::string(expected));
    } else if (std::ranges::find(out, item.text) != out.end()) {
      r.at(item, "an address twice");
    } else {
      out.emplace_back(item.text);
    }
  }
  if (node.size == 0 || node.size > kMaxAddresses) {
    r.at(node, "wrong number of addresses", std::to_string(node.size), fmt::format("1 to {}", kMaxAddresses));
  }
}

// {url: {secret: name}} and the like.
auto secret_at(std::string_view section, std::string_view field) {
  return [section, field](YamlReader& r, const YamlNode& node, Receiver& receiver) {
    Fields f(r, node, section);
    f.required(field, read_secret, receiver.secret);
  };
}

void read_webhook(YamlReader& r, const YamlNode& node, Receiver& receiver) {
  Fields f(r, node, "a webhook");
  f.required("url", [&](YamlReader& reader, const YamlNode& value) {
    read_url(reader, value, receiver.url);
    if (receiver.url.find("${") == std::string::npos) return;
    reader.at(value, "no placeholder is filled in here", quoted(receiver.url), "a URL as it is");
  });
  f.optional("signature", read_secret, receiver.secret);
}

void read_receiver(YamlReader& r, const YamlNode& node, WrittenReceiver& written) {
  auto& receiver = written.receiver;
  Fields f(r, node, "a receiver");
  if (f.optional("slack", secret_at("a Slack channel", "url"), receiver)) receiver.kind = ReceiverKind::slack;
  if (f.optional("pagerduty", secret_at("a PagerDuty service", "routingKey"), receiver)) {
    receiver.kind = ReceiverKind::pagerduty;
  }
  if (f.optional("smtp", [&](YamlReader& reader, const YamlNode& value) {
        Fields mail(reader, value, "mail");
        mail.required("to", read_addresses, written.addresses);
      })) {
    receiver.kind = ReceiverKind::smtp;
  }
  if (f.optional("teams", secret_at("a Teams channel", "url"), receiver)) receiver.kind = ReceiverKind::teams;
  if (f.optional("webhook", read_webhook, receiver)) receiver.kind = ReceiverKind::webhook;
  f.exactly_one_of({"slack", "pagerduty", "smtp", "teams", "webhook"});
}

void read_receivers(YamlReader& r, const YamlNode& node, std::vector<WrittenReceiver>& all) {
  if (!r.is_map(node, "receivers by name (a map)")) return;
  for (const auto [key, value] : YamlEntries(node)) {
    auto& written = all.emplace_back();
    written.node = &key;
    written.receiver.line = key.place.line;
    r.name(key, written.receiver.name);
    read_receiver(r, value, written);
  }
  if (node.size == 0 || node.size > kMaxReceivers) {
    r.wrong_value(node, fmt::format("1 to {} receivers", kMaxReceivers));
  }
}

void read_events(YamlReader& r, const YamlNode& node, std::vector<std::string>& globs) {
  if (!r.is_list(node, "a list of the names of events, such as [approval.requested, \"rollback.*\"]")) return;
  for (const auto& item : YamlItems(node)) {
    std::string glob;
    if (!r.line_of_text(item, glob)) continue;
    const auto& names = event_names();
    const auto fits = [&](std::string_view name) { return matches_pattern(glob, name); };
    if (std::ranges::none_of(names, fits)) {
      r.at(item, fmt::format("no event is called {}{}", quoted(glob), r.suggestion(glob, names)), "",
           "the name of an event, such as promotion.failed, or a pattern such as rollback.*");
    } else if (std::ranges::none_of(names, [&](auto name) { return fits(name) && is_notified_about(name); })) {
      r.at(item, "nobody is told of what notifications say of themselves", quoted(glob), "another event");
    } else {
      globs.push_back(std::move(glob));
    }
  }
  if (node.size == 0) r.wrong_value(node, "one event at least");
}

void read_route(YamlReader& r, const YamlNode& node, WrittenRoute& written) {
  auto& route = written.route;
  route.line = node.place.line;
  Fields f(r, node, "a route");
  f.required("events", read_events, route.events);
  f.optional("environments", [&](YamlReader& reader, const YamlNode& value) {
    if (!reader.names(value, route.environments)) return;
    if (value.size == 0) reader.wrong_value(value, "one environment at least, or no 'environments'");
  });
  f.required("to", [&](YamlReader& reader, const YamlNode& value) {
    if (!reader.names(value, route.to, &written.to)) return;
    if (value.size == 0) reader.wrong_value(value, "one receiver at least");
  });
}

void check_receivers(YamlReader& r, const std::vector<WrittenRoute>& routes,
                     const std::vector<WrittenReceiver>& receivers) {
  std::vector<std::string_view> known;
  for (const auto& written : receivers) known.emplace_back(written.receiver.name);
  std::ranges::sort(known);
  for (const auto& [route, nodes] : routes) {
    for (std::size_t i = 0; i < route.to.size(); ++i) {
      if (std::ranges::binary_search(known, route.to[i])) continue;
      r.at(*nodes[i], fmt::format("unknown receiver {}{}", quoted(route.to[i]), r.suggestion(route.to[i], known)), "",
           "a receiver of this document");
    }
  }
  if (routes.empty()) return;  // which is reported
  for (const auto& written : receivers) {
    const auto& name = written.receiver.name;
    const bool reached = std::ranges::any_of(routes, [&](const WrittenRoute& route) {
      return std::ranges::find(route.route.to, name) != route.route.to.end();
    });
    if (!name.empty() && !reached) {
      r.at(*written.node, fmt::format("no route leads to the receiver {}", quoted(name)), "",
           "a route to it, or no such receiver");
    }
  }
}

}  // namespace

void read_notification_policy(YamlReader& r, const YamlNode& spec, People& people, std::size_t mistakes_before,
                              NotificationPolicy& policy) {
  std::vector<WrittenRoute> routes;
  std::vector<WrittenReceiver> receivers;
  {
    Fields f(r, spec, "a notification policy's spec");
    f.required("routes", [&](YamlReader& reader, const YamlNode& node) {
      if (!reader.list(node, routes, read_route)) return;
      if (routes.empty() || routes.size() > kMaxRoutes) {
        reader.wrong_value(node, fmt::format("1 to {} routes", kMaxRoutes));
      }
    });
    f.required("receivers", read_receivers, receivers);
  }
  check_receivers(r, routes, receivers);
  for (auto& written : routes) policy.routes.push_back(std::move(written.route));
  for (auto& written : receivers) {
    auto& receiver = policy.receivers.emplace_back(std::move(written.receiver));
    if (r.mistakes() != mistakes_before) continue;
    for (const auto& address : written.addresses) {
      auto id = people.person_by_email("", address);
      if (!id) {
        r.at(*written.node, "the address cannot be known: " + id.error().message);
        break;
      }
      receiver.to.push_back(std::move(*id));
    }
  }
  std::ranges::sort(policy.receivers, {}, &Receiver::name);
}

}  // namespace headgate::reconciler
