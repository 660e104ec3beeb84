#include "api/http_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <latch>
#include <thread>

#include "api/http_session.h"

namespace headgate::api {

namespace {

using asio::ip::tcp;
using boost::system::error_code;
using Acceptor = asio::basic_socket_acceptor<tcp, Executor>;
using std::chrono::milliseconds;

// Connections over the limit that are told so at one time; the ones beyond are closed without a word.
constexpr std::size_t max_refusing = 32;
constexpr milliseconds accept_pause{100};  // after a failure such as having no more descriptors

milliseconds sweep_period(const HttpLimits& limits) {
  const milliseconds shortest =
      std::min({limits.header_timeout, limits.body_timeout, limits.idle_timeout, limits.write_timeout,
                limits.reply_timeout, limits.stream_keep_alive, limits.stream_stall});
  return std::clamp(shortest / 8, milliseconds(5), milliseconds(250));
}

}  // namespace

struct HttpServer::Impl {
  struct Thread {
    HttpLoop loop;
    asio::executor_work_guard<Executor> guard{loop.io.get_executor()};
    Timer sweep{loop.io.get_executor()};
    bool ended = false;  // no sweep after this; a cancelled timer alone could have gone off just before
    std::thread runs;
  };

  HttpService service;
  std::vector<std::unique_ptr<Thread>> threads;
  std::optional<Acceptor> acceptor;  // lives on the first thread
  std::optional<Timer> accept_retry;
  HttpEndpoint endpoint;
  std::mutex stop_mutex;
  bool serving = false;
  bool stopped = false;

  explicit Impl(HttpServerOptions options) : service(std::move(options), Router()) {}

