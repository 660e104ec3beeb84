#include "reconciler/captured_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace headgate::reconciler {

std::string CapturedOutput::text() const {
  if (dropped_bytes == 0) return head + tail;
  return fmt::format("{}\n[{} bytes left out]\n{}", head, dropped_bytes, tail);
}

CapturedOutput::LastLine CapturedOutput::last_line() const {
  std::string joined;
  std::string_view all = tail;
  if (dropped_bytes == 0) {
    joined = head + tail;
    all = joined;
  }
  const auto end = all.find_last_not_of(" \t\r\n");
  if (end == std::string_view::npos) return {"", dropped_bytes == 0};
  all = all.substr(0, end + 1);
  const auto line_break = all.rfind('\n');
  if (line_break == std::string_view::npos) return {std::string(all), dropped_bytes == 0};
  return {std::string(all.substr(line_break + 1)), true};
}

void OutputCapture::append(std::string_view bytes) {
  const auto to_head = std::min(limit_ - kept_.head.size(), bytes.size());
  kept_.head.append(bytes.substr(0, to_head));
  bytes.remove_prefix(to_head);
  if (bytes.size() > limit_) {
    kept_.dropped_bytes += kept_.tail.size() + bytes.size() - limit_;
    kept_.tail.clear();
    bytes = bytes.substr(bytes.size() - limit_);
  }
  kept_.tail.append(bytes);
  if (kept_.tail.size() > 2 * limit_) trim_tail();  // not at each piece, so that the cost stays linear
}

void OutputCapture::trim_tail() {
  if (kept_.tail.size() <= limit_) return;
  const auto surplus = kept_.tail.size() - limit_;
  kept_.tail.erase(0, surplus);
  kept_.dropped_bytes += surplus;
}

CapturedOutput OutputCapture::take() {
  trim_tail();
  return std::exchange(kept_, CapturedOutput{});
}

}  // namespace headgate::reconciler
