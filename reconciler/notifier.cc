#include "reconciler/notifier.h"

#include <algorithm>
#include <future>
#include <random>

#include "engine/ports/caught.h"
#include "engine/ports/pause.h"
#include "reconciler/notification_text.h"

namespace headgate::reconciler {
namespace {

constexpr std::size_t page_records = 256;
constexpr Duration answer_poll = std::chrono::milliseconds(50);
constexpr Duration full_queue_delay = std::chrono::seconds(1);

Duration jittered(Duration delay) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return delay * std::uniform_int_distribution<int>(80, 120)(random) / 100;
}

}  // namespace

Notifier::Notifier(const StateView& state, CommandSink& sink, const EventLog& log, const NotificationDelivery& delivery,
                   const Clock& clock, Notice notice, NotifierOptions options)
    : state_(state),
      sink_(sink),
      log_(log),
      delivery_(delivery),
      clock_(clock),
      notice_(std::move(notice)),
      options_(options) {}

Notifier::~Notifier() {
  thread_ = {};  // joined; it ends the followers
}

void Notifier::start() {
  thread_ = std::jthread([this](std::stop_token stop) { keep_followers(std::move(stop)); });
}

void Notifier::nudge() {
  const std::scoped_lock lock(mutex_);
  ++nudges_;
  changed_.notify_all();
}

std::optional<Notifier::View> Notifier::look(const std::string& id) const {
  std::optional<View> view;
  state_.with_state([&](const State& state) {
    const auto told = state.told.find(id);
    const auto slash = id.find('/');
    const auto policy = state.notification_policies.find(std::string_view(id).substr(0, slash));
    if (told == state.told.end() || policy == state.notification_policies.end()) return;
    const auto& document = policy->second.document;
    const auto receiver =
        std::ranges::find(document.receivers, std::string_view(id).substr(slash + 1), &Receiver::name);
    if (receiver == document.receivers.end()) return;
    view = View{.receiver = *receiver,
                .routes = routes_to(document, receiver->name),
                .earlier = {},
                .told = told->second,
                .end = state.next,
                .paused = state.effects_paused.has_value()};
    if (const auto at = state.earlier_routes.find(id); at != state.earlier_routes.end()) view->earlier = at->second;
  });
  if (!view) return view;
  auto anywhere = view->routes;
  for (const auto& earlier : view->earlier) {
    anywhere.insert(anywhere.end(), earlier.routes.begin(), earlier.routes.end());
  }
  for (auto& route : anywhere) route.environments.clear();
  for (const auto type : event_names()) {
    if (leads_to(anywhere, view->receiver.name, type, {})) view->types.emplace(type);
  }
  return view;
}

bool Notifier::View::is_told_of(const StoredRecord& record) const {
  if (record.position <= told) return false;
  const auto type = type_of_record(record.bytes);
  return types.contains(type) && leads_to(routes_at(record.position, routes, earlier), receiver.name, type,
                                          environment_of_record(record.bytes));
}

// One thread for each receiver there is.
void Notifier::keep_followers(std::stop_token stop) {
  while (!stop.stop_requested()) {
    const auto seen = nudges();
    std::set<std::string> wanted;
    state_.with_state([&](const State& state) {
      for (const auto& [id, told] : state.told) wanted.insert(id);
    });
    std::erase_if(followers_, [&](auto& entry) { return !wanted.contains(entry.first); });  // stopped and joined
    for (const auto& id : wanted) {
      auto& follower = followers_[id];
      if (follower.joinable()) continue;
      const auto begun = caught([&]() -> Result<void> {
        follower = std::jthread([this, id](std::stop_token inner) { follow(id, std::move(inner)); });
        return {};
      });
      if (!begun) notice_(NoticeLevel::warning, "nobody is told yet: " + begun.error().message, id);
    }
    wait_for_growth(seen, stop);
  }
  for (auto& [id, follower] : followers_) follower.request_stop();
  followers_.clear();
}

void Notifier::follow(const std::string& id, std::stop_token stop) {
  Position next = 0;
  bool away = false;
  while (!stop.stop_requested()) {
    const auto turn = caught([&]() -> Result<void> { return follow_on(id, next, away, stop); });
    if (turn) continue;
    notice_(NoticeLevel::warning, "the log cannot be followed: " + turn.error().message, id);
    pause(options_.look_every, stop);
  }
}

Result<void> Notifier::follow_on(const std::string& id, Position& next, bool& away, std::stop_token stop) {
  const auto seen = nudges();
  const auto view = look(id);
  if (view) next = std::max(next, view->told + 1);
  // The log may have grown beyond the state: which routes hold there is not known yet.
  if (!view || view->paused || next >= view->end) {
    wait_for_growth(seen, stop);
    return {};
  }
  HEADGATE_TRY(const auto page, log_.read(next, page_records));
  for (const auto& record : page) {
    if (record.position >= view->end) break;
    if (view->is_told_of(record) && !tell(id, record, away, stop)) break;
    next = record.position + 1;
  }
  return {};
}

bool Notifier::tell(const std::string& id, const StoredRecord& record, bool& away, std::stop_token stop) {
  const auto type = std::string(type_of_record(record.bytes));
  const auto began = clock_.steady();
  auto delay = options_.first_delay;
  for (std::uint32_t attempt = 1; !stop.stop_requested();) {
    const auto view = look(id);
    if (!view || !view->is_told_of(record)) return false;  // it has gone, or come again
    if (view->paused) {
      pause(options_.look_every, stop);
      continue;
    }
    const auto delivery = delivery_.deliver(view->receiver, record.bytes, stop);
    if (stop.stop_requested() && delivery.kind != Delivery::Kind::sent) return false;
    if (delivery.kind == Delivery::Kind::sent) {
      away = false;
      this->record({id, record.position, type, attempt, {}}, stop);
      return true;
    }
    const bool over =
        delivery.kind == Delivery::Kind::terminal || away || clock_.steady() - began >= options_.give_up_after;
    if (over) {
      away = away || delivery.kind == Delivery::Kind::retryable;
      notice_(
          NoticeLevel::warning,
          "given up to tell of " + type + " at position " + std::to_string(record.position) + ": " + delivery.reason,
          id);
      this->record({id, record.position, type, attempt, delivery.reason}, stop);
      return true;
    }
    if (attempt == 1) {
      notice_(NoticeLevel::warning,
              "cannot tell of " + type + " at position " + std::to_string(record.position) +
                  " yet, and tries again: " + delivery.reason,
              id);
    }
    pause(jittered(delay), stop);
    delay = std::min(delay * 2, options_.longest_delay);
    ++attempt;
  }
  return false;
}

void Notifier::record(const RecordNotification& what, std::stop_token stop) {
  while (!stop.stop_requested()) {
    const auto done = std::make_shared<std::promise<void>>();
    auto recorded = done->get_future();
    if (sink_.submit({.command = what}, [done](Result<Receipt>) { done->set_value(); })) {
      while (!stop.stop_requested() && recorded.wait_for(answer_poll) != std::future_status::ready) {
      }
      return;
    }
    pause(full_queue_delay, stop);
  }
}

std::uint64_t Notifier::nudges() {
  const std::scoped_lock lock(mutex_);
  return nudges_;
}

void Notifier::wait_for_growth(std::uint64_t seen, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::move(stop), options_.look_every, [&] { return nudges_ != seen; });
}

}  // namespace headgate::reconciler
