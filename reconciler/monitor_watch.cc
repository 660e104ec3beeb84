#include "reconciler/monitor_watch.h"

#include <algorithm>
#include <tuple>

#include "engine/domain/monitors.h"
#include "engine/domain/plan_steps.h"
#include "engine/ports/caught.h"

namespace headgate::reconciler {
namespace {

constexpr Duration look_every = std::chrono::seconds(5);  // at the documents and the state
constexpr Duration least_time = std::chrono::minutes(1);  // of a command without a timeout of its own
constexpr std::size_t max_refused = 100;                  // that wait to be said

// What its texts may hold: the reader has refused all else.
StringMap values_of(const MonitorId& id, const Monitor& monitor) {
  StringMap values{{"environment", id.environment}};
  if (monitor.services.size() == 1) values["service"] = monitor.services.front();
  return values;
}

}  // namespace

MonitorWatch::MonitorWatch(std::size_t workers, const StateView& state, CommandSink& sink, HttpClient& http,
                           RunCommand run_command, Clock& clock, Notice notice)
    : state_(state),
      sink_(sink),
      http_(http),
      run_command_(std::move(run_command)),
      clock_(clock),
      notice_(std::move(notice)),
      turns_(workers) {
  threads_.emplace_back([this](std::stop_token stop) { follow(std::move(stop)); });
  for (std::size_t i = 0; i < workers; ++i) {
    threads_.emplace_back([this](std::stop_token stop) { work(std::move(stop)); });
  }
}

MonitorWatch::~MonitorWatch() {
  for (auto& thread : threads_) thread.request_stop();
  threads_.clear();
  for (auto& [id, watched] : watched_) tell_hours(id, watched, true);
}

void MonitorWatch::follow(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    say_refused();
    look_for_monitors();
    changed_.notify_all();
    changed_.wait_for(lock, stop, look_every, [] { return false; });
  }
}

// With the lock held.
void MonitorWatch::look_for_monitors() {
  ++looks_;
  const auto now = clock_.now();
  std::vector<std::stop_source> outdated;  // looks under way; stopped when the state is no longer read
  state_.with_state([&](const State& state) {
    std::erase_if(watched_, [&](const auto& entry) {
      const auto& [id, watched] = entry;
      if (find_monitor(state, id)) return false;
      if (watched.looking) outdated.push_back(watched.stop);
      return !watched.looking;
    });
    for (const auto& [name, environment] : state.environments) {
      const auto& document = environment.document;
      if (document.monitors.empty()) continue;
      const bool silent = state.effects_paused || is_silent(document, now);
      for (const auto& monitor : document.monitors) {
        const MonitorId id{name, monitor.name};
        auto& watched = watched_[id];
        if (watched.monitor != monitor) {
          if (watched.looking) outdated.push_back(watched.stop);
          watched.monitor = monitor;
          watched.tally.begin_anew();
        }
        watched.silent = silent;
        if (silent) watched.tally.begin_anew();
        const auto* known = monitor_state(state, id);
        watched.failing = known && known->failing;
      }
    }
  });
  for (auto& look : outdated) look.request_stop();
}

// With the lock held: the one that goes first, as fair_turns.h says, and its name; null: none may begin for `patience`.
MonitorWatch::Watched* MonitorWatch::next_due(Duration now, MonitorId& id, Duration& patience) {
  const auto wall = clock_.now();
  Watched* due = nullptr;
  std::size_t fewest = 0;
  for (auto& [name, watched] : watched_) {
    tell_hours(name, watched, false);
    if (watched.looking || watched.silent) continue;
    const auto at = watched.began ? *watched.began + interval_at(watched.monitor, wall) : now;
    if (at > now) {
      patience = std::min(patience, at - now);
      continue;
    }
    if (!turns_.allows(watched.slow)) continue;  // whoever ends a slow one asks for it
    const auto under_way = turns_.under_way(name.environment);
    if (due && std::tie(fewest, due->began) <= std::tie(under_way, watched.began)) continue;
    due = &watched;
    id = name;
    fewest = under_way;
  }
  return due;
}

