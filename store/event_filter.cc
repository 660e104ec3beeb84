#include "store/event_filter.h"

#include <string>

#include "store/attributes.h"

namespace headgate::store {

bool matches_glob(std::string_view pattern, std::string_view text) {
  // After a mismatch the last star takes one character more; earlier stars never need to.
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t taken = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

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
