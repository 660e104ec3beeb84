#include "engine/runtime/engine.h"

#include <algorithm>

#include "engine/ports/caught.h"

namespace headgate::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Wall clock and steady clock may part by this much before it counts as a step.
constexpr Duration clock_tolerance = seconds(5);
constexpr Duration clock_check = seconds(1);
constexpr Position fold_at_once = 100'000;  // events, between two looks at the stop token

// The newest one at or before `position`; an empty state when there is none.
Result<State> saved_state(const EventLog& log, const Snapshots& snapshots, Position position) {
  auto snapshot = snapshots.load(position);
  if (!snapshot) return State{};
  HEADGATE_TRY(const auto root, log.root(snapshot->state.next));
  // A snapshot of another history (a log restored behind it) is not ours.
  if (root != snapshot->root) return State{};
  return std::move(snapshot->state);
}

Result<void> fold_up_to(State& state, const EventLog& log, Position position, const std::stop_token& stop) {
  while (state.next < position) {
    if (stop.stop_requested()) return fail(ErrorCode::unavailable, "the folding of the log was stopped");
    HEADGATE_TRY_VOID(log.fold(state.next, std::min(position, state.next + fold_at_once),
                               [&](const Recorded<Event>& e) { evolve(state, e); }));
  }
  return {};
}

}  // namespace

Result<State> state_at(const EventLog& log, const Snapshots& snapshots, Position position,
                       const std::stop_token& stop) {
  if (position > log.size()) {
    return fail(ErrorCode::not_found, "the log holds " + std::to_string(log.size()) + " events; position " +
                                          std::to_string(position) + " is beyond it");
  }
  HEADGATE_TRY(auto state, saved_state(log, snapshots, position));
  HEADGATE_TRY_VOID(fold_up_to(state, log, position, stop));
  return state;
}

Result<Promotion> promotion_of_log(const EventLog& log, const PromotionId& id) {
  EventQuery query;
  query.filter.correlation = to_string(id);
  query.limit = 500;
  Promotion promotion;
  bool found = false;
  while (true) {
    HEADGATE_TRY(const auto page, log.query(query));
    for (const auto& record : page.records) {
      HEADGATE_TRY_VOID(log.fold(record.position, record.position + 1, [&](const Recorded<Event>& e) {
        found = found || std::holds_alternative<PromotionPlanned>(e.event);
        if (found) evolve(promotion, e);
      }));
      query.after = record.position;
    }
    if (!page.more || page.records.empty()) break;
  }
  if (!found) return fail(ErrorCode::not_found, "no promotion " + to_string(id));
  return promotion;
}

Engine::Engine(EngineOptions options, EventLog& log, Snapshots& snapshots, Clock& clock, Executor& executor,
               DigestFunction digest, Observer& observer, std::function<void(const Error&)> fatal)
    : options_(std::move(options)),
      log_(log),
      snapshots_(snapshots),
      clock_(clock),
      digest_(digest),
      observer_(observer),
      fatal_(std::move(fatal)),
      writer_(digest),
      dispatcher_(options_.workers, executor, clock, observer,
                  [this](const Activity& activity, const Outcome& outcome) {
                    const std::scoped_lock lock(queue_mutex_);
                    if (closed_) return;  // the next start takes the attempt up again
                    // An outcome is never refused. A worker reports and takes the next activity, so many may wait here;
                    // but a target's next activity begins after the outcome of the one before: one a target at most.
                    enqueue({{.command = CompleteActivity{activity.id, activity.attempt, outcome}}, {}});
                  }) {}

Result<std::unique_ptr<Engine>> Engine::start(EngineOptions options, EventLog& log, Snapshots& snapshots, Clock& clock,
                                              Executor& executor, DigestFunction digest, Observer& observer,
                                              std::function<void(const Error&)> fatal) {
  auto engine = std::unique_ptr<Engine>(
      new Engine(std::move(options), log, snapshots, clock, executor, digest, observer, std::move(fatal)));
  HEADGATE_TRY_VOID(engine->load());
  return engine;
}

