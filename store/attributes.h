// The attributes that follow from an event's subject and correlation, as address_of gives them, but as views into the
// event: no text is copied until it is written somewhere.
#pragma once

#include <array>
#include <charconv>
#include <string>
#include <string_view>

#include "engine/domain/events.h"

namespace headgate::store {

class AttributesView {
 public:
  template <class E>
  explicit AttributesView(const E& event) {
    E::describe(event, *this);
  }

  std::string_view service() const { return service_; }
  std::string_view environment() const { return environment_; }

  // Calls put(std::string_view) for the parts that make up the text, in order; not at all when the text is empty.
  template <class Put>
  void subject(Put&& put) const {
    if (target_ != nullptr) {
      target(put);
      if (step_ == nullptr) return;
      put("/");
      put(step_->step);
    } else if (release_ != nullptr) {
      put(release_->service);
      put("/");
      put(release_->version);
    } else if (!subject_text_.empty()) {
      put(subject_text_);
    }
  }
  template <class Put>
  void correlation(Put&& put) const {
    if (!correlation_text_.empty()) {
      put(correlation_text_);
    } else if (promotion_ != nullptr) {
      target(put);
    }
  }
  bool has_subject() const { return target_ != nullptr || release_ != nullptr || !subject_text_.empty(); }
  bool has_correlation() const { return promotion_ != nullptr || !correlation_text_.empty(); }

  // For `describe`.
  void subject(const TargetId& id) {
    target_ = &id;
    service_ = id.service;
    environment_ = id.environment;
  }
  void subject(const IncidentTarget& id) {
    if (id.service.empty()) {
      subject_text_ = environment_ = id.environment;
    } else {
      subject(static_cast<const TargetId&>(id));
    }
  }
  void subject(const PromotionId& id) {
    subject(id.target);
    promotion_ = &id;
  }
  void subject(const StepId& id) {
    subject(id.promotion);
    step_ = &id;
  }
  void subject(const ReleaseId& id) {
    release_ = &id;
    service_ = id.service;
  }
  void subject(const ServiceName& name) { subject_text_ = service_ = name.text; }
  void subject(const EnvironmentName& name) { subject_text_ = environment_ = name.text; }
  void subject(const std::string& text) { subject_text_ = text; }
  void correlation(const std::string& text) { correlation_text_ = text; }
  template <class T>
  void operator()(std::string_view, const T&) {}

 private:
  // The target, and its promotion's number where the subject has one.
  template <class Put>
  void target(Put& put) const {
    put(service_);
    put("/");
    put(environment_);
    if (promotion_ == nullptr) return;
    std::array<char, 21> number{'/'};
    const auto end = std::to_chars(number.data() + 1, number.data() + number.size(), promotion_->number).ptr;
    put(std::string_view(number.data(), static_cast<std::size_t>(end - number.data())));
  }

  std::string_view subject_text_;  // of a subject that is one text
  const TargetId* target_ = nullptr;
  const PromotionId* promotion_ = nullptr;
  const StepId* step_ = nullptr;
  const ReleaseId* release_ = nullptr;
  std::string_view service_;
  std::string_view environment_;
  std::string_view correlation_text_;
};

}  // namespace headgate::store
