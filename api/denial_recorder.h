// Refused requests become events, added up: one access.denied per caller, reason, route and window, so that whoever
// knocks a thousand times writes one record. Routes are patterns, and callers are tokens, so that there are few of
// them.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>

#include "engine/ports/command_sink.h"

namespace headgate::api {

enum class Denial : std::uint8_t { unauthenticated, forbidden };

class DenialRecorder {
 public:
  DenialRecorder(CommandSink& sink, Duration window);
  ~DenialRecorder();  // stop()

  // `actor`: who was refused; empty: nobody knows. Thread-safe, does not block.
  void record(Denial reason, std::string_view route, std::string_view actor);
  // Submits what is counted and ends. May be called again.
  void stop();

 private:
  void run(std::stop_token stop);
  void submit_all();

  CommandSink& sink_;
  const Duration window_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::tuple<Denial, std::string, std::string>, std::uint64_t> counts_;  // by reason, route and actor
  std::mutex stop_mutex_;
  std::jthread thread_;
};

}  // namespace headgate::api