Result<void> Engine::load() {
  HEADGATE_TRY(auto state, saved_state(log_, snapshots_, log_.size()));
  snapshot_position_ = state.next;
  HEADGATE_TRY_VOID(fold_up_to(state, log_, log_.size(), {}));
  published_ = state;
  published_position_ = state.next;
  writer_.load(std::move(state));
  const auto now = clock_.now();
  if (writer_.state().next == 0) {
    HEADGATE_TRY_VOID(writer_.execute({.command = CreateLog{options_.origin, options_.verifier_key}}, now));
  }
  // Set back while nothing ran, by as much at least: what was promised a length keeps it.
  const auto& folded = writer_.state();
  if (const auto behind = folded.wall_time(folded.last_time) - now; behind > clock_tolerance) {
    HEADGATE_TRY_VOID(writer_.execute({.command = StepClock{-behind}}, now));
  }
  HEADGATE_TRY_VOID(writer_.execute({.command = StartEngine{options_.version}}, now));
  auto batch = writer_.take_batch();
  HEADGATE_TRY_VOID(log_.append(batch.first, batch.events));
  publish(batch);
  std::vector<Dispatcher::Wish> wishes;
  for (auto& effect : pending_effects(writer_.state())) {
    auto target = effect.id.promotion.target;
    wishes.push_back({std::move(target), std::move(effect)});
  }
  dispatcher_.want(std::move(wishes));
  commit_thread_ = std::jthread([this](std::stop_token stop) { run_commits(stop); });
  writer_thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
  snapshot_thread_ = std::jthread([this](std::stop_token stop) { write_snapshots(stop); });
  started_ = true;
  return {};
}

Engine::~Engine() {
  stop(Duration::zero());
}

bool Engine::submit(Submission submission, std::function<void(Result<Receipt>)> done) {
  const std::scoped_lock lock(queue_mutex_);
  if (!accepting_ || queue_.size() >= options_.queue_limit) return false;
  enqueue({std::move(submission), std::move(done)});
  return true;
}

void Engine::enqueue(Queued queued) {
  queue_.push_back(std::move(queued));
  if (std::exchange(writer_waits_, false)) writer_wakes_.notify_one();
}

std::size_t Engine::queue_depth() const {
  const std::scoped_lock lock(queue_mutex_);
  return queue_.size();
}

// -------------------------------------------------------------------------------------------------------- the writer

std::vector<Engine::Queued> Engine::take_commands(std::stop_token stop) {
  const auto now = clock_.now();
  const bool growing = this->growing();
  const std::size_t room =
      writer_.full() ? 0 : options_.batch_commands - std::min(options_.batch_commands, commands_.size());
  Duration patience = clock_check;
  if (room > 0 && writer_.has_work(now) && !stop.stop_requested()) {
    patience = Duration::zero();
  } else if (const auto wakeup = writer_.next_wakeup()) {
    patience = std::clamp<Duration>(*wakeup - now, milliseconds(1), patience);
  }
  std::unique_lock lock(queue_mutex_);
  if (patience > Duration::zero()) {
    // Whoever wakes it takes the flag down: when that was for nothing it goes up again.
    const auto ready = [&] {
      writer_waits_ = !failed_ && (room == 0 || queue_.empty()) && (!growing || committing_);
      return !writer_waits_;
    };
    // A stop waits for what was decided.
    writer_wakes_.wait_for(lock, growing ? std::stop_token() : stop, patience, ready);
    writer_waits_ = false;
  }
  const auto count = std::min(queue_.size(), room);
  std::vector<Queued> taken(std::make_move_iterator(queue_.begin()),
                            std::make_move_iterator(queue_.begin() + static_cast<std::ptrdiff_t>(count)));
  queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(count));
  return taken;
}

void Engine::run(std::stop_token stop) {
  auto offset = clock_.now().time_since_epoch() - clock_.steady();
  while (true) {
    auto commands = take_commands(stop);
    // One look at the wall clock a round: a jump after it is found in the next round, before anything is judged by it.
    const auto now = clock_.now();
    const auto offset_now = now.time_since_epoch() - clock_.steady();
    if (std::chrono::abs(offset_now - offset) > clock_tolerance) {
      commands.insert(commands.begin(), {{.command = StepClock{offset_now - offset}}, {}});
      offset = offset_now;
    }
    // Asked to stop it answers the commands that wait; what follows by itself is for the next start.
    const bool ending = commands.empty() && stop.stop_requested();
    const bool idle = ending || (commands.empty() && (writer_.full() || !writer_.has_work(now)));
    if (!idle && !decide_all(std::move(commands), now)) return;
    if (!hand_over()) return;
    if (ending && !growing() && queue_depth() == 0) return;
    release_waiters();
  }
}

bool Engine::growing() const {
  return !commands_.empty() || !writer_.batch().events.empty() || !writer_.batch().changed.empty();
}