  Task<void> accept_all();
  Task<void> sweep(Thread& thread);
  bool admit(Socket socket, HttpLoop& loop);  // false: there was no memory for it
  Result<void> open(const asio::ip::address& address);
  void serve(Router router);
  void run(Thread& thread);
  void stop(milliseconds drain);
};

Task<void> HttpServer::Impl::accept_all() {
  HttpLoop& own = threads[0]->loop;
  for (std::size_t turn = 0; acceptor->is_open(); ++turn) {
    HttpLoop& loop = threads[turn % threads.size()]->loop;
    auto [ec, socket] = co_await acceptor->async_accept(loop.io.get_executor(), awaiting);
    if (own.draining) co_return;
    if (!ec && admit(std::move(socket), loop)) continue;
    if (ec == asio::error::connection_aborted) continue;
    if (ec) service.fault(fmt::format("cannot accept a connection: {}", ec.message()));
    accept_retry->expires_after(accept_pause);
    co_await accept_retry->async_wait(awaiting);
  }
}

bool HttpServer::Impl::admit(Socket socket, HttpLoop& loop) {
  error_code gone;
  const auto remote = socket.remote_endpoint(gone);
  const bool refused = service.open - service.refusing >= service.options.limits.max_connections;
  if (gone || (refused && service.refusing >= max_refusing)) return true;
  Peer peer;
  bool counted = false;
  try {
    peer = peer_of(remote.address());
    if (!service.admit(peer)) return true;
    counted = true;
    if (refused) ++service.refusing;
    ++service.open;
    auto session = std::make_shared<Session>(service, loop, std::move(socket), peer, refused);
    asio::post(loop.io, [session = std::move(session)] { session->start(); });
    return true;
  } catch (const std::exception&) {
    if (counted) {
      service.leave(peer);
      if (refused) --service.refusing;
      --service.open;
    }
    service.fault("cannot take a connection: there is no memory for it");
    return false;
  }
}

Task<void> HttpServer::Impl::sweep(Thread& thread) {
  const milliseconds period = sweep_period(service.options.limits);
  while (!thread.ended) {
    thread.sweep.expires_after(period);
    co_await thread.sweep.async_wait(awaiting);
    const auto now = Steady::now();
    for (Session* session : thread.loop.sessions) session->enforce_deadline(now);
  }
}

Result<void> HttpServer::Impl::open(const asio::ip::address& address) {
  if (service.options.tls) {
    HEADGATE_TRY(TlsContext context, tls_server_context(*service.options.tls));
    service.tls.emplace(context.release());  // owned from here on
  }
  for (unsigned i = 0; i < service.options.threads; ++i) threads.push_back(std::make_unique<Thread>());
  const tcp::endpoint wanted(address, service.options.port);
  acceptor.emplace(threads[0]->loop.io.get_executor());
  accept_retry.emplace(threads[0]->loop.io.get_executor());
  error_code ec;
  acceptor->open(wanted.protocol(), ec);
  if (!ec) acceptor->set_option(Acceptor::reuse_address(true), ec);
  if (!ec) acceptor->bind(wanted, ec);
  if (!ec) acceptor->listen(Acceptor::max_listen_connections, ec);
  const tcp::endpoint bound = ec ? wanted : acceptor->local_endpoint(ec);
  if (ec) {
    return fail(ErrorCode::io, fmt::format("cannot listen on {} port {}: {}", service.options.address,
                                           service.options.port, ec.message()));
  }
  endpoint = {bound.address().to_string(), bound.port()};
  return {};
}

void HttpServer::Impl::serve(Router router) {
  const std::scoped_lock lock(stop_mutex);
  if (stopped) return;
  HEADGATE_CHECK(!serving);
  serving = true;
  service.router = std::move(router);
  asio::co_spawn(threads[0]->loop.io.get_executor(), accept_all(), asio::detached);
  for (auto& thread : threads) {
    asio::co_spawn(thread->loop.io.get_executor(), sweep(*thread), asio::detached);
    thread->runs = std::thread([this, &on = *thread] { run(on); });
  }
}

void HttpServer::Impl::run(Thread& thread) {
  while (true) {
    try {
      thread.loop.io.run();
      return;
    } catch (const std::exception& e) {
      // Of a posted action or a hook; the sessions catch their own.
      service.fault(fmt::format("a socket thread caught: {}", e.what()));
    }
  }
}

void HttpServer::Impl::stop(milliseconds drain) {
  const std::scoped_lock lock(stop_mutex);
  if (stopped) return;
  stopped = true;
  if (!serving) {
    acceptor.reset();
    return;
  }
  const auto on_every_thread = [&](auto&& action) {
    // Shared, because the last one to count down may still be inside when wait() returns.
    const auto done = std::make_shared<std::latch>(static_cast<std::ptrdiff_t>(threads.size()));
    for (auto& thread : threads) {
      asio::post(thread->loop.io, [&action, &on = *thread, done] {
        action(on);
        done->count_down();
      });
    }
    done->wait();
  };
  on_every_thread([&](Thread& thread) {
    thread.loop.draining = true;
    if (&thread == threads[0].get()) {
      error_code ignored;
      acceptor->close(ignored);
      accept_retry->cancel();
    }
    for (Session* session : thread.loop.sessions) session->drain();
  });
  const auto none_open = [&] { return service.open == 0; };
  {
    std::unique_lock ended(service.ended_mutex);
    service.ended.wait_for(ended, drain, none_open);
  }
  while (true) {
    // A session that began just now is seen by the next round at the latest.
    on_every_thread([](Thread& thread) {
      for (Session* session : thread.loop.sessions) session->cut();
    });
    std::unique_lock ended(service.ended_mutex);
    if (service.ended.wait_for(ended, milliseconds(50), none_open)) break;
  }
  on_every_thread([](Thread& thread) {
    thread.ended = true;
    thread.sweep.cancel();
    thread.guard.reset();
  });
  for (auto& thread : threads) thread->runs.join();
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() {
  stop(milliseconds(0));
}

HttpEndpoint HttpServer::endpoint() const {
  return impl_->endpoint;
}

std::size_t HttpServer::connections() const {
  return impl_->service.open;
}

void HttpServer::stop(milliseconds drain) {
  impl_->stop(drain);
}

Result<void> check_address(const std::string& address, bool tls) {
  error_code ec;
  const auto ip = asio::ip::make_address(address, ec);
  if (ec) return fail(ErrorCode::invalid_input, fmt::format("'{}' is no IP address to listen on", address));
  if (ip.is_loopback() || tls) return {};
  return fail(
      ErrorCode::invalid_input,
      fmt::format("'{}' can be reached from outside this host: it needs a TLS certificate and key, or listen on "
                  "127.0.0.1 or ::1",
                  address));
}

Result<std::unique_ptr<HttpServer>> HttpServer::listen(HttpServerOptions options) {
  HEADGATE_TRY_VOID(check_address(options.address, options.tls.has_value()));
  const auto address = asio::ip::make_address(options.address);
  if (options.threads == 0) return fail(ErrorCode::invalid_input, "0 HTTP threads, expected at least 1");
  auto impl = std::make_unique<Impl>(std::move(options));
  HEADGATE_TRY_VOID(impl->open(address));
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

void HttpServer::serve(Router router) {
  impl_->serve(std::move(router));
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpServerOptions options, Router router) {
  HEADGATE_TRY(auto server, listen(std::move(options)));
  server->serve(std::move(router));
  return server;
}

}  // namespace headgate::api
