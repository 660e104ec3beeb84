// Secrets that a test sets. Held to the contract of the real ones by tests/reconciler/secrets_test.cc.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "engine/domain/names.h"
#include "engine/ports/secrets.h"

namespace headgate::fakes {

class FixedSecrets final : public Secrets {
 public:
  explicit FixedSecrets(StringMap values) : values_(std::move(values)) {}

  Result<std::string> read(std::string_view name) const override {
    const std::scoped_lock lock(mutex_);
    const auto at = values_.find(name);
    if (at == values_.end()) return fail(ErrorCode::not_found, "the server's file has no secret " + std::string(name));
    if (at->second.empty()) return fail(ErrorCode::not_found, "secret " + at->first + " is empty");
    return at->second;
  }
  void set(const std::string& name, std::string value) {
    const std::scoped_lock lock(mutex_);
    values_[name] = std::move(value);
  }

 private:
  mutable std::mutex mutex_;
  StringMap values_;
};

}  // namespace headgate::fakes
