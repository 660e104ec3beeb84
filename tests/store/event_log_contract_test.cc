// What every EventLog promises, of the one on disk and of the one in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "engine/base/digest.h"
#include "store/codec.h"
#include "store/event_filter.h"
#include "store/memory_log.h"
#include "store/rocksdb_log.h"
#include "tests/store/log_events.h"
#include "tests/store/temp_dir.h"

namespace headgate::store {
namespace {

constexpr const char* kOrigin = "headgate.example.com";

struct InMemory {
  MemoryLog memory{kOrigin};
  EventLog& log() { return memory; }
};

struct OnDisk {
  TempDir dir;
  std::unique_ptr<RocksDbLog> rocksdb;
  OnDisk() {
    // A small number, so that answers come from blocks on disk, lists that are being written and live ones.
    auto opened = RocksDbLog::open({.dir = dir.path(), .origin = kOrigin, .index_flush_events = 500});
    if (!opened) throw std::runtime_error(opened.error().message);
    rocksdb = std::move(*opened);
  }
  EventLog& log() { return *rocksdb; }
};

template <class Holder>
class EventLogContract : public ::testing::Test {
 protected:
  EventLog& log() { return holder_.log(); }

  // Appends in batches of 1 to 40 and keeps what was appended.
  void grow(std::size_t count) {
    while (count > 0) {
      const auto n = std::min<std::size_t>(count, 1 + random_() % 40);
      auto events = some_events(random_, all_.size(), all_.empty() ? kLogBegin : all_.back().meta.time, n);
      const auto appended = log().append(all_.size(), events);
      HEADGATE_ASSERT_OK(appended);
      std::ranges::move(events, std::back_inserter(all_));
      ASSERT_EQ(appended->next, all_.size());
      ASSERT_EQ(appended->leaves.size(), n);
      count -= n;
    }
  }
  static std::string text_of(const Recorded<Event>& record) {
    std::string text;
    encode(text, kOrigin, record);
    return text;
  }
  Recorded<Event> next_event() {
    return some_events(random_, all_.size(), all_.empty() ? kLogBegin : all_.back().meta.time, 1)[0];
  }

