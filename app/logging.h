// Log lines on standard error: one JSON object a line, or plain text for people.
#pragma once

#include <atomic>
#include <string_view>

namespace headgate::app {

enum class LogFormat { json, text };

class Log {
 public:
  explicit Log(LogFormat format);
  // `correlation`: the promotion, target, commit or repository it is about, empty when none. Thread-safe.
  void info(std::string_view message, std::string_view correlation = {});
  void warning(std::string_view message, std::string_view correlation = {});
  void error(std::string_view message, std::string_view correlation = {});
  // Position of the log that the lines carry from now on.
  void set_position(unsigned long long position) { position_ = position; }

 private:
  void write(int level, std::string_view message, std::string_view correlation);

  LogFormat format_;
  std::atomic<unsigned long long> position_{0};
};

}  // namespace headgate::app
