// A mail server on loopback that takes what it is given, one connection at a time.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace headgate::reconciler {

class SmtpTestServer {
 public:
  struct Mail {
    std::string from;
    std::vector<std::string> to;
    std::string text;
  };
  SmtpTestServer();
  ~SmtpTestServer();
  SmtpTestServer(const SmtpTestServer&) = delete;
  SmtpTestServer& operator=(const SmtpTestServer&) = delete;

  std::string url() const { return "smtp://127.0.0.1:" + std::to_string(port_); }
  void refuse_recipients() { refuses_ = true; }
  std::vector<Mail> taken() {
    const std::scoped_lock lock(mutex_);
    return taken_;
  }

 private:
  void serve();
  void talk(int connection);

  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> refuses_{false};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::vector<Mail> taken_;
  std::thread thread_;
};

}  // namespace headgate::reconciler
