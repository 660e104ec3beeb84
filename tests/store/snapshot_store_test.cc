#include "store/snapshot_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/files.h"
#include "store/snapshot_archive.h"
#include "tests/store/samples.h"
#include "tests/store/temp_dir.h"

namespace headgate::store {
namespace {

// Random values of all that a State is made of.
class StateFiller {
 public:
  explicit StateFiller(std::mt19937_64& random) : random_(random), filler_(RandomSource{random}) {}

  template <class T>
  void operator()(std::string_view, T& member) {
    fill(member);
  }
  template <class T>
  void fill(T& value) {
    if constexpr (kIsOptional<T>) {
      value.reset();
      if (random_() % 2 == 0) fill(value.emplace());
    } else if constexpr (kIsPair<T>) {
      fill(value.first);
      fill(value.second);
    } else if constexpr (kIsSequence<T>) {
      value.clear();
      for (auto n = random_() % 3; n > 0; --n) fill(value.emplace_back());
    } else if constexpr (kIsSet<T>) {
      value.clear();
      for (auto n = random_() % 3; n > 0; --n) {
        typename T::value_type element;
        fill(element);
        value.insert(std::move(element));
      }
    } else if constexpr (kIsMap<T>) {
      value.clear();
      for (auto n = random_() % 3; n > 0; --n) {
        typename T::key_type key;
        fill(key);
        fill(value[key]);
      }
    } else if constexpr (std::is_same_v<T, Decimal> || std::is_same_v<T, Json>) {
      filler_.fill("", value);
    } else if constexpr (HasMembers<T>) {
      members(value, [&](auto& member) { fill(member); });
    } else if constexpr (Described<T>) {
      T::describe(value, *this);
    } else {
      filler_.fill("", value);
    }
  }

 private:
  std::mt19937_64& random_;
  Filler<RandomSource> filler_;
};

State random_state(std::mt19937_64& random, Position next) {
  State state;
  StateFiller(random).fill(state);
  state.next = next;
  return state;
}

class SnapshotStoreTest : public ::testing::Test {
 protected:
  SnapshotStore open() {
    auto store = SnapshotStore::open(dir_ / "snapshots");
    if (!store) throw std::runtime_error(store.error().message);
    return std::move(*store);
  }
  std::filesystem::path file(Position position) { return dir_ / "snapshots" / (std::to_string(position) + ".snap"); }

