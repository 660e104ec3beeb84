// The order of services, and what was called otherwise before.
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "reconciler/documents_check.h"

namespace headgate::reconciler {

namespace {

using Services = std::map<std::string_view, const Service*>;

// The shortest ring through a service, as a, b, a; empty when there is none.
std::vector<std::string_view> ring_through(const Services& services, std::string_view start) {
  std::map<std::string_view, std::string_view> came_from;
  std::vector<std::string_view> queue{start};
  for (std::size_t head = 0; head < queue.size(); ++head) {
    const auto at = queue[head];
    for (const auto& dependency : services.find(at)->second->depends_on) {
      if (dependency.service == start) {
        std::vector<std::string_view> ring{start};
        for (auto back = at; back != start; back = came_from.at(back)) ring.push_back(back);
        ring.push_back(start);
        std::ranges::reverse(ring);
        return ring;
      }
      const auto next = services.find(dependency.service);
      if (next == services.end() || !came_from.emplace(next->first, at).second) continue;
      queue.push_back(next->first);
    }
  }
  return {};
}

}  // namespace

// Services that are promoted after each other.
void DocumentsCheck::check_order() {
  Services services;
  for_each(services_,
           [&](const Service& service, const SourcedDocument&) { services.emplace(service.name, &service); });
  for_each(services_, [&](const Service& service, const SourcedDocument& sourced) {
    for (const auto& dependency : service.depends_on) {
      if (is_service(dependency.service)) continue;
      report(sourced, "/spec/dependsOn/" + dependency.service,
             fmt::format("unknown service {}{}", quoted(dependency.service), suggestion(dependency.service, services_)),
             "the name of a Service");
    }
    if (services.at(service.name) != &service) return;  // of the same name as another one
    const auto ring = ring_through(services, service.name);
    if (ring.empty()) return;
    report(sourced, fmt::format("/spec/dependsOn/{}", ring[1]),
           fmt::format("services are promoted after each other in a circle: {}", fmt::join(ring, " -> ")),
           "an order in which each can come");
  });
}

// Of two documents only one can carry on what happened under a name, and none while that name is still there.
void DocumentsCheck::check_old_names() {
  std::map<std::string, const SourcedDocument*> taken;
  const auto look = [&](std::string_view kind, const std::string& old, const auto& known,
                        const SourcedDocument& sourced) {
    if (const auto there = known.find(old); there != known.end()) {
      const auto& other = there->second.sourced->source;
      report(sourced, "/metadata/formerly",
             fmt::format("{} {} is still there, so that nothing was renamed", kind, quoted(old)),
             fmt::format("no 'formerly', or {}:{} removed", other.file, other.line));
    }
    const auto [first, is_new] = taken.emplace(std::string(kind) + "/" + old, &sourced);
    if (is_new) return;
    const auto& other = first->second->source;
    report(sourced, "/metadata/formerly", fmt::format("two documents were formerly the {} {}", kind, quoted(old)),
           fmt::format("one; the other is at {}:{}", other.file, other.line));
  };
  for_each(services_, [&](const Service& service, const SourcedDocument& sourced) {
    if (!service.formerly.empty()) look("Service", service.formerly, services_, sourced);
  });
  for_each(environments_, [&](const Environment& environment, const SourcedDocument& sourced) {
    if (!environment.formerly.empty()) look("Environment", environment.formerly, environments_, sourced);
  });
  for_each(targets_, [&](const Target& target, const SourcedDocument& sourced) {
    const auto& old = target.formerly;
    if (!old) return;
    look("Target", document_name(*old), targets_, sourced);
    // Another service's or environment's history would vouch for what has passed neither's gates and approvals.
    const auto goes_on = [&](std::string_view what, const std::string& was, const std::string& is, const auto& known,
                             bool not_read) {
      const auto now = known.find(is);
      if (is.empty() || was == is || (now == known.end() ? not_read : now->second.document->formerly == was)) return;
      report(sourced, "/metadata/formerly",
             fmt::format("a target of {} {} cannot go on as one of {} {}", what, quoted(was), what, quoted(is)),
             fmt::format("the same {}, or 'formerly: {}' in the metadata of {} {}", what, was, what, quoted(is)));
    };
    const auto& id = target.id;
    goes_on("service", old->service, id.service, services_, is_service(id.service));
    goes_on("environment", old->environment, id.environment, environments_, is_environment(id.environment));
  });
}

}  // namespace headgate::reconciler
