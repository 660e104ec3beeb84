#include "tests/reconciler/smtp_test_server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <utility>

namespace headgate::reconciler {
namespace {

bool ready(int fd) {
  pollfd look{fd, POLLIN, 0};
  return ::poll(&look, 1, 50) > 0;
}

}  // namespace

SmtpTestServer::SmtpTestServer() {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (listener_ < 0 || ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), length) != 0 ||
      ::listen(listener_, 8) != 0 || ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    throw std::runtime_error("no socket for a mail server");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

SmtpTestServer::~SmtpTestServer() {
  stopping_ = true;
  thread_.join();
  ::close(listener_);
}

void SmtpTestServer::serve() {
  while (!stopping_) {
    if (!ready(listener_)) continue;
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    talk(connection);
    ::close(connection);
  }
}

void SmtpTestServer::talk(int connection) {
  const auto say = [&](const std::string& line) {
    const auto text = line + "\r\n";
    return ::send(connection, text.data(), text.size(), MSG_NOSIGNAL) >= 0;
  };
  say("220 test");
  Mail mail;
  std::string unread;
  bool data = false;
  while (!stopping_) {
    const auto end = unread.find("\r\n");
    if (end == std::string::npos) {
      char buffer[4096];
      if (!ready(connection)) continue;
      const auto got = ::recv(connection, buffer, sizeof buffer, 0);
      if (got <= 0) return;
      unread.append(buffer, static_cast<std::size_t>(got));
      continue;
    }
    auto line = unread.substr(0, end);
    unread.erase(0, end + 2);
    if (data && line == ".") {
      data = false;
      const std::scoped_lock lock(mutex_);
      taken_.push_back(std::exchange(mail, {}));
      say("250 taken");
    } else if (data) {
      mail.text += (line.starts_with("..") ? line.substr(1) : line) + "\r\n";
    } else if (line.starts_with("EHLO") || line.starts_with("HELO")) {
      say("250 test");
    } else if (line.starts_with("MAIL FROM:")) {
      mail.from = line.substr(10, line.find('>') - 9);
      say("250 ok");
    } else if (line.starts_with("RCPT TO:") && refuses_) {
      say("550 no such mailbox");
    } else if (line.starts_with("RCPT TO:")) {
      mail.to.push_back(line.substr(8));
      say("250 ok");
    } else if (line == "DATA") {
      data = true;
      say("354 go on");
    } else if (line == "QUIT") {
      say("221 bye");
      return;
    } else {
      say("502 not here");
    }
  }
}

}  // namespace headgate::reconciler
