#include "engine/domain/documents.h"

#include <algorithm>
#include <tuple>

namespace headgate {

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
