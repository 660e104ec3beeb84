#include "store/event_filter.h"

#include <string>

#include "engine/base/glob.h"
#include "store/attributes.h"

namespace headgate::store {

bool matches(const EventFilter& filter, const Recorded<Event>& record) {
  if (!filter.type.empty() && !matches_glob(filter.type, type_name(record.event))) return false;
  if (!filter.actor.empty() && filter.actor != record.meta.actor) return false;
  if (filter.from && record.meta.time < *filter.from) return false;
  if (filter.to && record.meta.time >= *filter.to) return false;
  return std::visit(
      [&](const auto& event) {
        const AttributesView attributes(event);
        if (!filter.service.empty() && filter.service != attributes.service()) return false;
        if (!filter.environment.empty() && filter.environment != attributes.environment()) return false;
        if (filter.correlation.empty()) return true;
        std::string correlation;
        attributes.correlation([&](std::string_view part) { correlation += part; });
        return filter.correlation == correlation;
      },
      record.event);
}

}  // namespace headgate::store
