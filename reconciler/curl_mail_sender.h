// Mail over SMTP, by libcurl.
#pragma once

#include <functional>
#include <string>

#include "engine/domain/time.h"
#include "engine/ports/mail_sender.h"

namespace headgate::reconciler {

struct SmtpServer {
  std::string url;   // smtp://host[:port], which takes TLS where it is offered, or smtps://…
  std::string from;  // address
  std::string user;  // empty: nobody signs in; else TLS is a must but on loopback
  std::function<Result<std::string>()> password{};
  Duration timeout = std::chrono::seconds(30);  // of one mail
};

class CurlMailSender final : public MailSender {
 public:
  // `now`: for the Date of a mail.
  CurlMailSender(SmtpServer server, std::function<Timestamp()> now)
      : server_(std::move(server)), now_(std::move(now)) {}
  Result<void> send(const Mail& mail, std::stop_token stop) override;

 private:
  const SmtpServer server_;
  const std::function<Timestamp()> now_;
};

// The message as it travels: headers and body, each line ended by CR LF. A header never takes a second line.
std::string mail_text(const Mail& mail, const std::string& from, Timestamp now);

}  // namespace headgate::reconciler
