#include "engine/domain/events.h"

namespace headgate {
namespace {

// Collects what `describe` says of subject and correlation; fields are of no interest here.
struct AddressVisitor {
  Address address;

  void subject(const TargetId& id) {
    address.subject = to_string(id);
    address.service = id.service;
    address.environment = id.environment;
  }
  void subject(const IncidentTarget& id) { subject(static_cast<const TargetId&>(id)); }
  void subject(const PromotionId& id) {
    subject(id.target);
    address.subject = to_string(id);
    address.correlation = address.subject;
  }
  void subject(const StepId& id) {
    subject(id.promotion);
    address.subject = to_string(id);
  }
  void subject(const ReleaseId& id) {
    address.subject = to_string(id);
    address.service = id.service;
  }
  void subject(const ServiceName& name) { address.subject = address.service = name.text; }
  void subject(const EnvironmentName& name) { address.subject = address.environment = name.text; }
  void subject(const std::string& text) { address.subject = text; }
  void correlation(const std::string& text) { address.correlation = text; }
  template <class T>
  void operator()(std::string_view, const T&) {}
};

}  // namespace

Address address_of(const Event& event) {
  AddressVisitor visitor;
  std::visit([&](const auto& e) { e.describe(e, visitor); }, event);
  return std::move(visitor.address);
}

}  // namespace headgate
