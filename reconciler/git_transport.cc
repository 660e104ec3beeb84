#include "reconciler/git_transport.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <git2.h>
#include <git2/sys/stream.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <new>

#include "engine/ports/caught.h"

namespace headgate::reconciler {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// The ssh transport of libgit2 1.5 takes the descriptor straight out of its own git_socket_stream, so ours begins with
// the same members in the same order (src/libgit2/streams/socket.h). With 1.7 and later use GIT_OPT_SET_SERVER_TIMEOUT.
static_assert(LIBGIT2_VER_MAJOR == 1 && LIBGIT2_VER_MINOR == 5,
              "compare SocketStream with git_socket_stream of this libgit2, or use its own server timeouts");
struct SocketStream {
  git_stream parent;
  char* host;
  char* port;
  int socket;
};

constexpr Duration kUnwatchedSilence = std::chrono::seconds(60);  // where nobody put a TransferWatch around the call

thread_local TransferWatch* current_watch = nullptr;

SocketStream* self(git_stream* stream) {
  return reinterpret_cast<SocketStream*>(stream);
}

int refuse(const std::string& message) {
  git_error_set_str(GIT_ERROR_NET, message.c_str());
  return -1;
}

timeval to_timeval(Duration duration) {
  timeval value{};
  value.tv_sec = static_cast<time_t>(duration.count() / 1'000'000);
  value.tv_usec = static_cast<suseconds_t>(duration.count() % 1'000'000);
  return value;
}

// 0 or an errno. Looks every 50 ms whether the transfer was cut meanwhile.
int connect_within(int descriptor, const addrinfo& address, Duration limit) {
  if (::connect(descriptor, address.ai_addr, address.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  const auto deadline = steady_clock::now() + limit;
  while (steady_clock::now() < deadline) {
    if (current_watch != nullptr && current_watch->is_cut()) return ECANCELED;
    pollfd waiting{descriptor, POLLOUT, 0};
    const int ready = ::poll(&waiting, 1, 50);
    if (ready < 0 && errno != EINTR) return errno;
    if (ready <= 0) continue;
    int error = 0;
    socklen_t size = sizeof error;
    return ::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
  }
  return ETIMEDOUT;
}

int socket_connect(git_stream* stream) {
  SocketStream& socket = *self(stream);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_family = AF_UNSPEC;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(socket.host, socket.port, &hints, &found); error != 0) {
    return refuse(fmt::format("the name {} cannot be resolved ({})", socket.host, ::gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  const Duration limit = current_watch != nullptr ? current_watch->limits().connect : NetworkLimits{}.connect;
  int error = EADDRNOTAVAIL;
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    const int descriptor =
        ::socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->ai_protocol);
    if (descriptor < 0) {
      error = errno;
      continue;
    }
    error = connect_within(descriptor, *address, limit);
    if (error == 0 && current_watch != nullptr && !current_watch->attach(descriptor)) error = ECANCELED;
    if (error != 0) {
      ::close(descriptor);
      if (error == ECANCELED) break;
      continue;
    }
    ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) & ~O_NONBLOCK);
    const int at_once =
        1;  // requests are small and answered: waiting for more to send costs 40 ms each (RFC 896, 1122)
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    if (current_watch == nullptr) {
      const timeval silence = to_timeval(kUnwatchedSilence);
      ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence);
      ::setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &silence, sizeof silence);
    }
    socket.socket = descriptor;
    return 0;
  }
  return refuse(fmt::format("no connection to {} port {} ({})", socket.host, socket.port, std::strerror(error)));
}

ssize_t socket_read(git_stream* stream, void* data, size_t size) {
  ssize_t count = 0;
  do {
    count = ::recv(self(stream)->socket, data, size, 0);
  } while (count < 0 && errno == EINTR);
  if (count < 0) return refuse(fmt::format("receiving failed ({})", std::strerror(errno)));
  if (current_watch != nullptr) current_watch->touch();
  return count;
}

