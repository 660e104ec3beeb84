// A server on 127.0.0.1 that answers each connection with what a function makes of the request's text, in TLS if asked.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace headgate::reconciler {

class HttpTestServer {
 public:
  // Called with the request up to the end of its body; `send` writes a piece and says false when the client went away.
  using Send = std::function<bool(std::string_view)>;
  using Handler = std::function<void(const std::string& request, const Send& send)>;

  explicit HttpTestServer(Handler handler, bool tls = false);
  ~HttpTestServer();
  HttpTestServer(const HttpTestServer&) = delete;
  HttpTestServer& operator=(const HttpTestServer&) = delete;

  std::string url(const std::string& path = "/") const;
  const std::string& certificate_pem() const { return certificate_pem_; }
  bool stopping() const { return stopping_; }

 private:
  struct Tls;
  void serve();
  void answer(int connection);

  Handler handler_;
  std::unique_ptr<Tls> tls_;
  std::string certificate_pem_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

std::string http_answer(int status, const std::string& body, const std::string& headers = "");

}  // namespace headgate::reconciler
