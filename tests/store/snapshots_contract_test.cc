// What the port promises of saved states, of those on disk and of those in memory.
#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>

#include "store/snapshot_store.h"
#include "tests/fakes/snapshots.h"
#include "tests/store/temp_dir.h"

namespace headgate::store {
namespace {

struct InMemory {
  fakes::MemorySnapshots snapshots;
  Snapshots& get() { return snapshots; }
};

struct OnDisk {
  TempDir dir;
  std::optional<SnapshotStore> snapshots;
  OnDisk() {
    auto opened = SnapshotStore::open(dir / "snapshots");
    if (!opened) throw std::runtime_error(opened.error().message);
    snapshots.emplace(std::move(*opened));
  }
  Snapshots& get() { return *snapshots; }
};

template <class Holder>
class SnapshotsContract : public ::testing::Test {
 protected:
  Snapshots& snapshots() { return holder_.get(); }
  static State state(Position next) {
    State state;
    state.next = next;
    state.verifier_key = "key at " + std::to_string(next);
    return state;
  }
  void save(Position next, Hash root = {}) {
    const auto saved = snapshots().save(state(next), root);
    ASSERT_TRUE(saved) << saved.error().message;
  }

 private:
  Holder holder_;
};

struct Names {
  template <class T>
  static std::string GetName(int) {
    return std::is_same_v<T, InMemory> ? "InMemory" : "OnDisk";
  }
};
using Holders = ::testing::Types<InMemory, OnDisk>;
TYPED_TEST_SUITE(SnapshotsContract, Holders, Names);

TYPED_TEST(SnapshotsContract, AreNoneAtFirst) {
  EXPECT_FALSE(this->snapshots().load(UINT64_MAX).has_value());
}

TYPED_TEST(SnapshotsContract, GiveBackTheStateAndTheRoot) {
  this->save(7, {1, 2, 3});
  const auto loaded = this->snapshots().load(7);
  ASSERT_TRUE(loaded.has_value());
  EXPECT_TRUE(loaded->state == this->state(7));
  EXPECT_EQ(loaded->root, (Hash{1, 2, 3}));
}

// Whatever order they were saved in.
TYPED_TEST(SnapshotsContract, LoadTheNewestThatFits) {
  for (const Position position : {20U, 100U, 30U}) this->save(position);
  EXPECT_EQ(this->snapshots().load(UINT64_MAX)->state.next, 100U);
  EXPECT_EQ(this->snapshots().load(100)->state.next, 100U);
  EXPECT_EQ(this->snapshots().load(99)->state.next, 30U);
  EXPECT_EQ(this->snapshots().load(20)->state.next, 20U);
  EXPECT_FALSE(this->snapshots().load(19).has_value());
}

TYPED_TEST(SnapshotsContract, KeepTheLastOneOfAPosition) {
  this->save(7, {1});
  this->save(7, {2});
  EXPECT_EQ(this->snapshots().load(7)->root, Hash{2});
}

}  // namespace
}  // namespace headgate::store
