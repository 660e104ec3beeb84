// Outgoing mail. Blocking: call it from a thread that may wait.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "engine/domain/error.h"

namespace headgate {

struct Mail {
  std::vector<std::string> to;  // addresses
  std::string subject;          // UTF-8, one line
  std::string text;             // UTF-8
  std::string id;               // the same for each attempt: the left side of its Message-ID
};

class MailSender {
 public:
  virtual ~MailSender() = default;
  // A server took it for all of them. Errors: io and timed_out may pass, invalid_input will not. Thread-safe.
  virtual Result<void> send(const Mail& mail, std::stop_token stop) = 0;
};

}  // namespace headgate