bool Engine::decide_all(std::vector<Queued> commands, Timestamp now) {
  std::size_t decided = 0;
  for (; decided < commands.size() && !writer_.full(); ++decided) {
    receipts_.push_back(writer_.execute(commands[decided].submission, now));
    commands_.push_back(std::move(commands[decided]));
  }
  if (decided < commands.size()) {  // the batch is full: the rest goes first in the next one
    const std::scoped_lock lock(queue_mutex_);
    queue_.insert(queue_.begin(), std::make_move_iterator(commands.begin() + static_cast<std::ptrdiff_t>(decided)),
                  std::make_move_iterator(commands.end()));
  }
  writer_.advance_due(now);
  const auto& batch = writer_.batch();
  const auto fresh = std::span(batch.events).subspan(staged_events_);
  if (fresh.empty()) return true;
  if (const auto staged = log_.stage(fresh.front().meta.position, fresh); !staged) {
    refused(staged.error());
    return false;
  }
  staged_events_ = batch.events.size();
  return true;
}

Engine::Decided Engine::take_decided() {
  staged_events_ = 0;
  return {writer_.take_batch(), std::exchange(commands_, {}), std::exchange(receipts_, {}), log_.seal()};
}

bool Engine::hand_over() {
  if (!growing()) return true;
  const std::scoped_lock lock(queue_mutex_);
  if (failed_) return false;
  if (committing_) return true;  // later: the batch goes on growing meanwhile
  handed_over_ = take_decided();
  committing_ = true;
  committer_wakes_.notify_one();
  return true;
}

void Engine::refused(const Error& error) {
  // Whether it is on disk is unknown: nobody gets an answer, nothing more is done; the next start looks.
  {
    const std::scoped_lock lock(queue_mutex_);
    accepting_ = false;
    closed_ = true;
    failed_ = true;
  }
  writer_wakes_.notify_one();
  fatal_(error);
}

// ----------------------------------------------------------------------------------------------------- the committer

void Engine::run_commits(std::stop_token stop) {
  while (true) {
    std::optional<Decided> decided;
    {
      std::unique_lock lock(queue_mutex_);
      if (!committer_wakes_.wait(lock, stop, [this] { return handed_over_.has_value(); })) return;
      decided = std::exchange(handed_over_, std::nullopt);
    }
    if (!commit(std::move(*decided))) return;
    {
      const std::scoped_lock lock(queue_mutex_);
      committing_ = false;
      if (std::exchange(writer_waits_, false)) writer_wakes_.notify_one();
    }
    release_waiters();
  }
}

bool Engine::commit(Decided decided) {
  const auto& batch = decided.batch;
  std::vector<Hash> leaves;
  if (decided.staged) {
    const auto began = clock_.steady();
    auto appended = log_.commit(std::move(decided.staged));
    if (!appended) {
      refused(appended.error());
      return false;
    }
    leaves = std::move(appended->leaves);
    observer_.batch_appended(batch.events, clock_.steady() - began);
    publish(batch);
  }
  answer(decided, leaves);
  // Nobody else writes the published state, so that this thread needs no lock to look at it.
  std::vector<Dispatcher::Wish> wishes;
  wishes.reserve(batch.changed.size());
  for (const auto& target : batch.changed) wishes.push_back({target, pending_effect(published_, target)});
  dispatcher_.want(std::move(wishes));
  return true;
}

void Engine::answer(Decided& decided, const std::vector<Hash>& leaves) {
  for (std::size_t i = 0; i < decided.commands.size(); ++i) {
    auto& command = decided.commands[i];
    auto& receipt = decided.receipts[i];
    observer_.command_done(name_of(command.submission.command), receipt.has_value());
    if (!command.done) continue;
    if (receipt && receipt->repeated && receipt->count > 0) {
      receipt->events.clear();
      const auto folded = log_.fold(receipt->first, receipt->last + 1,
                                    [&](const Recorded<Event>& e) { receipt->events.push_back(e.event); });
      const auto leaf = log_.leaf_hash(receipt->last);
      if (!folded || !leaf) {
        receipt = std::unexpected(folded ? leaf.error() : folded.error());
      } else {
        receipt->leaf_hash = *leaf;
      }
    } else if (receipt && receipt->count > 0 && !command.submission.dry_run) {
      receipt->leaf_hash = leaves[receipt->last - decided.batch.first];
    }
    command.done(std::move(receipt));
  }
}

