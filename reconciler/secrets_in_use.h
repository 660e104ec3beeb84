// Every secret that this process has read, so that none is in what commands print. Whoever reads one adds it. A value
// that another one took the place of stays for a while: a command may have had it from elsewhere, or print an old file.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "reconciler/redactor.h"

namespace headgate::reconciler {

// What a command's output passes, asked for as it begins.
using RedactorOfNow = std::function<std::shared_ptr<const Redactor>()>;

// Thread-safe.
class SecretsInUse {
 public:
  static constexpr std::size_t kept_values = 8;  // of one name: the newest

  void add(const std::string& name, const std::string& value);
  std::shared_ptr<const Redactor> redactor();  // of all that were added until now

 private:
  std::mutex mutex_;
  std::map<std::string, std::deque<std::string>> values_;  // newest last
  std::shared_ptr<const Redactor> redactor_;               // null: something was added since it was made
};

}  // namespace headgate::reconciler
