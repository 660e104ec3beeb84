// The small parts that handlers are made of.
#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <mutex>

#include "api/events_query.h"
#include "api/paging.h"
#include "api/query_reader.h"
#include "api/record_view.h"
#include "api/secrets.h"
#include "api/worker_pool.h"

namespace headgate::api {
namespace {

TEST(Secrets, TokensAreRandomAndWellFormed) {
  const auto one = new_token();
  const auto two = new_token();
  ASSERT_TRUE(one && two);
  EXPECT_NE(*one, *two);
  EXPECT_EQ(one->size(), 46U);
  EXPECT_TRUE(is_token(*one));
  EXPECT_FALSE(is_token(one->substr(1)));
  EXPECT_FALSE(is_token("hg_" + std::string(43, '!')));
}

TEST(WorkerPool, RefusesWhatItCannotHold) {
  std::mutex mutex;
  std::condition_variable changed;
  bool running = false;
  bool open = false;
  int done = 0;
  WorkerPool pool(1, 1);
  ASSERT_TRUE(pool.submit([&] {
    std::unique_lock lock(mutex);
    running = true;
    changed.notify_all();
    changed.wait(lock, [&] { return open; });
  }));
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return running; });
  }
  const auto count = [&] {
    const std::scoped_lock lock(mutex);
    ++done;
    changed.notify_all();
  };
  EXPECT_TRUE(pool.submit(count));
  EXPECT_FALSE(pool.submit(count));
  EXPECT_TRUE(pool.resume(count));
  std::unique_lock lock(mutex);
  open = true;
  changed.notify_all();
  EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(10), [&] { return done == 2; }));
  lock.unlock();
  pool.stop();
  EXPECT_FALSE(pool.submit(count));
  EXPECT_FALSE(pool.resume(count));
}

TEST(WorkerPool, DropsWhatWaitsWhenItStops) {
  auto token = std::make_shared<int>(1);
  std::promise<void> started;
  std::promise<void> release;
  WorkerPool pool(1, 8);
  ASSERT_TRUE(pool.submit([&] {
    started.set_value();
    release.get_future().wait();
  }));
  started.get_future().wait();
  ASSERT_TRUE(pool.submit([token] { ADD_FAILURE() << "ran after the stop"; }));
  EXPECT_EQ(token.use_count(), 2);
  std::thread stopper([&] { pool.stop(); });
  // What waits is dropped before what runs has ended.
  while (token.use_count() > 1) std::this_thread::yield();
  release.set_value();
  stopper.join();
}

TEST(WorkerPool, TellsWhatRunsThatItStops) {
  WorkerPool pool(1, 4);
  EXPECT_FALSE(pool.stopping());
  ASSERT_TRUE(pool.submit([&] {
    while (!pool.stopping()) std::this_thread::yield();
  }));
  pool.stop();
  EXPECT_TRUE(pool.stopping());
}

TEST(QueryReader, NamesEverythingThatIsWrong) {
  Fields fields(Fields::Names::exact);
  fields.add("limit", "900");
  fields.add("active", "maybe");
  fields.add("frm", "2026-01-01T00:00:00Z");
  fields.add("service", "a");
  fields.add("service", "b");
  QueryReader query(fields);
  EXPECT_FALSE(query.number("limit", 1, 500));
  EXPECT_FALSE(query.flag("active"));
  EXPECT_FALSE(query.time("from"));
  EXPECT_FALSE(query.text("service"));
  const auto read = query.finish();
  ASSERT_FALSE(read);
  ASSERT_EQ(read.error().fields.size(), 4U);
  EXPECT_EQ(read.error().fields[0].expected, "a number from 1 to 500");
  EXPECT_EQ(read.error().fields[3].pointer, "frm");
  EXPECT_EQ(read.error().fields[3].expected, "'from'");

  Fields unknown(Fields::Names::exact);
  unknown.add("colour_of_the_sky", "blue");
  unknown.add("limit", "5");
  QueryReader again(unknown);
  EXPECT_EQ(again.number("limit"), 5U);
  EXPECT_EQ(again.number("limit"), 5U);
  EXPECT_EQ(again.finish().error().fields.at(0).expected, "one of min_position, limit");
}

TEST(Paging, ACursorBelongsToItsList) {
  Fields fields(Fields::Names::exact);
  fields.add("cursor", cursor_of("targets", "a/b"));
  QueryReader own(fields);
  EXPECT_EQ(read_page(own, "targets").after, "a/b");
  EXPECT_TRUE(own.finish());
  QueryReader other(fields);
  EXPECT_FALSE(read_page(other, "events").after);
  EXPECT_FALSE(other.finish().has_value() && other.finish());
}

TEST(RecordView, ReadsAttributesAndLeavesDataAlone) {
  const std::string record =
      R"({"specversion":"1.0","id":"42","source":"x/log","type":"dev.headgate.approval.granted.v1",)"
      R"("time":"2026-11-20T14:55:01.123456Z","subject":"a\"b\u00e4","actor":"person:k","data":{"data":"}"}})";
  const auto view = view_record(record);
  ASSERT_TRUE(view) << view.error().message;
  EXPECT_EQ(view->type, "approval.granted");
  EXPECT_EQ(view->subject, "a\"b\u00e4");
  EXPECT_EQ(view->actor, "person:k");
  EXPECT_EQ(view->service, "");
  EXPECT_EQ(view->data, R"({"data":"}"})");
  for (std::size_t length = 0; length < record.size(); ++length) {
    EXPECT_FALSE(view_record(record.substr(0, length)) && !record.substr(0, length).ends_with('}')) << length;
  }
  EXPECT_FALSE(view_record(""));
  EXPECT_FALSE(view_record("[]"));
}

TEST(EventsQuery, CutsRecordsByTheirBytes) {
  std::vector<StoredRecord> records{{0, "1234"}, {1, "1234"}, {2, "1234"}};
  EXPECT_FALSE(cut_records(records, 12));
  EXPECT_TRUE(cut_records(records, 11));
  EXPECT_EQ(records.size(), 2U);
  EXPECT_TRUE(cut_records(records, 1));
  EXPECT_EQ(records.size(), 1U);
  EXPECT_FALSE(cut_records(records, 1)) << "one is always read";
}

TEST(EventsQuery, TakesTheFormatThatIsLikedBest) {
  const auto format = [](std::string accept) {
    Request request;
    if (!accept.empty()) request.headers.add("Accept", std::move(accept));
    return event_format(request);
  };
  EXPECT_EQ(format(""), EventFormat::json);
  EXPECT_EQ(format("text/html, text/csv, */*"), EventFormat::csv);
  EXPECT_EQ(format("text/csv;q=0.5, Application/X-NDJSON; Q=0.8"), EventFormat::ndjson);
  EXPECT_EQ(format("text/csv;q=0.5, */*"), EventFormat::json);
  EXPECT_EQ(format("application/*;q=0, */*"), EventFormat::csv);
  EXPECT_EQ(format("text/csv;q=0"), std::nullopt);
  EXPECT_EQ(format("application/x-ndjson"), EventFormat::ndjson);
  EXPECT_EQ(format("*/*"), EventFormat::json);
  EXPECT_EQ(format("text/html"), std::nullopt);
}

}  // namespace
}  // namespace headgate::api