  TempDir dir_;
  std::mt19937_64 random_{11};
  Hash root_{1, 2, 3};
};

TEST_F(SnapshotStoreTest, GivesBackWhatWasSaved) {
  const auto store = open();
  EXPECT_FALSE(store.load(UINT64_MAX).has_value());
  for (int round = 0; round < 100; ++round) {
    const auto state = random_state(random_, random_() % 1'000'000);
    auto writer = open();
    HEADGATE_ASSERT_OK(writer.save(state, root_));
    const auto loaded = store.load_exactly(state.next);
    HEADGATE_ASSERT_OK(loaded);
    ASSERT_TRUE(loaded->state == state);
    ASSERT_EQ(loaded->root, root_);
    std::filesystem::remove(file(state.next));
  }
}

TEST_F(SnapshotStoreTest, LoadsTheNewestThatFits) {
  auto store = open();
  for (const Position position : {20U, 1'000U, 100U}) {
    HEADGATE_ASSERT_OK(store.save(random_state(random_, position), root_));
  }
  EXPECT_EQ(store.load(UINT64_MAX)->state.next, 1'000U);
  EXPECT_EQ(store.load(999)->state.next, 100U);
  EXPECT_EQ(store.load(20)->state.next, 20U);
  EXPECT_FALSE(store.load(19).has_value());
}

TEST_F(SnapshotStoreTest, KeepsTheNewestAndSpreadsTheOlderOnesOverTheLog) {
  const auto state_at = [](Position position) {
    State state;
    state.next = position;
    return state;
  };
  HEADGATE_ASSERT_OK(open().save(state_at(100), root_));
  const auto bytes = std::filesystem::file_size(file(100));  // of each of them, nearly
  auto store = SnapshotStore::open(dir_ / "snapshots", 3 * bytes + bytes / 2).value();
  for (Position position = 200; position <= 600; position += 100) {
    HEADGATE_ASSERT_OK(store.save(state_at(position), root_));
  }
  EXPECT_THAT(store.positions(), ::testing::ElementsAre(600, 500, 400, 300, 200, 100));
  for (Position position = 700; position <= 1'600; position += 100) {
    HEADGATE_ASSERT_OK(store.save(state_at(position), root_));
    const auto all = store.positions();
    ASSERT_EQ(all.size(), 6U);
    ASSERT_EQ(all[2], position - 200);
    // From the beginning to the newest three no stretch is longer than twice an even share.
    Position before = 0;
    for (auto at = all.rbegin(); at != all.rend() - 2; before = *at++) {
      EXPECT_LE(*at - before, 2 * (position / 4)) << "of " << position;
    }
  }
  auto none = SnapshotStore::open(dir_ / "snapshots", 0).value();
  HEADGATE_ASSERT_OK(none.save(state_at(1'700), root_));
  EXPECT_THAT(none.positions(), ::testing::ElementsAre(1'700, 1'600, 1'500));
}

TEST_F(SnapshotStoreTest, PassesOverDamagedAndForeignOnes) {
  auto store = open();
  for (const Position position : {10U, 20U, 30U}) {
    HEADGATE_ASSERT_OK(store.save(random_state(random_, position), root_));
  }
  auto bytes = *read_file(file(30), 1 << 30);
  auto damaged = bytes;
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  write_plain(file(30), damaged);
  HEADGATE_EXPECT_ERROR(store.load_exactly(30), ErrorCode::corrupt);
  EXPECT_EQ(store.load(UINT64_MAX)->state.next, 20U);

  auto foreign = bytes;
  foreign[8] = static_cast<char>(foreign[8] ^ 1);
  write_plain(file(30), foreign);
  HEADGATE_EXPECT_ERROR(store.load_exactly(30), ErrorCode::conflict);
  EXPECT_EQ(store.load(UINT64_MAX)->state.next, 20U);

  write_plain(file(40), bytes);  // under another name
  HEADGATE_EXPECT_ERROR(store.load_exactly(40), ErrorCode::corrupt);
  for (const std::size_t length : {0U, 7U, 50U, 111U, 112U}) {
    write_plain(file(30), std::string_view(bytes).substr(0, length));
    HEADGATE_EXPECT_ERROR(store.load_exactly(30), ErrorCode::corrupt);
  }
  HEADGATE_EXPECT_ERROR(store.load_exactly(31), ErrorCode::not_found);
  write_plain(dir_ / "snapshots" / "notes.txt", "x");
  EXPECT_EQ(store.load(UINT64_MAX)->state.next, 20U);
}

TEST_F(SnapshotStoreTest, ClearsWhatACrashLeft) {
  static_cast<void>(open());
  const auto left = write_temporary(dir_ / "snapshots", "half a snapshot", 0600);
  HEADGATE_ASSERT_OK(left);
  static_cast<void>(open());
  EXPECT_FALSE(std::filesystem::exists(*left));
}

// The digest of the body would catch it first: this is about bytes that bear the right digest.
TEST(SnapshotArchive, RefusesWhateverItWouldNotHaveWritten) {
  std::mt19937_64 random(12);
  for (int round = 0; round < 20; ++round) {
    const auto bytes = to_snapshot_bytes(random_state(random, 7));
    State state;
    for (std::size_t length = 0; length < bytes.size(); length += 1 + random() % 50) {
      HEADGATE_EXPECT_ERROR(from_snapshot_bytes(std::string_view(bytes).substr(0, length), state), ErrorCode::corrupt);
    }
    HEADGATE_EXPECT_ERROR(from_snapshot_bytes(bytes + "x", state), ErrorCode::corrupt);
    for (int flip = 0; flip < 200; ++flip) {
      auto flipped = bytes;
      flipped[random() % flipped.size()] = static_cast<char>(random());
      // Either refused or some value: never a crash, never a giant allocation.
      const bool read = from_snapshot_bytes(flipped, state).has_value();
      ASSERT_TRUE(!read || to_snapshot_bytes(state).size() == flipped.size());
    }
  }
}

TEST(SnapshotArchive, EveryEventSurvives) {
  std::mt19937_64 random(13);
  for (std::size_t type = 0; type < std::variant_size_v<AnyEvent>; ++type) {
    for (int round = 0; round < 20; ++round) {
      const auto event = random_event(random, type);
      Event read;
      AnyEvent& variant = read;
      HEADGATE_ASSERT_OK(from_snapshot_bytes(to_snapshot_bytes<AnyEvent>(event), variant));
      // A step's name stands in the id of its event, and in the live step of a state.
      if (auto* planned = std::get_if<StepPlanned>(&read)) planned->step.change().name = planned->id.step;
      ASSERT_TRUE(read == event) << type_name(event);
    }
  }
}

}  // namespace
}  // namespace headgate::store
