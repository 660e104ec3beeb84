#include "app/cosignatures.h"

#include <utility>

namespace headgate::app {

std::string Cosignatures::Held::cosigned() const {
  auto text = note;
  for (const auto& [key, line] : lines) text += line;
  return text;
}

void Cosignatures::add(const std::string& note, std::uint64_t size, const std::string& witness_key, std::string line) {
  {
    const std::scoped_lock lock(mutex_);
    // A slow witness that answers for an older checkpoint comes too late for it.
    if (size < held_.size && !held_.note.empty()) return;
    if (note != held_.note) held_ = {note, size, {}};
    held_.lines[witness_key] = std::move(line);
    ++additions_;
  }
  changed_.notify_all();
}

Cosignatures::Held Cosignatures::held() const {
  const std::scoped_lock lock(mutex_);
  return held_;
}

std::string Cosignatures::with_lines(std::string note) const {
  const std::scoped_lock lock(mutex_);
  return note == held_.note ? held_.cosigned() : note;
}

bool Cosignatures::wait(std::chrono::milliseconds time) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, time, [this, seen = additions_] { return closed_ || additions_ != seen; });
  return !closed_;
}

void Cosignatures::close() {
  {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
}

}  // namespace headgate::app
