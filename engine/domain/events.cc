#include "engine/domain/events.h"

namespace headgate {

Event::Event() = default;
Event::Event(const Event&) = default;
Event::Event(Event&&) noexcept = default;
Event& Event::operator=(const Event&) = default;
Event& Event::operator=(Event&&) noexcept = default;
Event::~Event() = default;
bool Event::operator==(const Event& other) const {
  return static_cast<const AnyEvent&>(*this) == static_cast<const AnyEvent&>(other);
}

std::string_view type_name(const Event& event) {
  return std::visit([](const auto& e) { return e.type.name; }, static_cast<const AnyEvent&>(event));
}

}  // namespace headgate