  Holder holder_;
  std::mt19937_64 random_{17};
  std::vector<Recorded<Event>> all_;
};

using Holders = ::testing::Types<InMemory, OnDisk>;
struct Names {
  template <class T>
  static std::string GetName(int) {
    return std::is_same_v<T, InMemory> ? "InMemory" : "OnDisk";
  }
};
TYPED_TEST_SUITE(EventLogContract, Holders, Names);

TYPED_TEST(EventLogContract, BeginsEmpty) {
  EXPECT_EQ(this->log().size(), 0U);
  EXPECT_EQ(this->log().read(0, 10)->size(), 0U);
  EXPECT_EQ(this->log().query({})->records.size(), 0U);
  EXPECT_EQ(*this->log().position_at(kLogBegin), 0U);
  EXPECT_EQ(*this->log().root(0), sha256(std::string_view()));
  HEADGATE_EXPECT_ERROR(this->log().leaf_hash(0), ErrorCode::invalid_input);
  HEADGATE_ASSERT_OK(this->log().append(0, {}));
  EXPECT_EQ(this->log().size(), 0U);
}

TYPED_TEST(EventLogContract, KeepsTheExactRecordsAndTheirLeaves) {
  this->grow(700);
  auto& log = this->log();
  ASSERT_EQ(log.size(), 700U);
  const auto records = log.read(0, 1'000);
  HEADGATE_ASSERT_OK(records);
  ASSERT_EQ(records->size(), 700U);
  MerkleTree tree;
  for (std::size_t i = 0; i < 700; ++i) {
    ASSERT_EQ((*records)[i].position, i);
    ASSERT_EQ((*records)[i].bytes, this->text_of(this->all_[i]));
    const auto leaf = leaf_hash((*records)[i].bytes);
    ASSERT_EQ(*log.leaf_hash(i), leaf);
    ASSERT_EQ(*log.root(i), tree.root()) << i;
    tree.append(leaf, [](TileId, const TileHashes&) {});
  }
  EXPECT_EQ(*log.root(700), tree.root());
  HEADGATE_EXPECT_ERROR(log.root(701), ErrorCode::invalid_input);
  HEADGATE_EXPECT_ERROR(log.leaf_hash(700), ErrorCode::invalid_input);
}

TYPED_TEST(EventLogContract, AnswersAnAppendWithItsLeaves) {
  const auto first = this->next_event();
  const auto appended = this->log().append(0, std::span(&first, 1));
  HEADGATE_ASSERT_OK(appended);
  EXPECT_EQ(appended->next, 1U);
  EXPECT_THAT(appended->leaves, ::testing::ElementsAre(leaf_hash(this->text_of(first))));
}

TYPED_TEST(EventLogContract, RefusesWhatDoesNotFollow) {
  this->grow(3);
  auto& log = this->log();
  auto event = this->next_event();
  HEADGATE_EXPECT_ERROR(log.append(2, std::span(&event, 1)), ErrorCode::conflict);
  HEADGATE_EXPECT_ERROR(log.append(4, std::span(&event, 1)), ErrorCode::conflict);
  event.meta.position = 4;
  HEADGATE_EXPECT_ERROR(log.append(3, std::span(&event, 1)), ErrorCode::conflict);
  event.meta.position = 3;
  event.meta.time = this->all_.back().meta.time - Duration(1);
  HEADGATE_EXPECT_ERROR(log.append(3, std::span(&event, 1)), ErrorCode::conflict);
  event.meta.time = this->all_.back().meta.time;
  HEADGATE_ASSERT_OK(log.append(3, std::span(&event, 1)));
  EXPECT_EQ(log.size(), 4U);
}

TYPED_TEST(EventLogContract, ABatchIsWrittenWholeOrNotAtAll) {
  auto& log = this->log();
  auto events = some_events(this->random_, 0, kLogBegin, 3);
  events[2].event = StepFailed{{{{"gateway", "production"}, 7}, "deploy"}, std::string(kMaxRecordBytes, 'x')};
  HEADGATE_EXPECT_ERROR(log.append(0, events), ErrorCode::too_large);
  EXPECT_EQ(log.size(), 0U);
  EXPECT_EQ(log.read(0, 10)->size(), 0U);
  EXPECT_EQ(log.query({})->records.size(), 0U);
  // The very largest record that fits, to the byte.
  auto& failed = std::get<StepFailed>(events[2].event);
  failed.reason.resize(kMaxRecordBytes - (this->text_of(events[2]).size() - failed.reason.size()));
  ASSERT_EQ(this->text_of(events[2]).size(), kMaxRecordBytes);
  HEADGATE_ASSERT_OK(log.append(0, events));
  EXPECT_EQ(log.read(2, 1)->at(0).bytes, this->text_of(events[2]));
}

TYPED_TEST(EventLogContract, ReadsWithinItsBounds) {
  this->grow(20);
  auto& log = this->log();
  EXPECT_EQ(log.read(5, 3)->size(), 3U);
  EXPECT_EQ(log.read(5, 3)->front().position, 5U);
  EXPECT_EQ(log.read(18, 10)->size(), 2U);
  EXPECT_EQ(log.read(20, 10)->size(), 0U);
  EXPECT_EQ(log.read(UINT64_MAX, 10)->size(), 0U);
  EXPECT_EQ(log.read(0, 0)->size(), 0U);
  EXPECT_EQ(log.read(0, SIZE_MAX)->size(), 20U);
}

TYPED_TEST(EventLogContract, FoldsInOrder) {
  this->grow(300);
  std::vector<Recorded<Event>> folded;
  const auto visit = [&](const Recorded<Event>& record) { folded.push_back(record); };
  HEADGATE_ASSERT_OK(this->log().fold(0, 300, visit));
  EXPECT_TRUE(folded == this->all_);
  folded.clear();
  HEADGATE_ASSERT_OK(this->log().fold(7, 9, visit));
  ASSERT_EQ(folded.size(), 2U);
  EXPECT_TRUE(folded[0] == this->all_[7]);
  HEADGATE_ASSERT_OK(this->log().fold(9, 9, visit));
  EXPECT_EQ(folded.size(), 2U);
  HEADGATE_EXPECT_ERROR(this->log().fold(0, 301, visit), ErrorCode::invalid_input);
}

TYPED_TEST(EventLogContract, FindsMoments) {
  constexpr Position count = 1'100;
  EXPECT_EQ(*this->log().position_at(Timestamp{}), 0U);
  this->grow(count);
  EXPECT_EQ(*this->log().position_at(this->all_[0].meta.time - Duration(1)), 0U);
  for (Position i = 0; i < count; ++i) {
    const auto time = this->all_[i].meta.time;
    Position first = i;
    while (first > 0 && this->all_[first - 1].meta.time == time) --first;
    ASSERT_EQ(*this->log().position_at(time), first);
    const auto after = *this->log().position_at(time + Duration(1));
    ASSERT_GT(after, i);
    ASSERT_TRUE(after == count || this->all_[after].meta.time > time);
    ASSERT_EQ(this->all_[after - 1].meta.time, time);
  }
}

// Every combination of filters, order, cursor and limit against the plain definition.
TYPED_TEST(EventLogContract, QueriesMeanWhatTheirFiltersSay) {
  this->grow(2'500);
  auto& log = this->log();
  auto& random = this->random_;
  const auto pick = [&](std::vector<std::string> from) {
    return random() % 2 == 0 ? "" : from[random() % from.size()];
  };
  std::size_t matched = 0;
  for (int round = 0; round < 300; ++round) {
    EventQuery query;
    query.filter.type =
        pick({"rollback.*", "promotion.failed", "*ed", "drift.detected", "nothing.*", "*", "engine.started"});
    query.filter.service = pick({"gateway", "ledger", "unknown"});
    query.filter.environment = pick({"staging", "production"});
    query.filter.actor = pick({"engine", "person:k3v9q2", "nobody"});
    query.filter.correlation = random() % 4 == 0 ? "gateway/production/2" : "";
    if (random() % 3 == 0) query.filter.from = this->all_[random() % 2'500].meta.time;
    if (random() % 3 == 0) query.filter.to = this->all_[random() % 2'500].meta.time;
    if (random() % 3 == 0) query.after = random() % 2'600;
    query.descending = random() % 2 == 0;
    query.limit = random() % 60;

    std::vector<Position> expected;
    bool more = false;
    for (std::size_t i = 0; i < this->all_.size(); ++i) {
      const auto position = query.descending ? this->all_.size() - 1 - i : i;
      if (query.after && (query.descending ? position >= *query.after : position <= *query.after)) continue;
      if (!matches(query.filter, this->all_[position])) continue;
      if (expected.size() == query.limit) {
        more = true;
        break;
      }
      expected.push_back(position);
    }
    const auto page = log.query(query);
    HEADGATE_ASSERT_OK(page);
    std::vector<Position> found;
    for (const auto& record : page->records) {
      found.push_back(record.position);
      ASSERT_EQ(record.bytes, this->text_of(this->all_[record.position]));
    }
    ASSERT_EQ(found, expected) << "round " << round << " type " << query.filter.type << " service "
                               << query.filter.service << " environment " << query.filter.environment << " actor "
                               << query.filter.actor << " descending " << query.descending;
    ASSERT_EQ(page->more, more) << "round " << round;
    matched += found.size();
  }
  EXPECT_GT(matched, 1'000U);
}

TYPED_TEST(EventLogContract, PagesLeadThroughEveryMatchOnce) {
  this->grow(1'200);
  for (const bool descending : {false, true}) {
    EventQuery query{.filter = {.service = "web"}, .descending = descending, .limit = 7};
    std::vector<Position> seen;
    for (bool more = true; more;) {
      const auto page = this->log().query(query);
      HEADGATE_ASSERT_OK(page);
      for (const auto& record : page->records) seen.push_back(record.position);
      more = page->more;
      query.after = seen.back();
    }
    std::vector<Position> expected;
    for (const auto& record : this->all_) {
      if (matches(query.filter, record)) expected.push_back(record.meta.position);
    }
    if (descending) std::ranges::reverse(expected);
    EXPECT_EQ(seen, expected);
  }
}

TYPED_TEST(EventLogContract, ReadersSeeWhatWasAppendedWhileItGrows) {
  auto& log = this->log();
  std::atomic<bool> done{false};
  std::atomic<Position> acknowledged{0};
  std::atomic<int> rounds{0};
  std::vector<std::string> problems(2);
  std::vector<std::thread> readers;
  for (std::size_t reader = 0; reader < 2; ++reader) {
    readers.emplace_back([&, reader] {
      std::mt19937_64 random(reader);
      while (!done && problems[reader].empty()) {
        const Position known = acknowledged;
        const auto size = log.size();
        if (size < known) problems[reader] = "size() is behind an append that returned";
        if (size == 0) continue;
        const auto last = log.read(size - 1, 1);
        if (!last || last->size() != 1) problems[reader] = "the last record cannot be read";
        const auto page = log.query({.filter = {.actor = "engine"}, .descending = true, .limit = 5});
        if (!page) problems[reader] = page.error().message;
        // The newest event by the engine among the acknowledged ones must be there.
        const auto all = log.query({.descending = true, .limit = 1});
        if (!all || all->records.empty() || all->records[0].position + 1 < known) {
          problems[reader] = "a query does not see an append that returned";
        }
        const auto from = random() % size;
        Position next = from;
        const auto folded = log.fold(from, std::min(size, from + 50), [&](const Recorded<Event>& record) {
          if (record.meta.position != next++) problems[reader] = "a fold out of order";
        });
        if (!folded) problems[reader] = folded.error().message;
        if (!log.root(size)) problems[reader] = "no root";
        ++rounds;
      }
    });
  }
  std::mt19937_64 random(5);
  Timestamp time = kLogBegin;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while ((log.size() < 3'000 || rounds < 100) && std::chrono::steady_clock::now() < deadline) {
    const auto events = some_events(random, log.size(), time, 1 + random() % 30);
    time = events.back().meta.time;
    const auto appended = log.append(log.size(), events);
    if (!appended) {
      ADD_FAILURE() << appended.error().message;
      break;
    }
    acknowledged = appended->next;
  }
  done = true;
  for (auto& reader : readers) reader.join();
  EXPECT_THAT(problems, ::testing::Each(""));
  EXPECT_GE(rounds, 100);
}

}  // namespace
}  // namespace headgate::store
