#include "reconciler/notification_delivery.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "engine/base/hex.h"
#include "reconciler/notification_text.h"
#include "reconciler/redactor.h"

namespace headgate::reconciler {
namespace {

constexpr Duration attempt_timeout = std::chrono::seconds(15);
constexpr std::size_t max_answer_bytes = 64 << 10;

Delivery later(std::string reason) {
  return {Delivery::Kind::retryable, std::move(reason)};
}
Delivery never(std::string reason) {
  return {Delivery::Kind::terminal, std::move(reason)};
}

HttpRequest post_of(std::string url, std::string body, std::string media_type) {
  HttpRequest request;
  request.method = "POST";
  request.url = std::move(url);
  request.body = std::move(body);
  request.headers.emplace_back("Content-Type", std::move(media_type));
  request.timeout = attempt_timeout;
  request.max_response_bytes = max_answer_bytes;
  return request;
}

}  // namespace

std::string hmac_sha256(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), mac.data(), &size);
  return hex({mac.data(), size});
}

Delivery NotificationDelivery::post(HttpRequest request, const std::string& secret, std::stop_token stop) const {
  const auto answer = http_.send(request, std::move(stop));
  if (!answer) {
    const auto reason = secret.empty()
                            ? answer.error().message
                            : Redactor(std::vector<NamedSecret>{{"receiver", secret}}).redact(answer.error().message);
    return answer.error().code == ErrorCode::invalid_input ? never(reason) : later(reason);
  }
  const auto status = answer->status;
  if (status >= 200 && status < 300) return {};
  const auto reason = "the receiver answered with status " + std::to_string(status);
  const bool may_pass = status == 408 || status == 425 || status == 429 || status >= 500;
  return may_pass ? later(reason) : never(reason);
}

Delivery NotificationDelivery::send_mail(const Receiver& receiver, std::string_view record,
                                         std::stop_token stop) const {
  if (mail_ == nullptr) return never("the server's file names no server that takes mail");
  const auto text = notification_text(record, people_);
  if (!text) return never(text.error().message);
  Mail mail;
  for (const auto& id : receiver.to) {
    const auto known = people_.find(id);
    if (known && !known->emails.empty()) mail.to.push_back(known->emails.front());
  }
  if (mail.to.empty()) return never("no address of it is known any more");
  mail.subject = "[headgate] " + text->title;
  mail.text = plain_text(*text);
  mail.id = std::to_string(text->position) + "." + receiver.name;
  const auto sent = mail_->send(mail, std::move(stop));
  if (sent) return {};
  return sent.error().code == ErrorCode::invalid_input ? never(sent.error().message) : later(sent.error().message);
}

Delivery NotificationDelivery::deliver(const Receiver& receiver, std::string_view record, std::stop_token stop) const {
  if (receiver.kind == ReceiverKind::smtp) return send_mail(receiver, record, std::move(stop));
  std::string secret;
  if (!receiver.secret.empty()) {
    auto read = secrets_.read(receiver.secret);
    if (!read) return later(read.error().message);  // somebody may put it there
    secret = std::move(*read);
  }
  if (receiver.kind == ReceiverKind::webhook) {
    auto request = post_of(receiver.url, std::string(record), "application/cloudevents+json; charset=utf-8");
    if (!secret.empty()) {
      request.headers.emplace_back("X-Headgate-Signature-256", "sha256=" + hmac_sha256(secret, record));
    }
    return post(std::move(request), secret, std::move(stop));
  }
  const auto text = notification_text(record, people_);
  if (!text) return never(text.error().message);
  switch (receiver.kind) {
    case ReceiverKind::slack:
      return post(post_of(secret, slack_body(*text), "application/json"), secret, std::move(stop));
    case ReceiverKind::teams:
      return post(post_of(secret, teams_body(*text), "application/json"), secret, std::move(stop));
    case ReceiverKind::pagerduty:
      return post(post_of(pagerduty_url_, pagerduty_body(*text, secret), "application/json"), secret, std::move(stop));
    case ReceiverKind::smtp:
    case ReceiverKind::webhook:
      break;
  }
  return {};
}

}  // namespace headgate::reconciler
