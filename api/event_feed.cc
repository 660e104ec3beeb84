#include "api/event_feed.h"

#include <algorithm>
#include <exception>

#include "api/events_query.h"
#include "api/visibility.h"

namespace headgate::api {

using Ready = std::function<void(std::optional<std::string>)>;

struct EventFeed::Subscriber {
  EventFilter filter;
  std::string token_digest;
  Position next = 0;  // everything before it was looked at; only the feed's thread touches it
  bool greeted = false;

  std::mutex mutex;
  Ready ready;  // set while a chunk is wanted
  bool gone = false;

  // At most once for each `ready`.
  void give(std::optional<std::string> chunk) {
    Ready call;
    {
      const std::scoped_lock lock(mutex);
      call = std::exchange(ready, nullptr);
    }
    if (call) call(std::move(chunk));
  }
  void leave() {
    Ready dropped;  // destroyed without the lock
    const std::scoped_lock lock(mutex);
    gone = true;
    dropped.swap(ready);
  }
  bool is_gone() {
    const std::scoped_lock lock(mutex);
    return gone;
  }
};

class EventFeed::FeedStream final : public Stream {
 public:
  FeedStream(EventFeed& feed, SubscriberPtr subscriber) : feed_(feed), subscriber_(std::move(subscriber)) {}
  ~FeedStream() override { feed_.forget(subscriber_); }

  void next(Ready ready) override { feed_.want(subscriber_, std::move(ready)); }
  void cancel() override { subscriber_->leave(); }

 private:
  EventFeed& feed_;
  SubscriberPtr subscriber_;
};

EventFeed::EventFeed(runtime::Engine& engine, const EventLog& log, const Clock& clock, std::size_t max_streams)
    : engine_(engine), log_(log), clock_(clock), max_streams_(max_streams) {
  subscription_ = engine.subscribe([this](Position position) {
    const std::scoped_lock lock(mutex_);
    grown_to_ = std::max(grown_to_, position);
    queue_.splice(queue_.end(), waiting_);
    changed_.notify_one();
  });
  {
    const std::scoped_lock lock(mutex_);
    grown_to_ = std::max(grown_to_, engine.position());
  }
  thread_ = std::jthread([this] { run(); });
}

EventFeed::~EventFeed() {
  stop();
}

std::shared_ptr<Stream> EventFeed::open(EventFilter filter, Position start, std::string token_digest) {
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_ || open_ >= max_streams_) return nullptr;
    ++open_;
  }
  auto subscriber = std::make_shared<Subscriber>();
  subscriber->filter = std::move(filter);
  subscriber->token_digest = std::move(token_digest);
  subscriber->next = start;
  return std::make_shared<FeedStream>(*this, std::move(subscriber));
}

void EventFeed::forget(const SubscriberPtr& subscriber) {
  subscriber->leave();
  const std::scoped_lock lock(mutex_);
  --open_;
  queue_.remove(subscriber);
  waiting_.remove(subscriber);
}

void EventFeed::want(const SubscriberPtr& subscriber, Ready ready) {
  {
    const std::scoped_lock lock(subscriber->mutex);
    if (subscriber->gone) return;
    subscriber->ready = std::move(ready);
  }
  {
    const std::scoped_lock lock(mutex_);
    if (!stopping_) {
      queue_.push_back(subscriber);
      changed_.notify_one();
      return;
    }
  }
  subscriber->give(std::nullopt);
}

void EventFeed::run() {
  while (true) {
    SubscriberPtr subscriber;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      subscriber = std::move(queue_.front());
      queue_.pop_front();
      if (subscriber->greeted && subscriber->next >= grown_to_) {
        waiting_.push_back(std::move(subscriber));
        continue;
      }
    }
    std::optional<std::optional<std::string>> given;
    try {
      given = turn(*subscriber);
    } catch (const std::exception&) {
      given.emplace();  // out of memory: the stream ends, its reader comes back by the last id it saw
    }
    if (given) {
      subscriber->give(std::move(*given));
    } else {
      const std::scoped_lock lock(mutex_);
      // One that is gone was taken out of the queue already and must not come back.
      if (!subscriber->is_gone()) queue_.push_back(std::move(subscriber));
    }
  }
}

std::optional<std::optional<std::string>> EventFeed::turn(Subscriber& subscriber) {
  using Given = std::optional<std::string>;
  // Something goes out at once, so that the reader knows that it is connected, and how soon to come back.
  if (!std::exchange(subscriber.greeted, true)) return Given("retry: 1000\n\n");
  const Position seen = engine_.position();
  if (subscriber.next >= seen) return std::nullopt;
  EventQuery query;
  query.filter = subscriber.filter;
  if (subscriber.next > 0) query.after = subscriber.next - 1;
  query.limit = turn_records;
  auto page = log_.query(query);
  if (!page) return Given();

  auto& records = page->records;
  if (cut_records(records, turn_bytes)) page->more = true;
  // Without more, what lies before `seen` is done with; the page may hold records past it.
  Position next = page->more ? 0 : seen;
  if (!records.empty()) next = std::max(next, records.back().position + 1);
  subscriber.next = next;

  const auto at = clock_.now();
  const auto principal =
      engine_.read([&](const State& state) { return authenticate(state, subscriber.token_digest, at); });
  if (!principal || !keep_visible(records, engine_, *principal)) return Given();
  if (records.empty()) return std::nullopt;
  std::string chunk;
  for (const auto& record : records) {
    chunk.append("id: ").append(std::to_string(record.position)).append("\ndata: ");
    chunk.append(record.bytes).append("\n\n");
  }
  return Given(std::move(chunk));
}

void EventFeed::stop() {
  const std::scoped_lock once(stop_mutex_);
  if (!thread_.joinable()) return;
  subscription_.reset();
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
  std::list<SubscriberPtr> rest;
  {
    const std::scoped_lock lock(mutex_);
    rest.splice(rest.end(), queue_);
    rest.splice(rest.end(), waiting_);
  }
  for (const auto& subscriber : rest) subscriber->give(std::nullopt);
}

}  // namespace headgate::api
