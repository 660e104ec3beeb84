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
  ++asked_;
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

void World::take(std::vector<std::string> violations) {
  for (const auto& what : violations) fail(what);
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
  location_oracle_.see(*read_back);
  take(location_oracle_.take_violations());
  oracle_.see(*read_back, elapsed_);
  take(oracle_.take_violations());
  governance_oracle_.see(*read_back);
  take(governance_oracle_.take_violations());
  rollout_oracle_.see(*read_back, elapsed_);
  take(rollout_oracle_.take_violations());
  flow_oracle_.see(*read_back, elapsed_);
  take(flow_oracle_.take_violations());
  if (const auto* renamed = std::get_if<TargetRenamed>(&read_back->event)) moves(*renamed);
  evolve(folded_, *read_back);
  evolve(restored_, *read_back);
}

void World::moves(const TargetRenamed& e) {
  for (auto at = really_.lower_bound({e.from, {}}); at != really_.end() && at->first.first == e.from;) {
    really_[{e.target, at->first.second}] = std::move(at->second);
    at = really_.erase(at);
  }
}

void World::compare_states() {
  if (folded_ != writer_->state()) fail("the state kept live is not the fold of the log");
  compare_locations();
  if (chance(0.05)) take_snapshot();
}

void World::compare_restored() {
  if (restored_ != folded_) fail("the fold of the log is not that of a snapshot and the tail");
}

void World::take_snapshot() {
  in_the_middle("snapshot");
  compare_restored();
  const auto bytes = store::to_snapshot_bytes(writer_->state());
  State loaded;
  if (const auto read = store::from_snapshot_bytes(bytes, loaded); !read) return fail(read.error().message);
  restored_ = std::move(loaded);
  if (restored_ != writer_->state()) fail("a snapshot holds another state than was saved");
}

void World::compare_locations() {
  for (const auto& [id, target] : writer_->state().targets) {
    for (const auto& [name, there] : target.locations) {
      const auto& runs = location_oracle_.runs(id, name);
      if (there.current == runs) continue;
      const auto version = [](const std::optional<Wish>& wish) {
        return wish ? wish->release.version : std::string("nothing");
      };
      fail("location " + name + " of " + to_string(id) + " runs " + version(runs) + ", and the state says " +
           version(there.current));
    }
  }
}

// Promise 3: whatever is under way has something that will move it on, or says what it waits for.
void World::look_for_the_stuck() {
  const auto& state = writer_->state();
  std::set<TargetId> live;
  std::set<std::pair<Timestamp, TargetId>> wakeups;
  std::set<std::pair<Timestamp, TargetId>> flow_wakeups;
  std::map<std::string, std::set<std::string>, std::less<>> under_way;
  for (const auto& [name, service] : state.services) {
    if (service.runs.wakeup) flow_wakeups.insert({*service.runs.wakeup, gates_of(name)});
  }
  for (const auto& [id, target] : state.targets) {
    if (target.flow && target.flow->due) flow_wakeups.insert({*target.flow->due, id});
    if (!target.promotion) continue;
    live.insert(id);
    const auto& p = *target.promotion;
    if (p.phase != Phase::waiting) under_way[id.environment].insert(id.service);
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
  if (under_way != state.under_way) fail("the list of what has begun is wrong");
  for (const auto* all : {&state.wakeups, &state.flow_wakeups}) {
    if (all->empty() || all->begin()->first > now_) continue;
    fail(to_string(all->begin()->second) + " is due for ever, since " + format_timestamp(all->begin()->first));
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

void World::in_the_middle(const std::string& what) {
  for (const auto& id : folded_.active) {
    const auto& p = *folded_.find(id)->promotion;
    const auto* step = p.current();
    if (!step) continue;
    ++seen_[what + " in a step of kind " + std::string(name_of(step->step->kind))];
    if (p.phase == Phase::rolling_back) ++seen_[what + " in a rollback"];
    if (!step->step->location.empty() && p.phase != Phase::waiting) ++seen_[what + " between locations"];
    if (!p.measuring.empty()) ++seen_[what + " in a measurement"];
  }
}

// `folded_` was folded record by record, as each was appended.
void World::fold_anew() {
  State state;
  const auto folded = log_.fold(0, log_.size(), [&](const Recorded<Event>& record) { evolve(state, record); });
  if (!folded) fail("the log cannot be folded: " + folded.error().message);
  if (state != folded_) fail("the log folded anew is another state than before");
}

void World::restart() {
  in_the_middle("restart");
  compare_restored();
  auto state = chance(0.5) ? restored_ : folded_;  // the start uses a snapshot, or there is none
  if (pending_effects(state) != pending_effects(folded_))
    fail("other activities are to be taken up than were going on");
  writer_ = std::make_unique<runtime::Writer>(&test::test_digest);
  writer_->load(std::move(state));
  // What ran outside may be gone, or may go on and answer.
  for (auto& running : outside_) {
    if (chance(0.3)) running.answered = true;
  }
  std::erase_if(outside_, [](const Running& r) { return r.answered; });
  dispatch();
}

std::optional<Duration> World::until_next() const {
  const auto wakeup = writer_->next_wakeup();
  if (!wakeup) return std::nullopt;
  return std::max<Duration>(*wakeup - now_, Duration::zero());
}

void World::pass(Duration elapsed) {
  ++asked_;
  const auto end = elapsed_ + elapsed;
  while (const auto until = until_next()) {
    if (elapsed_ + *until > end) break;
    elapsed_ += *until;
    now_ += *until;
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

std::optional<Activity> World::some_activity() {
  std::erase_if(outside_, [](const Running& r) { return r.answered; });
  if (outside_.empty()) return std::nullopt;
  auto& running = outside_[chance(0.85) ? outside_.size() - 1 : below(outside_.size())];
  running.answered = !chance(0.05);  // it answers twice
  return running.activity;
}

void World::end(const Activity& activity, const Outcome& outcome) {
  const auto& target = activity.id.promotion.target;
  const auto pending = pending_effect(writer_->state(), target);
  const bool counts = pending && *pending == activity;
  // What failed may have done it all the same.
  if (counts && (outcome.kind == Outcome::Kind::succeeded || chance(0.2))) takes_place(target, activity.step);
  submit(CompleteActivity{activity.id, activity.attempt, outcome}, "engine");
}

void World::takes_place(const TargetId& target, const Step& step) {
  auto& there = really_[{target, step.location}];
  auto& place = step.slot.empty() ? there.runs : there.slots[step.slot];
  if (step.kind == StepKind::deploy) {
    place = {step.deploys->release.version, step.deploys->release.artifacts};
    if (there.slot.empty()) there.slot = step.slot;
  } else if (step.kind == StepKind::retire) {
    place = {};
    if (step.slot.empty()) there.slots.clear();
  } else if (step.kind == StepKind::traffic) {
    const auto other = step.slot == slot_names[0] ? slot_names[1] : slot_names[0];
    there.slot = *step.weight >= 50 ? step.slot : std::string(other);
  }
  if (!step.slot.empty()) there.runs = there.slots[there.slot];
}

Observation World::runs(const TargetId& target, const std::string& location) const {
  const auto at = really_.find({target, location});
  return at == really_.end() ? Observation{} : at->second.runs;
}

void World::finish() {
  crash_probability = 0;
  restart();
  compare_states();
  fold_anew();
}

}  // namespace headgate::sim
