#include "app/cosignatures.h"

#include <algorithm>
#include <utility>

namespace headgate::app {
namespace {

// A witness may answer when the next round has begun.
constexpr std::size_t max_rounds = 4;

}  // namespace

std::string Cosignatures::Held::cosigned() const {
  auto text = note;
  for (const auto& [key, line] : lines) text += line;
  return text;
}

Result<NewCheckpoint> Cosignatures::to_cosign() {
  const std::scoped_lock lock(mutex_);
  return current();
}

Result<NewCheckpoint> Cosignatures::current() {
  const auto now = clock_.steady();
  if (rounds_.empty() || now - began_ >= round_length) {
    HEADGATE_TRY(auto newest, newest_());
    if (rounds_.empty() || rounds_.back().note != newest.note) {
      rounds_.push_back({std::move(newest.note), newest.size, {}});
      if (rounds_.size() > max_rounds) rounds_.pop_front();
      began_ = now;
    }
  }
  return NewCheckpoint{rounds_.back().note, rounds_.back().size};
}

void Cosignatures::add(const std::string& note, const std::string& witness_key, std::string line) {
  {
    const std::scoped_lock lock(mutex_);
    const auto round = std::ranges::find(rounds_, note, &Held::note);
    if (round == rounds_.end()) return;  // too late
    round->lines[witness_key] = std::move(line);
    ++additions_;
  }
  changed_.notify_all();
}

Result<Cosignatures::Held> Cosignatures::shown() {
  const std::scoped_lock lock(mutex_);
  HEADGATE_TRY_VOID(current());
  const auto* best = find_best(shown_size_);
  if (best == nullptr) best = &rounds_.back();
  shown_size_ = best->size;
  return *best;
}

Cosignatures::Held Cosignatures::best(std::uint64_t size) const {
  const std::scoped_lock lock(mutex_);
  const auto* best = find_best(size);
  return best == nullptr ? Held{} : *best;
}

const Cosignatures::Held* Cosignatures::find_best(std::uint64_t size) const {
  const Held* best = nullptr;
  for (const auto& round : rounds_) {
    if (round.size >= size && (best == nullptr || round.lines.size() >= best->lines.size())) best = &round;
  }
  return best;
}

std::string Cosignatures::with_lines(std::string note) const {
  const std::scoped_lock lock(mutex_);
  const auto round = std::ranges::find(rounds_, note, &Held::note);
  return round == rounds_.end() ? note : round->cosigned();
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
