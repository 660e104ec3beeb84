#include "engine/domain/documents.h"

#include <algorithm>
#include <tuple>

namespace headgate {
namespace {

void add_driver(std::vector<const Run*>& runs, const Driver& driver) {
  if (driver.deploy.command.empty()) return;  // by something else than commands
  runs.push_back(&driver.deploy);
  runs.push_back(&driver.observe);
  if (driver.retire) runs.push_back(&*driver.retire);
}

}  // namespace

DocumentKey key_of(const Document& document) {
  struct {
    DocumentKey operator()(const Service& d) const { return {DocumentKind::service, d.name}; }
    DocumentKey operator()(const Environment& d) const { return {DocumentKind::environment, d.name}; }
    DocumentKey operator()(const Target& d) const { return {DocumentKind::target, document_name(d.id)}; }
    DocumentKey operator()(const AccessPolicy& d) const { return {DocumentKind::access_policy, d.name}; }
    DocumentKey operator()(const NotificationPolicy& d) const { return {DocumentKind::notification_policy, d.name}; }
  } key;
  return std::visit(key, document);
}

std::vector<const Run*> runs_of(const Document& document) {
  std::vector<const Run*> runs;
  if (const auto* service = std::get_if<Service>(&document)) {
    for (const auto& gate : service->gates) {
      if (gate.run) runs.push_back(&*gate.run);
    }
    for (const auto& stage : service->stages) {
      if (stage.driver) add_driver(runs, *stage.driver);
      for (const auto& hook : stage.before) runs.push_back(&hook.run);
      for (const auto* checks : {&stage.verify_preview, &stage.verify}) {
        for (const auto& check : *checks) {
          if (check.run) runs.push_back(&*check.run);
        }
      }
      if (stage.restore) runs.push_back(&stage.restore->run);
    }
  } else if (const auto* environment = std::get_if<Environment>(&document)) {
    add_driver(runs, environment->driver);
    for (const auto& location : environment->locations) {
      if (location.driver) add_driver(runs, *location.driver);
    }
    for (const auto& monitor : environment->monitors) {
      if (monitor.check.run) runs.push_back(&*monitor.check.run);
    }
    if (environment->shift) runs.push_back(&*environment->shift);
  }
  return runs;
}

bool same_times(const std::vector<Window>& some, const std::vector<Window>& others) {
  const auto times = [](const Window& w) {
    return std::tie(w.kind, w.schedule, w.duration, w.time_zone, w.from, w.to);
  };
  return std::ranges::equal(some, others, {}, times, times);
}

std::string to_string(const Diagnostic& d) {
  auto text = d.file + ":" + std::to_string(d.line) + ":" + std::to_string(d.column) + ": error: " + d.message;
  if (!d.found.empty()) text += ": found " + d.found;
  if (!d.expected.empty()) text += std::string(d.found.empty() ? ": " : ", ") + "expected " + d.expected;
  return text;
}

}  // namespace headgate
