// Refused requests become events, added up: one access.denied per reason and window, so that whoever knocks a thousand
// times writes one record.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "engine/ports/command_sink.h"

namespace headgate::api {

enum class Denial : std::uint8_t { unauthenticated, forbidden };

class DenialRecorder {
 public:
  DenialRecorder(CommandSink& sink, Duration window);
  ~DenialRecorder();  // stop()

  void record(Denial reason, std::string_view route);  // thread-safe, does not block
  // Submits what is counted and ends. May be called again.
  void stop();

 private:
  struct Count {
    std::uint64_t count = 0;
    std::string route;  // of the first
  };

  void run(std::stop_token stop);
  void submit_all();

  CommandSink& sink_;
  const Duration window_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::array<Count, 2> counts_;
  std::mutex stop_mutex_;
  std::jthread thread_;
};

}  // namespace headgate::api
