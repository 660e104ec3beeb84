// Follows the log and tells the receivers of the NotificationPolicies in force of what their routes name.
//
// Nothing that is pending is stored. Each receiver stands at a position (State::told): that of the event that it was
// told of last, which notification.sent and notification.failed cite. From there on its own thread reads the log, tells
// of one event after the other, each until it is sent or given up, and records which. A crash between the two tells an
// event again: at least once, in order. So the queue of a receiver that is away is the log itself, and one receiver
// holds up no other, and nobody the log.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "engine/domain/notifications.h"
#include "engine/ports/clock.h"
#include "engine/ports/command_sink.h"
#include "engine/ports/event_log.h"
#include "engine/ports/state_view.h"
#include "reconciler/notice.h"
#include "reconciler/notification_delivery.h"

namespace headgate::reconciler {

struct NotifierOptions {
  // Between the attempts for one event: doubled each time, with some jitter.
  Duration first_delay = std::chrono::seconds(1);
  Duration longest_delay = std::chrono::minutes(5);
  // After its first attempt an event is given up. A receiver that is away so long is asked once for each event from
  // then on, until it answers: it catches up, and what it missed is recorded.
  Duration give_up_after = std::chrono::minutes(30);
  Duration look_every = std::chrono::seconds(5);  // without a nudge
};

class Notifier {
 public:
  Notifier(const StateView& state, CommandSink& sink, const EventLog& log, const NotificationDelivery& delivery,
           const Clock& clock, Notice notice, NotifierOptions options = {});
  ~Notifier();

  void start();
  void nudge();  // the log has grown

 private:
  // A receiver as the published state has it.
  struct View {
    Receiver receiver;
    std::vector<Route> routes;           // that lead to it
    std::vector<EarlierRoutes> earlier;  // and before them
    Position told = 0;
    Position end = 0;                            // the state says nothing of records from here on
    bool paused = false;                         // effects are
    std::set<std::string, std::less<>> types{};  // that its routes name, the earlier ones too
    bool is_told_of(const StoredRecord& record) const;
  };
  std::optional<View> look(const std::string& id) const;
  void keep_followers(std::stop_token stop);
  void follow(const std::string& id, std::stop_token stop);
  // One page of records from `next` on, or a wait for some.
  Result<void> follow_on(const std::string& id, Position& next, bool& away, std::stop_token stop);
  // False: it was neither sent nor given up, since the receiver has gone or `stop`. `away`: the last one was given up.
  bool tell(const std::string& id, const StoredRecord& record, bool& away, std::stop_token stop);
  void record(const RecordNotification& what, std::stop_token stop);
  std::uint64_t nudges();
  // Until there was a nudge after `seen` of them, or for look_every.
  void wait_for_growth(std::uint64_t seen, std::stop_token stop);

  const StateView& state_;
  CommandSink& sink_;
  const EventLog& log_;
  const NotificationDelivery& delivery_;
  const Clock& clock_;
  const Notice notice_;
  const NotifierOptions options_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::uint64_t nudges_ = 0;
  std::map<std::string, std::jthread> followers_;  // by policy/receiver; of keep_followers alone
  std::jthread thread_;
};

}  // namespace headgate::reconciler
