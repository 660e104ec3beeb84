// The cosignatures at hand: those that witnesses gave for the newest checkpoint that any of them has cosigned.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace headgate::app {

// Thread-safe. The lines are verified by whoever brings them.
class Cosignatures {
 public:
  struct Held {
    std::string note;  // as the log signed it
    std::uint64_t size = 0;
    std::map<std::string, std::string> lines;  // by the witness's verifier key
    std::string cosigned() const;              // the note with all lines; empty when there is none
  };

  explicit Cosignatures(std::size_t witnesses) : witnesses_(witnesses) {}

  void add(const std::string& note, std::uint64_t size, const std::string& witness_key, std::string line);
  Held held() const;
  bool complete(const Held& held) const { return held.lines.size() == witnesses_; }
  // The note followed by its cosignatures, when it is the one that is held; else the note.
  std::string with_lines(std::string note) const;

  // For who waits for more of them: up to `time`, less when something came. False once closed.
  bool wait(std::chrono::milliseconds time) const;
  void close();

 private:
  const std::size_t witnesses_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  Held held_;
  std::uint64_t additions_ = 0;
  bool closed_ = false;
};

}  // namespace headgate::app
