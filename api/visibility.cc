#include "api/visibility.h"

namespace headgate::api {

Visibility::Visibility(const State& state, const Principal& principal)
    : state_(state),
      principal_(principal),
      everything_(may(state, principal, Role::auditor, Reach::everywhere())),
      general_(everything_ || may(state, principal, Role::viewer, Reach::everywhere())) {}

bool Visibility::shows(const RecordView& record) {
  if (everything_) return true;
  if (record.type.starts_with("token.") || record.type.starts_with("access.")) return false;
  if (record.service.empty() && record.environment.empty()) return general_;
  return general_ || shows_place({record.service, record.environment});
}

bool Visibility::shows_place(const TargetId& place) {
  const auto [at, fresh] = places_.try_emplace(place, false);
  if (fresh) {
    const auto asked = place.environment.empty() ? Reach::of_service(place.service)
                       : place.service.empty()   ? Reach::of_environment(place.environment)
                                                 : Reach::of(place);
    at->second = may(state_, principal_, Role::viewer, asked);
  }
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
