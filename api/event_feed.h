// Live event streams (server-sent events). One thread serves all of them: a stream that wants a chunk either waits in
// the queue or, when it has seen everything, until the log grows. Each turn reads a bounded page of the log, so a
// thousand subscribers and one that is a million events behind share it fairly.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "api/http.h"
#include "engine/domain/access.h"
#include "engine/ports/clock.h"
#include "engine/ports/event_log.h"
#include "engine/runtime/engine.h"

namespace headgate::api {

class EventFeed {
 public:
  EventFeed(runtime::Engine& engine, const EventLog& log, const Clock& clock, std::size_t max_streams);
  ~EventFeed();  // stop()

  // Records from position `start` on that meet the filter and that the holder of the token may see, for as long as the
  // token is good. Null: there are too many streams.
  std::shared_ptr<Stream> open(EventFilter filter, Position start, std::string token_digest);
  // Ends every stream. May be called again.
  void stop();

  static constexpr std::size_t turn_records = 256;  // read in one turn
  static constexpr std::size_t turn_bytes = 1 << 20;

 private:
  struct Subscriber;
  class FeedStream;
  using SubscriberPtr = std::shared_ptr<Subscriber>;

  void want(const SubscriberPtr& subscriber, std::function<void(std::optional<std::string>)> ready);
  void forget(const SubscriberPtr& subscriber);
  void run();
  // What one turn has to give: a chunk, or (nullopt) the end; nothing at all while there is nothing to send.
  std::optional<std::optional<std::string>> turn(Subscriber& subscriber);

  runtime::Engine& engine_;
  const EventLog& log_;
  const Clock& clock_;
  const std::size_t max_streams_;

  std::mutex mutex_;
  std::condition_variable changed_;
  Position grown_to_ = 0;
  std::list<SubscriberPtr> queue_;
  std::list<SubscriberPtr> waiting_;
  std::size_t open_ = 0;
  bool stopping_ = false;

  std::mutex stop_mutex_;
  std::shared_ptr<void> subscription_;
  std::jthread thread_;
};

}  // namespace headgate::api