void MonitorWatch::work(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    say_refused();
    const auto now = clock_.steady();
    MonitorId id;
    auto patience = look_every;
    auto* watched = next_due(now, id, patience);
    if (!watched) {
      changed_.wait_for(lock, stop, patience, [this, seen = looks_] { return looks_ != seen; });
      continue;
    }
    watched->began = now;
    watched->looking = true;
    watched->stop = std::stop_source();
    turns_.begin(id.environment, watched->slow);
    const auto monitor = watched->monitor;
    auto under_way = watched->stop;
    const auto began = clock_.now();
    lock.unlock();
    auto seen = caught([&]() -> Result<CheckResult> {
      const std::stop_callback stops(stop, [&under_way] { under_way.request_stop(); });
      return look(id, monitor, under_way.get_token());
    });
    CheckResult result;
    if (seen) {
      result = std::move(*seen);
    } else {
      result.verdict = CheckResult::Verdict::error;
      result.reason = seen.error().message;
    }
    lock.lock();
    note(id, *watched, result, began);
    turns_.end(id.environment, watched->slow);
    watched->slow = clock_.steady() - now >= FairTurns::slow_after;
    if (under_way.stop_requested()) {  // by what is new; it is looked at anew
      watched->slow = false;
      watched->began.reset();
    }
    watched->looking = false;                             // until now it stayed in the map
    if (under_way.stop_requested()) look_for_monitors();  // one that is gone goes now
  }
}

CheckResult MonitorWatch::look(const MonitorId& id, const Monitor& monitor, std::stop_token stop) const {
  const CheckRunner checks(
      http_, [&](const Run& run, std::stop_token inner) { return run_command_(id, run, std::move(inner)); });
  auto check = resolved(monitor.check, Values(values_of(id, monitor)));
  if (check.run && check.run->timeout == Run{}.timeout) {
    check.run->timeout = std::min(check.run->timeout, std::max(least_time, interval_at(monitor, clock_.now())));
  }
  return checks.run(check, std::move(stop));
}

// With the lock held.
void MonitorWatch::note(const MonitorId& id, Watched& watched, const CheckResult& result, Timestamp began) {
  const auto name = id.environment + "/" + id.name;
  if (result.verdict == CheckResult::Verdict::stopped) return;
  if (result.verdict == CheckResult::Verdict::error) {  // nothing was learnt: no look
    if (!watched.trouble_told) notice_(NoticeLevel::warning, "the monitor cannot look: " + result.reason, name);
    watched.trouble_told = true;
    return;
  }
  watched.trouble_told = false;
  look_for_monitors();  // a maintenance may have begun meanwhile, and what is known of it may be new
  if (watched.silent || watched.stop.stop_requested()) return;  // what it saw is not the monitor's that is there now
  const bool passed = result.verdict == CheckResult::Verdict::passed;
  watched.tally.add({passed, result.latency, result.reason, began},
                    watched.monitor.sla ? &*watched.monitor.sla : nullptr);
  // Where the queue is full, the next look tells it.
  if (auto report = watched.tally.news(id, watched.monitor, watched.failing)) submit(std::move(*report), id);
}

// With the lock held, or when all threads have ended.
void MonitorWatch::tell_hours(const MonitorId& id, Watched& watched, bool all) {
  for (const auto& hour : watched.tally.take(id, clock_.now(), all)) {
    if (!submit(SummarizeMonitor{hour}, id)) watched.tally.put_back(hour);
  }
}

// Its outcome comes on a thread of the engine, which waits for no line of a log.
bool MonitorWatch::submit(Command command, const MonitorId& id) {
  return sink_.submit({.command = std::move(command)}, [refused = refused_, id](Result<Receipt> done) {
    if (done) return;
    const std::scoped_lock lock(refused->mutex);
    if (refused->reasons.size() < max_refused) refused->reasons.emplace_back(id, done.error().message);
  });
}

void MonitorWatch::say_refused() {
  std::vector<std::pair<MonitorId, std::string>> reasons;
  {
    const std::scoped_lock lock(refused_->mutex);
    reasons.swap(refused_->reasons);
  }
  for (const auto& [id, reason] : reasons) {
    notice_(NoticeLevel::warning, "what the monitor saw was refused: " + reason, id.environment + "/" + id.name);
  }
}

}  // namespace headgate::reconciler
