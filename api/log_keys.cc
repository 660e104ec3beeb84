#include "api/log_keys.h"

#include <algorithm>

namespace headgate::api {
namespace {

Result<void> find_positions(const EventLog& log, const char* type, std::vector<Position>& out) {
  EventQuery query;
  query.filter.type = type;
  query.limit = 500;
  while (true) {
    HEADGATE_TRY(const auto page, log.query(query));
    for (const auto& record : page.records) out.push_back(record.position);
    if (!page.more || page.records.empty()) return {};
    query.after = page.records.back().position;
  }
}

}  // namespace

void take_key(const Recorded<Event>& record, std::vector<LogKey>& keys) {
  const std::string* key = nullptr;
  if (const auto* created = std::get_if<LogCreated>(&record.event)) key = &created->verifier_key;
  if (const auto* rotated = std::get_if<KeyRotated>(&record.event)) key = &rotated->verifier_key;
  if (key == nullptr || (!keys.empty() && keys.back().verifier_key == *key)) return;
  if (!keys.empty()) keys.back().until = record.meta.position;
  keys.push_back({*key, record.meta.position});
}

Result<std::vector<LogKey>> keys_of_log(const EventLog& log) {
  std::vector<Position> positions;
  HEADGATE_TRY_VOID(find_positions(log, "log.created", positions));
  HEADGATE_TRY_VOID(find_positions(log, "key.rotated", positions));
  std::ranges::sort(positions);
  std::vector<LogKey> keys;
  for (const auto position : positions) {
    HEADGATE_TRY_VOID(log.fold(position, position + 1, [&](const Recorded<Event>& record) { take_key(record, keys); }));
  }
  return keys;
}

}  // namespace headgate::api
