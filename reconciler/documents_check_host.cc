#include "reconciler/documents_check_host.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "reconciler/yaml_diagnostics.h"

namespace headgate::reconciler {
namespace {

// What the notation has, the reader reads whole, and this version does not carry out. A configuration that uses any of
// it is refused: an environment whose driver does nothing would look deployed.
struct NotCarriedOut {
  std::string_view field;  // of the driver
  bool (*is_used)(const Driver&);
};
constexpr std::array kNotCarriedOut{
    NotCarriedOut{"container", [](const Driver& d) { return d.container.has_value(); }},
    NotCarriedOut{"webhook", [](const Driver& d) { return d.webhook.has_value(); }},
};

// Where a receiver has its secret.
std::string_view secret_of(ReceiverKind kind) {
  switch (kind) {
    case ReceiverKind::slack:
      return "slack/url";
    case ReceiverKind::pagerduty:
      return "pagerduty/routingKey";
    case ReceiverKind::teams:
      return "teams/url";
    case ReceiverKind::webhook:
      return "webhook/signature";
    case ReceiverKind::smtp:
      return "smtp";  // it has none
  }
  return {};
}

bool within(const std::vector<std::string>& scope, std::string_view name) {
  return scope.empty() || name.empty() ||
         std::ranges::any_of(scope, [&](const std::string& entry) { return entry == "*" || entry == name; });
}

class HostCheck {
 public:
  HostCheck(const std::optional<HostOffers>& host, const Report& report) : host_(host), report_(report) {}

  void check(const Service& service, const SourcedDocument& sourced) {
    for (std::size_t i = 0; i < service.stages.size(); ++i) {
      const auto& stage = service.stages[i];
      if (!stage.driver) continue;
      check(*stage.driver, service.name, stage.environment, sourced, fmt::format("/spec/stages/{}/driver", i));
    }
  }
  void check(const Environment& environment, const SourcedDocument& sourced) {
    check(environment.driver, {}, environment.name, sourced, "/spec/driver");
    for (std::size_t i = 0; i < environment.locations.size(); ++i) {
      const auto& driver = environment.locations[i].driver;
      if (driver) check(*driver, {}, environment.name, sourced, fmt::format("/spec/locations/{}/driver", i));
    }
  }
  void check(const Target&, const SourcedDocument&) {}
  void check(const AccessPolicy&, const SourcedDocument&) {}
  void check(const NotificationPolicy& policy, const SourcedDocument& sourced) {
    for (const auto& receiver : policy.receivers) {
      const auto at = "/spec/receivers/" + receiver.name;
      secret(receiver.secret, {}, {}, sourced, fmt::format("{}/{}/secret", at, secret_of(receiver.kind)));
      if (receiver.kind != ReceiverKind::smtp || !host_ || host_->mail) continue;
      report_(sourced, at + "/smtp",
              fmt::format("the receiver {} takes mail, and no server sends any", quoted(receiver.name)),
              "'smtp' in the server's file");
    }
  }

 private:
  void check(const Driver& driver, std::string_view service, std::string_view environment,
             const SourcedDocument& sourced, const std::string& at) {
    if (driver.webhook) {
      secret(driver.webhook->signature, service, environment, sourced, at + "/webhook/signature/secret");
    }
    for (const auto& [field, is_used] : kNotCarriedOut) {
      if (!is_used(driver)) continue;
      report_(sourced, fmt::format("{}/{}", at, field),
              fmt::format("the {} driver is not carried out by this version", field), "use command");
    }
  }

  void secret(const std::string& name, std::string_view service, std::string_view environment,
              const SourcedDocument& sourced, const std::string& path) {
    if (!host_ || name.empty()) return;
    const auto known = host_->secrets.find(name);
    if (known == host_->secrets.end()) {
      std::vector<std::string_view> names;
      for (const auto& [other, scope] : host_->secrets) names.emplace_back(other);
      report_(sourced, path, fmt::format("unknown secret {}{}", quoted(name), did_you_mean(name, names)),
              "one of 'secrets' in the server's file");
    } else if (!within(known->second.environments, environment) || !within(known->second.services, service)) {
      report_(sourced, path,
              fmt::format("the secret {} is not for {}", quoted(name),
                          !within(known->second.environments, environment) ? "environment " + std::string(environment)
                                                                           : "service " + std::string(service)),
              "a secret whose 'environments' and 'services' in the server's file have it");
    }
  }

  const std::optional<HostOffers>& host_;
  const Report& report_;
};

}  // namespace

void check_host(const std::vector<const SourcedDocument*>& all, const std::optional<HostOffers>& host,
                const Report& report) {
  HostCheck check(host, report);
  for (const auto* sourced : all) {
    std::visit([&](const auto& document) { check.check(document, *sourced); }, sourced->document);
  }
}

}  // namespace headgate::reconciler
