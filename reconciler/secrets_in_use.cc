#include "reconciler/secrets_in_use.h"

#include <algorithm>

namespace headgate::reconciler {

void SecretsInUse::add(const std::string& name, const std::string& value) {
  const std::scoped_lock lock(mutex_);
  auto& values = values_[name];
  if (std::ranges::find(values, value) != values.end()) return;
  if (values.size() == kept_values) values.pop_front();
  values.push_back(value);
  redactor_ = nullptr;
}

std::shared_ptr<const Redactor> SecretsInUse::redactor() {
  const std::scoped_lock lock(mutex_);
  if (!redactor_) {
    std::vector<NamedSecret> all;
    for (const auto& [name, values] : values_) {
      for (const auto& value : values) all.push_back({name, value});
    }
    redactor_ = std::make_shared<const Redactor>(all);
  }
  return redactor_;
}

}  // namespace headgate::reconciler
