#include "api/visibility.h"

namespace headgate::api {

// Asking for "*" asks for a grant that is not limited.
Visibility::Visibility(const State& state, const Principal& principal)
    : state_(state),
      principal_(principal),
      everything_(may(state, principal, Role::auditor, "*", "*")),
      general_(everything_ || may(state, principal, Role::viewer, "*", "*")) {}

bool Visibility::shows(const RecordView& record) {
  if (everything_) return true;
  if (record.type.starts_with("token.") || record.type.starts_with("access.")) return false;
  if (record.service.empty() && record.environment.empty()) return general_;
  return general_ || shows_place(record.service, record.environment);
}

bool Visibility::shows_place(const std::string& service, const std::string& environment) {
  const auto [at, fresh] = places_.try_emplace({service, environment}, false);
  if (fresh) at->second = may(state_, principal_, Role::viewer, service, environment);
  return at->second;
}

Result<void> keep_visible(std::vector<StoredRecord>& records, const runtime::Engine& engine,
                          const Principal& principal) {
  if (engine.read([&](const State& state) { return Visibility(state, principal).everything(); })) return {};
  std::vector<RecordView> views;
  views.reserve(records.size());
  for (const auto& record : records) {
    HEADGATE_TRY(auto view, view_record(record.bytes));
    views.push_back(std::move(view));
  }
  std::vector<StoredRecord> kept;
  engine.read([&](const State& state) {
    Visibility visibility(state, principal);
    for (std::size_t i = 0; i < views.size(); ++i) {
      if (visibility.shows(views[i])) kept.push_back(std::move(records[i]));
    }
  });
  records = std::move(kept);
  return {};
}

}  // namespace headgate::api
