// A running server and what tests do with it.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "api/http_server.h"
#include "tests/api/raw_client.h"

namespace headgate::api::test {

// True as soon as the condition holds; false when it did not within 10 s.
inline bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

// Replies that a handler kept for later.
class Shelf {
 public:
  Handler handler() {
    return [this](Request, Reply reply) {
      const std::scoped_lock lock(mutex_);
      replies_.push_back(std::move(reply));
    };
  }
  std::size_t size() {
    const std::scoped_lock lock(mutex_);
    return replies_.size();
  }
  std::vector<Reply> take() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(replies_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<Reply> replies_;
};

class ServerTest : public ::testing::Test {
 protected:
  ServerTest() {
    options.threads = 1;
    options.on_request = [this](const Access& access) {
      const std::scoped_lock lock(mutex_);
      accesses_.push_back(std::string(access.route) + " " + std::string(access.method) + " " +
                          std::to_string(access.status));
    };
    options.on_fault = [this](std::string_view what) {
      const std::scoped_lock lock(mutex_);
      faults_.emplace_back(what);
    };
    router.add("GET", "/hello", "none", [](Request, Reply reply) { reply(Response::of(200, "text/plain", "hello")); });
    router.add("POST", "/echo", "none", [](Request request, Reply reply) {
      reply(Response::of(200, "application/octet-stream", std::move(request.body)));
    });
  }

  void serve() {
    auto started = HttpServer::start(std::move(options), std::move(router));
    ASSERT_TRUE(started.has_value()) << started.error().message;
    server = std::move(*started);
  }

  RawClient client(int receive_buffer_bytes = 0) { return RawClient(server->endpoint(), receive_buffer_bytes); }

  std::optional<Answer> ask(std::string_view bytes) {
    RawClient one(server->endpoint());
    one.send(bytes);
    return one.read_answer(bytes.starts_with("HEAD"));
  }

  std::vector<std::string> accesses() {
    const std::scoped_lock lock(mutex_);
    return accesses_;
  }
  std::vector<std::string> faults() {
    const std::scoped_lock lock(mutex_);
    return faults_;
  }

  HttpServerOptions options;
  Router router;
  Shelf shelf;

 private:
  std::mutex mutex_;
  std::vector<std::string> accesses_;
  std::vector<std::string> faults_;

 protected:
  std::unique_ptr<HttpServer> server;  // last, so that it stops before what its hooks use is gone
};

}  // namespace headgate::api::test
