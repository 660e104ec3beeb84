// Saved states in memory. Held to the contract of the real ones by tests/store/snapshots_contract_test.cc.
#pragma once

#include <functional>
#include <iterator>
#include <map>
#include <mutex>

#include "engine/ports/snapshots.h"

namespace headgate::fakes {

// Keeps all of them. Thread-safe.
class MemorySnapshots final : public Snapshots {
 public:
  Result<void> save(const State& state, const Hash& root) override {
    const std::scoped_lock lock(mutex_);
    saved_.insert_or_assign(state.next, Snapshot{state, root});
    return {};
  }
  std::optional<Snapshot> load(Position at) const override {
    const std::scoped_lock lock(mutex_);
    auto found = saved_.upper_bound(at);
    if (found == saved_.begin()) return std::nullopt;
    return std::prev(found)->second;
  }

  std::size_t count() const {
    const std::scoped_lock lock(mutex_);
    return saved_.size();
  }
  void change_states(const std::function<void(State&)>& change) {
    const std::scoped_lock lock(mutex_);
    for (auto& [position, snapshot] : saved_) change(snapshot.state);
  }
  // As if they were of another log.
  void spoil_roots() {
    const std::scoped_lock lock(mutex_);
    for (auto& [position, snapshot] : saved_) snapshot.root[0] ^= 1;
  }

 private:
  mutable std::mutex mutex_;
  std::map<Position, Snapshot> saved_;
};

}  // namespace headgate::fakes
