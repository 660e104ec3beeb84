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
  std::string_view what;
  std::uint32_t (*line)(const Driver&);  // where the driver is one; 0: it is not
};
constexpr std::array kNotCarriedOut{
    NotCarriedOut{"container driver", [](const Driver& d) { return d.container ? d.container->line : 0; }},
    NotCarriedOut{"webhook driver", [](const Driver& d) { return d.webhook ? d.webhook->line : 0; }},
};

bool within(const std::vector<std::string>& scope, std::string_view name) {
  return scope.empty() || name.empty() ||
         std::ranges::any_of(scope, [&](const std::string& entry) { return entry == "*" || entry == name; });
}

class HostCheck {
 public:
  HostCheck(const std::optional<HostOffers>& host, const Report& report) : host_(host), report_(report) {}

  void check(const Service& service, const Source& source) {
    for (const auto& stage : service.stages) {
      if (stage.driver) check(*stage.driver, service.name, stage.environment, source);
    }
  }
  void check(const Environment& environment, const Source& source) {
    check(environment.driver, {}, environment.name, source);
    for (const auto& location : environment.locations) {
      if (location.driver) check(*location.driver, {}, environment.name, source);
    }
  }
  void check(const Target&, const Source&) {}
  void check(const AccessPolicy&, const Source&) {}
  void check(const NotificationPolicy& policy, const Source& source) {
    for (const auto& receiver : policy.receivers) {
      secret(receiver.secret, {}, {}, source, receiver.line);
      if (receiver.kind != ReceiverKind::smtp || !host_ || host_->mail) continue;
      report_(source, receiver.line,
              fmt::format("the receiver {} takes mail, and no server sends any", quoted(receiver.name)),
              "'smtp' in the server's file");
    }
  }

 private:
  void check(const Driver& driver, std::string_view service, std::string_view environment, const Source& source) {
    if (driver.webhook) secret(driver.webhook->signature, service, environment, source, driver.webhook->line);
    for (const auto& [what, line_of] : kNotCarriedOut) {
      if (const auto line = line_of(driver); line > 0) {
        report_(source, line, fmt::format("the {} is not carried out by this version", what), "use command");
      }
    }
  }

  void secret(const std::string& name, std::string_view service, std::string_view environment, const Source& source,
              std::uint32_t line) {
    if (!host_ || name.empty()) return;
    const auto known = host_->secrets.find(name);
    if (known == host_->secrets.end()) {
      std::vector<std::string_view> names;
      for (const auto& [other, scope] : host_->secrets) names.emplace_back(other);
      report_(source, line, fmt::format("unknown secret {}{}", quoted(name), did_you_mean(name, names)),
              "one of 'secrets' in the server's file");
    } else if (!within(known->second.environments, environment) || !within(known->second.services, service)) {
      report_(source, line,
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
    std::visit([&](const auto& document) { check.check(document, sourced->source); }, sourced->document);
  }
}

}  // namespace headgate::reconciler
