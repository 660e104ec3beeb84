// What is kept of a stream of any length: its beginning and its end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace headgate::reconciler {

struct CapturedOutput {
  std::string head;                 // the first bytes
  std::string tail;                 // the last bytes; follows `head` directly when nothing was dropped
  std::uint64_t dropped_bytes = 0;  // between the two

  // Both parts, with a line in between that says how much is missing.
  std::string text() const;

  struct LastLine {
    std::string text;      // without its end of line
    bool complete = true;  // false: its beginning was dropped
  };
  // The last line that holds more than white space; empty when there is none.
  LastLine last_line() const;
};

// Keeps at most `limit` bytes of the beginning and `limit` of the end, in at most four times that memory.
class OutputCapture {
 public:
  explicit OutputCapture(std::size_t limit_bytes) : limit_(limit_bytes) {}
  void append(std::string_view bytes);
  CapturedOutput take();

 private:
  void trim_tail();

  std::size_t limit_;
  CapturedOutput kept_;
};

}  // namespace headgate::reconciler
