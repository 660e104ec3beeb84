// One attempt to tell one receiver of one event.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>

#include "engine/domain/notification_policy.h"
#include "engine/ports/http_client.h"
#include "engine/ports/mail_sender.h"
#include "engine/ports/people.h"
#include "engine/ports/secrets.h"

namespace headgate::reconciler {

struct Delivery {
  enum class Kind { sent, retryable, terminal };
  Kind kind = Kind::sent;
  std::string reason;  // of what was not sent; holds no secret
};

class NotificationDelivery {
 public:
  // `mail`: null where the server's file names no server for it.
  NotificationDelivery(HttpClient& http, MailSender* mail, const Secrets& secrets, const People& people,
                       std::string pagerduty_url = "https://events.pagerduty.com/v2/enqueue")
      : http_(http), mail_(mail), secrets_(secrets), people_(people), pagerduty_url_(std::move(pagerduty_url)) {}

  // `record`: the stored event. A webhook gets exactly these bytes, a CloudEvent in structured mode, with
  //   X-Headgate-Signature-256: sha256=<hexadecimal HMAC-SHA256 of the body>
  // where its receiver has a key. The record's id and source tell a repeat. Thread-safe; blocks.
  Delivery deliver(const Receiver& receiver, std::string_view record, std::stop_token stop) const;

 private:
  Delivery post(HttpRequest request, const std::string& secret, std::stop_token stop) const;
  Delivery send_mail(const Receiver& receiver, std::string_view record, std::stop_token stop) const;

  HttpClient& http_;
  MailSender* mail_;
  const Secrets& secrets_;
  const People& people_;
  const std::string pagerduty_url_;
};

std::string hmac_sha256(std::string_view key, std::string_view text);  // hexadecimal

}  // namespace headgate::reconciler
