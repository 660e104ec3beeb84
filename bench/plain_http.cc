#include "bench/plain_http.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "bench/plain_rocksdb.h"

namespace headgate::bench {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

class Session;
using SessionPtr = std::shared_ptr<Session>;

// Sessions whose body is to become durable.
class Committer {
 public:
  explicit Committer(rocksdb::DB& db) : writer_(db) {}
  void add(SessionPtr session) {
    {
      const std::scoped_lock lock(mutex_);
      queue_.push_back(std::move(session));
    }
    arrived_.notify_one();
  }

 private:
  void run(const std::stop_token& stop);

  PlainWriter writer_;
  std::mutex mutex_;
  std::condition_variable_any arrived_;
  std::vector<SessionPtr> queue_;
  std::jthread thread_{[this](const std::stop_token& stop) { run(stop); }};
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, Committer& committer) : socket_(std::move(socket)), committer_(committer) {
    socket_.set_option(tcp::no_delay(true));
  }
  void read() {
    request_ = {};
    http::async_read(socket_, buffer_, request_, [self = shared_from_this()](error_code error, std::size_t) {
      if (!error) self->committer_.add(self);
    });
  }
  const std::string& body() const { return request_.body(); }
  void durable() {  // from the committer's thread
    asio::post(socket_.get_executor(), [self = shared_from_this()] { self->answer(); });
  }

 private:
  void answer() {
    answer_ = {http::status::created, 11};
    answer_.set(http::field::content_type, "application/json");
    answer_.body() = R"({"changed":true})";
    answer_.prepare_payload();
    http::async_write(socket_, answer_, [self = shared_from_this()](error_code error, std::size_t) {
      if (!error) self->read();
    });
  }

  tcp::socket socket_;
  Committer& committer_;
  boost::beast::flat_buffer buffer_;
  http::request<http::string_body> request_;
  http::response<http::string_body> answer_;
};

void Committer::run(const std::stop_token& stop) {
  std::vector<SessionPtr> batch;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (!arrived_.wait(lock, stop, [this] { return !queue_.empty(); })) return;
      std::swap(batch, queue_);
    }
    for (const auto& session : batch) writer_.add(session->body());
    writer_.commit();
    for (const auto& session : batch) session->durable();
    batch.clear();
  }
}

}  // namespace

// Each thread has a loop of its own, and a connection stays with its loop: no state needs a lock.
struct PlainHttpServer::Impl {
  explicit Impl(const std::filesystem::path& dir) : db(plain_rocksdb(dir)), committer(*db) {
    acceptor.listen();
    accept(0);
    for (auto& loop : loops) threads.emplace_back([&loop] { loop.run(); });
  }
  ~Impl() {
    for (auto& loop : loops) loop.stop();
  }
  void accept(std::size_t turn) {
    acceptor.async_accept(loops[turn % 2], [this, turn](error_code error, tcp::socket socket) {
      if (error) return;
      auto& loop = loops[turn % 2];
      asio::post(loop, [session = std::make_shared<Session>(std::move(socket), committer)] { session->read(); });
      accept(turn + 1);
    });
  }

  std::unique_ptr<rocksdb::DB> db;
  asio::io_context loops[2]{asio::io_context(1), asio::io_context(1)};
  asio::executor_work_guard<asio::io_context::executor_type> guards[2]{asio::make_work_guard(loops[0]),
                                                                       asio::make_work_guard(loops[1])};
  tcp::acceptor acceptor{loops[0], tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  Committer committer;
  std::vector<std::jthread> threads;
};

PlainHttpServer::PlainHttpServer(const std::filesystem::path& dir) : impl_(std::make_unique<Impl>(dir)) {}

PlainHttpServer::~PlainHttpServer() = default;

std::uint16_t PlainHttpServer::port() const {
  return impl_->acceptor.local_endpoint().port();
}

}  // namespace headgate::bench