void Engine::publish(const Batch& batch) {
  {
    const std::unique_lock lock(published_mutex_);
    for (const auto& recorded : batch.events) evolve(published_, recorded);
    published_position_.store(published_.next, std::memory_order_release);
  }
  {
    const std::scoped_lock lock(subscribers_mutex_);
    for (const auto& [id, call] : subscribers_) call(published_.next);
  }
  if (published_.next - snapshot_position_ >= options_.snapshot_every) {
    // Whoever looks under the lock has seen this position or is told of it.
    { const std::scoped_lock lock(snapshot_mutex_); }
    snapshot_due_.notify_all();
  }
}

void Engine::when_at(Position position, Duration timeout, std::function<void(bool)> call) {
  if (this->position() >= position) return call(true);
  bool reached = false;
  {
    const std::scoped_lock lock(waiters_mutex_);
    // Asked again under the lock: a batch published since has released its waiters already.
    reached = this->position() >= position;
    if (!reached && !waiting_ended_ && waiters_.size() < options_.waiter_limit) {
      waiters_.push_back({position, clock_.steady() + timeout, std::move(call)});
      return;
    }
  }
  call(reached);
}

void Engine::release_waiters() {
  std::vector<std::pair<Waiter, bool>> released;
  {
    const std::scoped_lock lock(waiters_mutex_);
    if (waiters_.empty()) return;
    const auto at = position();
    const auto now = clock_.steady();
    std::erase_if(waiters_, [&](Waiter& waiter) {
      const bool reached = waiter.position <= at;
      if (!reached && waiter.deadline > now) return false;
      released.emplace_back(std::move(waiter), reached);
      return true;
    });
  }
  for (auto& [waiter, reached] : released) waiter.call(reached);
}

void Engine::release_all() {
  std::vector<Waiter> released;
  {
    const std::scoped_lock lock(waiters_mutex_);
    waiting_ended_ = true;
    released = std::exchange(waiters_, {});
  }
  for (auto& waiter : released) waiter.call(waiter.position <= position());
}

std::shared_ptr<void> Engine::subscribe(std::function<void(Position)> call) {
  const std::scoped_lock lock(subscribers_mutex_);
  const auto id = next_subscriber_++;
  subscribers_.emplace(id, std::move(call));
  return {nullptr, [this, id](void*) {
            const std::scoped_lock inner(subscribers_mutex_);
            subscribers_.erase(id);
          }};
}

void Engine::write_snapshots(std::stop_token stop) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(snapshot_mutex_);
      if (!snapshot_due_.wait(lock, stop,
                              [this] { return position() - snapshot_position_ >= options_.snapshot_every; })) {
        return;
      }
    }
    // Its own fold from the newest snapshot on: the writer goes on meanwhile.
    const auto began = clock_.steady();
    const auto at = position();
    const auto saved = caught([&]() -> Result<void> {
      HEADGATE_TRY(const auto state, state_at(log_, snapshots_, at, stop));
      HEADGATE_TRY(const auto root, log_.root(at));
      return snapshots_.save(state, root);
    });
    if (stop.stop_requested()) return;
    if (saved) {
      observer_.snapshot_saved(at, clock_.steady() - began);
    } else {
      observer_.trouble(saved.error(), "snapshot");
    }
    const std::scoped_lock lock(snapshot_mutex_);
    snapshot_position_ = at;  // after a failure too: the next attempt comes with the next round of events
  }
}

void Engine::stop(Duration drain) {
  const std::scoped_lock once(stop_mutex_);
  if (std::exchange(stopped_, true)) return;
  const auto end = [](std::jthread& thread) {  // a start that failed has not made all of them
    thread.request_stop();
    if (thread.joinable()) thread.join();
  };
  {
    const std::scoped_lock lock(queue_mutex_);
    accepting_ = false;
  }
  dispatcher_.stop(drain);
  end(snapshot_thread_);
  {
    const std::scoped_lock lock(queue_mutex_);
    closed_ = true;
  }
  end(writer_thread_);
  end(commit_thread_);
  if (started_ && !failed_) write_stop();
  release_all();
}

void Engine::write_stop() {
  if (!decide_all({{{.command = StopEngine{}}, {}}}, clock_.now()) || !commit(take_decided())) return;
  const auto began = clock_.steady();
  const auto saved = [&]() -> Result<void> {
    HEADGATE_TRY(const auto root, log_.root(published_.next));
    return snapshots_.save(published_, root);
  }();
  if (saved) {
    observer_.snapshot_saved(published_.next, clock_.steady() - began);
  } else {
    observer_.trouble(saved.error(), "snapshot");
  }
}

}  // namespace headgate::runtime
