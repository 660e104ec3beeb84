#include "engine/runtime/writer.h"

#include <algorithm>

#include "engine/domain/gate_runs.h"

namespace headgate::runtime {
namespace {

// What follows by itself for one target ends after a few steps; a hundred times that is a bug in `advance`.
constexpr int max_advances = 1'000;

}  // namespace

void Writer::load(State state) {
  state_ = std::move(state);
  batch_.first = state_.next;
  in_vain_.clear();
  for (const auto& [id, target] : state_.targets) leftover_.insert(id);
  for (const auto& [name, service] : state_.services) {
    if (runs_gates(service)) leftover_.insert(gates_of(name));
  }
}

Recorded<Event>& Writer::record(Event&& event, Timestamp now, std::string actor, std::optional<Position> cause) {
  // Moving records costs more than their room. What one target gives may go beyond a full batch.
  if (batch_.events.empty()) batch_.events.reserve(max_batch_events + 256);
  auto& recorded = batch_.events.emplace_back();
  recorded.meta.position = state_.next;
  // Times in the log never go back, whatever the wall clock does; due times are judged by the wall clock itself.
  recorded.meta.time = state_.record_time(event, now);
  recorded.meta.actor = std::move(actor);
  recorded.meta.cause = cause;
  recorded.event = std::move(event);
  return recorded;
}

// The first answer, where a request with that key was done before.
Result<std::optional<Receipt>> Writer::repeated(const Submission& submission, const std::string& key) const {
  const auto written = state_.requests.find(key);
  const auto unwritten = unwritten_.find(key);
  const bool is_written = written != state_.requests.end();
  if (!is_written && unwritten == unwritten_.end()) return std::nullopt;
  if ((is_written ? written->second.digest : unwritten->second) != submission.request_digest) {
    return fail(ErrorCode::invalid_input, "the idempotency key was used for another request: take a new one",
                {{"Idempotency-Key", submission.idempotency_key, "a key that no other request has carried"}});
  }
  Receipt receipt;
  receipt.seen = state_.next;
  receipt.repeated = true;
  if (is_written) {
    receipt.first = written->second.first;
    receipt.last = written->second.last;
    receipt.count = static_cast<std::size_t>(receipt.last - receipt.first + 1);
  }
  return receipt;
}

void Writer::remember_unwritten(const std::string& key, const std::string& digest) {
  if (!unwritten_.emplace(key, digest).second) return;
  unwritten_order_.push_back(key);
  if (unwritten_order_.size() <= State::max_requests) return;
  unwritten_.erase(unwritten_order_.front());
  unwritten_order_.pop_front();
}

Result<Receipt> Writer::execute(const Submission& submission, Timestamp now) {
  Receipt receipt;
  receipt.seen = state_.next;
  const auto key =
      submission.idempotency_key.empty() ? std::string() : submission.actor + '\n' + submission.idempotency_key;
  if (!key.empty()) {
    HEADGATE_TRY(auto known, repeated(submission, key));
    if (known) return std::move(*known);
  }
  HEADGATE_TRY(receipt.events,
               decide(state_, submission.command,
                      {.now = now, .actor = submission.actor, .digest = digest_, .claims = submission.claims}));
  HEADGATE_CHECK(receipt.events.size() <= max_events_per_command);
  receipt.count = receipt.events.size();
  if (receipt.events.empty() && !submission.dry_run && !key.empty()) {
    remember_unwritten(key, submission.request_digest);
  }
  if (submission.dry_run || receipt.events.empty()) return receipt;

  receipt.first = state_.next;
  receipt.last = receipt.first + receipt.count - 1;
  receipt.seen = receipt.last + 1;
  std::set<TargetId> touched;
  for (const auto& event : receipt.events) {
    const bool first = state_.next == receipt.first;
    auto& recorded = record(Event(event), now, submission.actor, first ? std::nullopt : std::optional(receipt.first));
    if (first) {
      recorded.meta.idempotency_key = submission.idempotency_key;
      recorded.meta.request_digest = submission.idempotency_key.empty() ? std::string() : submission.request_digest;
    }
    evolve(state_, recorded, &touched);
  }
  settle(std::move(touched), now, receipt.last);
  return receipt;
}

void Writer::settle(std::set<TargetId> touched, Timestamp now, std::optional<Position> cause) {
  // Breadth first: what one target's progress means for others joins the queue.
  std::size_t settled = 0;
  while (!touched.empty()) {
    if (settled++ >= immediate_targets || full()) {
      put_off(touched);
      return;
    }
    const auto target = *touched.begin();
    touched.erase(touched.begin());
    leftover_.erase(target);
    advance_target(target, now, cause, touched);
  }
}

void Writer::advance_target(const TargetId& target, Timestamp now, std::optional<Position> cause,
                            std::set<TargetId>& touched) {
  batch_.changed.insert(target);
  const Context context{.now = now, .digest = digest_};
  std::set<TargetId> also;
  for (int round = 0;; ++round) {
    HEADGATE_CHECK(round < max_advances);
    auto events = advance(state_, target, context);
    if (events.empty()) break;
    for (auto& event : events) evolve(state_, record(std::move(event), now, "engine", cause), &also);
    cause = batch_.events.back().meta.position;
    if (std::holds_alternative<StepWaiting>(batch_.events.back().event)) break;  // everything has been judged
  }
  also.erase(target);  // it has been advanced already
  touched.merge(also);
}

void Writer::advance_due(Timestamp now) {
  std::erase_if(in_vain_, [&](const Wakeup& wakeup) { return wakeup.first > now || !wakes(wakeup); });
  while (!full()) {
    const auto wakeups = due(now);
    if (wakeups.empty()) break;
    for (const auto& wakeup : wakeups) {
      std::set<TargetId> touched;
      advance_target(wakeup.second, now, std::nullopt, touched);
      put_off(touched);
      if (wakes(wakeup)) in_vain_.insert(wakeup);
    }
  }
  for (std::size_t i = 0; i < leftover_targets && !leftover_.empty() && !full(); ++i) {
    const auto target = *leftover_.begin();
    leftover_.erase(leftover_.begin());
    std::set<TargetId> touched;
    advance_target(target, now, std::nullopt, touched);
    put_off(touched);
  }
}

void Writer::put_off(std::set<TargetId>& touched) {
  if (leftover_.empty()) {  // of a configuration: all targets at once
    leftover_.swap(touched);
  } else {
    leftover_.merge(touched);
  }
}

bool Writer::has_work(Timestamp now) const {
  return !leftover_.empty() || (next_wakeup() && *next_wakeup() <= now);
}

std::optional<Timestamp> Writer::next_wakeup() const {
  std::optional<Timestamp> next;
  for (const auto* wakeups : {&state_.wakeups, &state_.flow_wakeups}) {
    const auto first = std::ranges::find_if(*wakeups, [&](const Wakeup& w) { return !in_vain_.contains(w); });
    if (first != wakeups->end() && (!next || first->first < *next)) next = first->first;
  }
  return next;
}

bool Writer::wakes(const Wakeup& wakeup) const {
  return state_.wakeups.contains(wakeup) || state_.flow_wakeups.contains(wakeup);
}

std::vector<Writer::Wakeup> Writer::due(Timestamp now) const {
  std::vector<Wakeup> all;
  for (const auto* wakeups : {&state_.wakeups, &state_.flow_wakeups}) {
    for (auto at = wakeups->begin(); at != wakeups->end() && at->first <= now && all.size() < leftover_targets; ++at) {
      if (!in_vain_.contains(*at)) all.push_back(*at);
    }
  }
  return all;
}

Batch Writer::take_batch() {
  auto batch = std::exchange(batch_, {});
  batch_.first = state_.next;
  return batch;
}

}  // namespace headgate::runtime