ssize_t socket_write(git_stream* stream, const char* data, size_t size, int flags) {
  ssize_t count = 0;
  do {
    count = ::send(self(stream)->socket, data, size, flags | MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  if (count < 0) return refuse(fmt::format("sending failed ({})", std::strerror(errno)));
  if (current_watch != nullptr) current_watch->touch();
  return count;
}

int socket_close(git_stream* stream) {
  SocketStream& socket = *self(stream);
  if (socket.socket < 0) return 0;
  if (current_watch != nullptr) current_watch->detach(socket.socket);
  const int result = ::close(socket.socket);
  socket.socket = -1;
  return result;
}

void socket_free(git_stream* stream) {
  socket_close(stream);
  SocketStream* socket = self(stream);
  ::free(socket->host);
  ::free(socket->port);
  delete socket;
}

int socket_new(git_stream** out, const char* host, const char* port) {
  auto* socket = new (std::nothrow) SocketStream{};
  if (socket == nullptr) return refuse("out of memory");
  socket->parent.version = GIT_STREAM_VERSION;
  socket->parent.connect = socket_connect;
  socket->parent.read = socket_read;
  socket->parent.write = socket_write;
  socket->parent.close = socket_close;
  socket->parent.free = socket_free;
  socket->host = ::strdup(host);
  socket->port = ::strdup(port);
  socket->socket = -1;
  *out = &socket->parent;
  return 0;
}

}  // namespace

void install_bounded_sockets() {
  git_stream_registration registration{};
  registration.version = GIT_STREAM_VERSION;
  registration.init = socket_new;
  HEADGATE_CHECK(git_stream_register(GIT_STREAM_STANDARD, &registration) == 0);
}

Result<std::unique_ptr<TransferWatch>> TransferWatch::start(const NetworkLimits& limits, std::stop_token stop) {
  return caught([&]() -> Result<std::unique_ptr<TransferWatch>> {
    return std::unique_ptr<TransferWatch>(new TransferWatch(limits, std::move(stop)));
  });
}

TransferWatch::TransferWatch(const NetworkLimits& limits, std::stop_token stop)
    : limits_(limits),
      start_(steady_clock::now()),
      thread_([this](const std::stop_token& ended) { watch(ended); }),
      stop_callback_(std::move(stop), [this] { cut(Cut::stopped); }) {
  HEADGATE_CHECK(current_watch == nullptr);
  current_watch = this;
}

TransferWatch::~TransferWatch() {
  current_watch = nullptr;
  thread_.request_stop();
  thread_.join();
}

TransferWatch* TransferWatch::current() {
  return current_watch;
}

void TransferWatch::touch() {
  last_touch_us_.store(duration_cast<microseconds>(steady_clock::now() - start_).count(), std::memory_order_relaxed);
}

void TransferWatch::watch(const std::stop_token& ended) {
  const Duration step = std::clamp<Duration>(limits_.silence / 10, milliseconds(5), milliseconds(500));
  std::unique_lock lock(mutex_);
  while (!ended.stop_requested()) {
    ended_.wait_for(lock, ended, step, [] { return false; });
    if (ended.stop_requested()) return;
    const Duration age = duration_cast<Duration>(steady_clock::now() - start_);
    const Duration silence = age - Duration(last_touch_us_.load(std::memory_order_relaxed));
    const Cut reason = age >= limits_.total ? Cut::overdue : silence >= limits_.silence ? Cut::silent : Cut::none;
    if (reason == Cut::none) continue;
    lock.unlock();
    cut(reason);
    lock.lock();
  }
}

void TransferWatch::cut(Cut reason) {
  const std::scoped_lock lock(mutex_);
  if (cut_ == Cut::none) cut_ = reason;
  for (const int descriptor : descriptors_) ::shutdown(descriptor, SHUT_RDWR);
}

bool TransferWatch::is_cut() const {
  const std::scoped_lock lock(mutex_);
  return cut_ != Cut::none;
}

std::optional<Error> TransferWatch::verdict() const {
  const std::scoped_lock lock(mutex_);
  switch (cut_) {
    case Cut::none:
      return std::nullopt;
    case Cut::stopped:
      return Error{ErrorCode::unavailable, "stopped before it was done"};
    case Cut::silent:
      return Error{ErrorCode::timed_out,
                   fmt::format("nothing was heard for {}: is the server overloaded or the network cut?",
                               format_duration(limits_.silence))};
    case Cut::overdue:
      return Error{ErrorCode::timed_out, fmt::format("not done after {}", format_duration(limits_.total))};
  }
  return std::nullopt;
}

bool TransferWatch::attach(int descriptor) {
  const std::scoped_lock lock(mutex_);
  if (cut_ != Cut::none) return false;
  descriptors_.push_back(descriptor);
  return true;
}

void TransferWatch::detach(int descriptor) {
  const std::scoped_lock lock(mutex_);
  std::erase(descriptors_, descriptor);
}

}  // namespace headgate::reconciler
