#include "tests/sim/world.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "engine/domain/gate_runs.h"
#include "store/codec.h"
#include "store/snapshot_archive.h"
#include "tests/domain/fixture.h"

namespace headgate::sim {
namespace {

constexpr std::size_t max_outside = 64;

// Longer than any limit, of characters of three bytes.
std::string long_reason(std::size_t offset) {
  std::string text(offset, 'x');
  while (text.size() < 5'000) text += "€";
  return text;
}

}  // namespace

World::World(std::uint64_t seed)
    : random(seed),
      print_(std::getenv("HEADGATE_SIM_PRINT") != nullptr),
      writer_(std::make_unique<runtime::Writer>(&test::test_digest)) {
  while (submit(CreateLog{"sim.example.com", "key"}, "engine") == Answer::none) {
  }
}

void World::fail(const std::string& what) {
  if (failures_.size() < 20) failures_.push_back("position " + std::to_string(log_.size()) + ": " + what);
}

World::Answer World::submit(const Command& command, const std::string& actor, const std::string& idempotency_key) {
  const std::string digest = idempotency_key.empty() ? "" : "sha256:" + idempotency_key;
  const auto receipt = writer_->execute({command, actor, idempotency_key, digest, false}, now_);
  if (at_once_) return receipt ? Answer::accepted : Answer::refused;
  const bool written = append();
  settle();
  return !written ? Answer::none : receipt ? Answer::accepted : Answer::refused;
}

// Left-over work and due timers, until there are none.
void World::settle() {
  for (int round = 0; writer_->has_work(now_); ++round) {
    if (round > 1'000) return fail("there is always more to do: advance never comes to rest");
    writer_->advance_due(now_);
    append();
  }
  look_for_the_stuck();
}

bool World::append() {
  const auto batch = writer_->take_batch();
  if (batch.events.empty()) return true;
  if (chance(crash_probability)) {
    restart();
    return false;
  }
  if (const auto appended = log_.append(batch.first, batch.events); !appended) {
    fail("the log refused: " + appended.error().message);
    return false;
  }
  const auto stored = log_.read(batch.first, batch.events.size());
  for (std::size_t i = 0; i < batch.events.size(); ++i) look_at(batch.events[i], (*stored)[i]);
  compare_states();
  dispatch();
  if (chance(crash_probability)) restart();
  return true;
}

void World::look_at(const Recorded<Event>& decided, const StoredRecord& stored) {
  const auto read_back = store::decode(stored.bytes);
  if (!read_back) return fail("a record cannot be read: " + read_back.error().message);
  if (*read_back != decided) fail("a record reads otherwise than it was written: " + stored.bytes);
  ++seen_[std::string(type_name(read_back->event))];
  if (print_) std::cout << stored.bytes << '\n';
  const auto& meta = read_back->meta;
  if (!meta.idempotency_key.empty() && !requests_.insert(meta.actor + '\n' + meta.idempotency_key).second) {
    fail("a request was carried out twice: " + meta.idempotency_key);
  }
  oracle_.see(*read_back, elapsed_);
  for (; told_ < oracle_.violations().size(); ++told_) fail(oracle_.violations()[told_]);
  governance_oracle_.see(*read_back);
  for (const auto& what : governance_oracle_.take_violations()) fail(what);
  rollout_oracle_.see(*read_back, elapsed_);
  for (const auto& what : rollout_oracle_.take_violations()) fail(what);
  evolve(folded_, *read_back);
  evolve(restored_, *read_back);
}

void World::compare_states() {
  if (folded_ != writer_->state()) fail("the state kept live is not the fold of the log");
  if (restored_ != writer_->state()) fail("the state kept live is not that of a snapshot and the tail");
  if (!chance(0.05)) return;
  const auto bytes = store::to_snapshot_bytes(writer_->state());
  State loaded;
  if (const auto read = store::from_snapshot_bytes(bytes, loaded); !read) return fail(read.error().message);
  restored_ = std::move(loaded);
  if (restored_ != writer_->state()) fail("a snapshot holds another state than was saved");
}

// Promise 3: whatever is under way has something that will move it on, or says what it waits for.
void World::look_for_the_stuck() {
  const auto& state = writer_->state();
  std::set<TargetId> live;
  std::set<std::pair<Timestamp, TargetId>> wakeups;
  std::set<std::pair<Timestamp, TargetId>> flow_wakeups;
  for (const auto& [name, service] : state.services) {
    if (service.runs.wakeup) flow_wakeups.insert({*service.runs.wakeup, gates_of(name)});
  }
  for (const auto& [id, target] : state.targets) {
    if (target.flow && target.flow->due) flow_wakeups.insert({*target.flow->due, id});
    if (!target.promotion) continue;
    live.insert(id);
    const auto& p = *target.promotion;
    const auto due = p.next_due(state.effects_paused.has_value());
    if (due) wakeups.insert({*due, id});
    const auto* step = p.current();
    const bool waits_for_something = step && p.phase != Phase::rolling_back && !step->unmet.empty();
    if (!due && !pending_effect(state, id) && !waits_for_something && !state.effects_paused)
      fail(to_string(p.id) + " is stuck");
  }
  if (live != state.active) fail("the list of targets with a promotion under way is wrong");
  if (wakeups != state.wakeups) fail("the list of what is due when is wrong");
  if (flow_wakeups != state.flow_wakeups) fail("the list of what triggers and gates are due when is wrong");
  for (const auto* all : {&state.wakeups, &state.flow_wakeups}) {
    if (!all->empty() && all->begin()->first <= now_) fail(to_string(all->begin()->second) + " is due for ever");
  }
}

void World::dispatch() {
  for (auto& effect : pending_effects(writer_->state())) {
    const bool known =
        std::any_of(outside_.begin(), outside_.end(), [&](const Running& r) { return r.activity == effect; });
    if (!known) outside_.push_back({std::move(effect), false});
    if (outside_.size() > max_outside) outside_.pop_front();
  }
}

void World::restart() {
  State state;
  const auto folded = log_.fold(0, log_.size(), [&](const Recorded<Event>& record) { evolve(state, record); });
  if (!folded) fail("the log cannot be folded: " + folded.error().message);
  if (state != folded_) fail("the log folded anew is another state than before");
  if (chance(0.5)) state = restored_;  // the start uses a snapshot
  writer_ = std::make_unique<runtime::Writer>(&test::test_digest);
  writer_->load(std::move(state));
  // What ran outside may be gone, or may go on and answer.
  for (auto& running : outside_) {
    if (chance(0.3)) running.answered = true;
  }
  std::erase_if(outside_, [](const Running& r) { return r.answered; });
  dispatch();
}

void World::pass(Duration elapsed) {
  const auto end = elapsed_ + elapsed;
  while (const auto wakeup = writer_->next_wakeup()) {
    if (elapsed_ + std::max(*wakeup - now_, Duration::zero()) > end) break;
    const auto until = std::max(*wakeup - now_, Duration::zero());
    elapsed_ += until;
    now_ += until;
    settle();
  }
  now_ += end - elapsed_;
  elapsed_ = end;
  settle();
}

void World::clock_jumps(Duration delta) {
  now_ += delta;
  // The engine looks at its clocks before it takes anything else from its queue; a crash in between leaves the jump to
  // the time that Headgate was down, which counts as passed: so there is none here.
  const auto probability = std::exchange(crash_probability, 0);
  submit(StepClock{delta}, "engine");
  crash_probability = probability;
}

void World::outcome(Outcome::Kind kind) {
  if (outside_.empty()) return;
  auto& running = outside_[chance(0.7) ? outside_.size() - 1 : below(outside_.size())];
  const auto activity = running.activity;
  running.answered = true;
  const auto pending = pending_effect(writer_->state(), activity.id.promotion.target);
  const bool counts = pending && *pending == activity;
  std::string reason;
  if (kind != Outcome::Kind::succeeded) reason = chance(0.1) ? long_reason(below(3)) : "it said no";
  const CompleteActivity done{activity.id, activity.attempt, {kind, std::move(reason), {}, {}}};
  if (counts && kind == Outcome::Kind::succeeded) {
    auto& there = really_[activity.id.promotion.target];
    if (activity.step.deploys)
      there = {activity.step.deploys->release.version, activity.step.deploys->release.artifacts};
    if (activity.step.kind == StepKind::retire) there = {};
  }
  submit(done, "engine");
}

void World::answer_everything() {
  for (int round = 0; round < 10'000; ++round) {
    const auto effects = pending_effects(writer_->state());
    if (effects.empty()) return;
    for (const auto& effect : effects) {
      if (effect.step.deploys) {
        really_[effect.id.promotion.target] = {effect.step.deploys->release.version,
                                               effect.step.deploys->release.artifacts};
      }
      submit(CompleteActivity{effect.id, effect.attempt, {}}, "engine");
    }
  }
  fail("activities succeed for ever and nothing ends");
}

Observation World::runs(const TargetId& target) const {
  const auto at = really_.find(target);
  return at == really_.end() ? Observation{} : at->second;
}

void World::finish() {
  crash_probability = 0;
  restart();
  compare_states();
}

}  // namespace headgate::sim
