// Time limits for libgit2's network transports. libgit2 1.5 has none of its own (server timeouts came with 1.7): a
// silent peer would hold a thread for ever. Headgate gives libgit2 its own plain socket, on which git://, http(s)://
// and ssh:// all run; a TransferWatch shuts that socket down when time is up, and the blocked call returns.
//
// What holds: connecting, silence and the whole transfer are bounded, and a stop ends them at once. What does not:
// resolving a name is the C library's business (bounded by resolv.conf, usually 5 s a server and attempt).
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "engine/domain/error.h"
#include "engine/domain/time.h"

namespace headgate::reconciler {

struct NetworkLimits {
  Duration connect = std::chrono::seconds(10);  // for each address of the host
  Duration silence = std::chrono::seconds(30);  // without a byte, a progress line or an indexed object
  Duration total = std::chrono::minutes(10);    // one fetch or push
};

// Around one libgit2 network operation, on the thread that calls libgit2. One at a time on a thread.
class TransferWatch {
 public:
  // unavailable when there is no thread for it.
  static Result<std::unique_ptr<TransferWatch>> start(const NetworkLimits& limits, std::stop_token stop);
  ~TransferWatch();
  TransferWatch(const TransferWatch&) = delete;
  TransferWatch& operator=(const TransferWatch&) = delete;

  static TransferWatch* current();  // of the calling thread; null outside

  void touch();                          // something moved; any thread
  bool is_cut() const;                   // the transfer was ended from here
  std::optional<Error> verdict() const;  // why: timed_out, or unavailable when stopped

  // For the socket: a descriptor belongs to it from attach to detach. attach is false when the transfer is cut.
  bool attach(int descriptor);
  void detach(int descriptor);
  const NetworkLimits& limits() const { return limits_; }

 private:
  TransferWatch(const NetworkLimits& limits, std::stop_token stop);
  enum class Cut : std::uint8_t { none, stopped, silent, overdue };
  void watch(const std::stop_token& ended);
  void cut(Cut reason);

  const NetworkLimits limits_;
  const std::chrono::steady_clock::time_point start_;
  std::atomic<std::int64_t> last_touch_us_{0};  // since start_
  mutable std::mutex mutex_;
  std::condition_variable_any ended_;
  Cut cut_ = Cut::none;           // guarded by mutex_
  std::vector<int> descriptors_;  // guarded by mutex_
  std::jthread thread_;
  std::stop_callback<std::function<void()>> stop_callback_;
};

// Called by start_libgit().
void install_bounded_sockets();

}  // namespace headgate::reconciler
