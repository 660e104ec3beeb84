// What evolve remembers of triggers.
#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/domain/flow.h"
#include "engine/domain/rollback.h"

namespace headgate {
namespace {

constexpr std::size_t max_fulfilled = 16;  // like the ways back

FlowState& flow_of(TargetState& target) {
  return target.flow ? *target.flow : target.flow.emplace();
}

void remember_ref(std::vector<SourceRef>& refs, SourceRef ref) {
  refs.push_back(std::move(ref));
  if (refs.size() > SourceState::max_refs) refs.erase(refs.begin());
}

void remember_tree(SourceState& source, const std::string& commit, const std::string& tree) {
  if (commit.empty()) return;
  const auto [at, fresh] = source.trees.insert_or_assign(commit, tree);
  if (fresh) source.tree_order.push_back(commit);
  if (source.tree_order.size() <= SourceState::max_trees) return;
  source.trees.erase(source.tree_order.front());
  source.tree_order.pop_front();
}

std::uint64_t followed_upto(const TargetState& target, std::string_view rule) {
  if (!target.flow) return 0;
  const auto& followed = target.flow->followed;
  const auto at = std::ranges::find(followed, rule, &FollowedRule::rule);
  return at == followed.end() ? 0 : at->upto;
}

std::uint64_t seconds_of(Timestamp time) {
  return static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count());
}

std::optional<Timestamp> due_of(const State& state, const TargetId& id, const TargetState& target,
                                const StageTrigger& trigger) {
  const auto upto = followed_upto(target, rule_text(trigger));
  if (trigger.kind == Trigger::after) {
    const auto* there = state.find({id.service, trigger.after});
    if (!there || !soaks(state, id.service, *there) || there->brought_at <= upto) return std::nullopt;
    return there->current_since + state.stepped + trigger.soak;
  }
  if (trigger.kind != Trigger::schedule || !target.flow) return std::nullopt;
  const auto& flow = *target.flow;
  if (flow.schedule != trigger.schedule) return std::nullopt;
  const auto next = std::ranges::find_if(flow.times, [&](Timestamp time) { return seconds_of(time) > upto; });
  return next == flow.times.end() ? std::nullopt : std::optional(*next);
}

}  // namespace

void remember_source(SourceState& source, const SourceObserved& event, Position position) {
  if (source.repository != event.repository) source = {};
  source.repository = event.repository;
  remember_tree(source, event.commit, event.tree);
  remember_tree(source, event.head, event.tree);
  if (!event.branch.empty()) {
    remember_ref(source.branches, {event.branch, event.commit, event.head, event.tree, position});
  }
  if (!event.tag.empty()) remember_ref(source.tags, {event.tag, event.commit, event.head, event.tree, position});
}

void remember_fired(TargetState& target, const TriggerFired& event, Position position) {
  auto& flow = flow_of(target);
  if (event.trigger != Trigger::desired) {
    const auto at = std::ranges::find(flow.followed, event.rule, &FollowedRule::rule);
    if (at != flow.followed.end()) {
      at->upto = event.upto;
    } else {
      flow.followed.push_back({event.rule, event.upto});
    }
  }
  if (!event.skipped.empty()) return;
  // What is not queued is replaced by what is newer.
  std::erase_if(flow.wishes, [](const TriggeredWish& wish) { return !wish.queued; });
  flow.wishes.push_back({event.to, event.trigger, event.rule, event.reason, event.queued, position});
  if (event.trigger == Trigger::desired) flow.wishes.back().people = std::exchange(target.desired_people, {});
  flow.failed.reset();
}

void remember_dropped(TargetState& target, const TriggerDropped& event, Position position) {
  if (!target.flow || std::as_const(target.flow)->wishes.empty()) return;
  auto& flow = *target.flow;
  flow.dropped = DroppedWish{event.release, event.reason, position};
  // What failed while it was wished is as far behind it as what failed before.
  if (flow.failed && std::as_const(flow.failed)->planned_at < flow.wishes.front().position) flow.failed.reset();
  auto people = std::move(flow.wishes.front().people);
  const bool runs = target.current == std::as_const(flow.wishes).front().to;
  flow.wishes.erase(flow.wishes.begin());
  if (runs) return remember_fulfilled(target, people);
  // The document's next wish came on top of it.
  const auto next = std::ranges::find(flow.wishes, Trigger::desired, &TriggeredWish::trigger);
  auto& theirs = next == flow.wishes.end() ? target.desired_people : next->people;
  for (const auto& person : people) add_unique(theirs, person);
}

void remember_turn(TargetState& target, bool had_its_turn) {
  const bool in_line = target.flow && !std::as_const(target.flow)->wishes.empty();
  const bool is_next = in_line && target.current == std::as_const(target.flow)->wishes.front().to;
  if (is_next || had_its_turn) remember_fulfilled(target);
  if (is_next) remember_fulfilled(target, target.flow->wishes.front().people);
}

void remember_runs(TargetState& target, const Wish& wish) {
  auto& all = target.back.fulfilled;
  auto& left = target.back.left;
  if (std::ranges::find(left, wish, &FulfilledWish::wish) != left.end()) {  // forward again, with what came before it
    do {
      all.push_back(std::move(left.back()));
      left.pop_back();
    } while (all.back().wish != wish);
  } else if (all.empty() || all.back().wish != wish) {
    all.push_back({wish, {}});
  }
  while (all.size() > max_fulfilled) {
    for (const auto& person : all[0].people) add_unique(all[1].people, person);
    all.erase(all.begin());
  }
}

void remember_fulfilled(TargetState& target, std::vector<std::string>& people) {
  if (auto& all = target.back.fulfilled; !all.empty()) {
    for (const auto& person : people) add_unique(all.back().people, person);
  }
  people.clear();
}

void remember_fulfilled(TargetState& target) {
  remember_fulfilled(target, target.people);
  for (auto& wish : target.back.left) remember_fulfilled(target, wish.people);
  target.back.left.clear();
}

void leave_fulfilled(TargetState& target, const std::optional<Wish>& to) {
  auto& all = target.back.fulfilled;
  auto& left = target.back.left;
  if (std::ranges::find(left, to, &FulfilledWish::wish) != left.end()) return;  // forward again, once it runs
  while (!all.empty() && all.back().wish != to) {
    left.push_back(std::move(all.back()));
    all.pop_back();
  }
  while (left.size() > max_fulfilled) {
    for (const auto& person : left.front().people) add_unique(target.people, person);
    left.erase(left.begin());
  }
}

void wish_again(TargetState& target, const Promotion& p) {
  if (!target.flow || !std::as_const(target.flow)->planned) return;
  const auto wish = *std::as_const(target.flow)->planned;
  if (wish.trigger != p.trigger || wish.to != p.to) return;
  auto& wishes = target.flow->wishes;
  if (wish.queued || wishes.empty()) wishes.insert(wishes.begin(), wish);
}

void remember_schedule(TargetState& target, const ScheduleExpanded& event) {
  auto& flow = flow_of(target);
  flow.schedule = event.schedule;
  flow.schedule_until = event.until;
  flow.times = event.times;
}

void remember_planned(TargetState& target, const PromotionPlanned& event) {
  if (event.trigger == Trigger::drift) return;  // it brings back what runs by the wish before
  const auto are_planned = [&](const std::vector<std::string>& people) {
    for (const auto& person : people) add_unique(target.people, person);
  };
  if (event.trigger == Trigger::desired && target.desired == event.to) {
    are_planned(target.desired_people);
    target.desired_people.clear();
  }
  if (!target.flow) return;
  auto& flow = *target.flow;
  flow.failed.reset();
  const auto is = [&](const TriggeredWish& wish) { return wish.trigger == event.trigger && wish.to == event.to; };
  const bool replanned = flow.planned && is(*std::as_const(flow.planned));
  // Only the first has its turn: what is planned anew under another policy may be wished once more behind others. In
  // logs of old, one that waited for its turn once more (wish_again) was passed over.
  auto first = flow.wishes.begin();
  const bool waits_again = first != flow.wishes.end() && flow.planned && *first == *std::as_const(flow.planned);
  if (waits_again && !is(*first)) ++first;
  if (first != flow.wishes.end() && is(*first)) {
    for (auto wish = flow.wishes.begin(); wish <= first; ++wish) are_planned(wish->people);
    flow.planned = std::move(*first);
    flow.wishes.erase(flow.wishes.begin(), std::next(first));
    return;
  }
  if (!replanned) flow.planned.reset();
  if (event.trigger == Trigger::desired || event.trigger == Trigger::manual) {
    std::erase_if(flow.wishes, [](const TriggeredWish& wish) { return !wish.queued; });
  }
}

void remember_not_promoted(TargetState& target, const FailedAttempt& failed) {
  if (follows_a_trigger(failed.trigger)) flow_of(target).failed = failed;
}

bool soaks(const State& state, const std::string& service, const TargetState& there) {
  return there.current && !there.drifted && there.open_incidents == 0 && last_verified(there, there.current->release) &&
         !state.quarantine(service, there.current->release);
}

std::uint64_t followed_upto(const TargetState& target, const StageTrigger& trigger) {
  return followed_upto(target, rule_text(trigger));
}

void reckon_flow(State& state, const TargetId& id) {
  const auto at = state.targets.find(id);
  if (at != state.targets.end()) reckon_flow(state, id, at->second);
}

void reckon_flow(State& state, const TargetId& id, TargetState& target) {
  std::optional<Timestamp> due;
  const auto* stage = state.stage(id);
  // A target that gets another name: its triggers wait until what is under way has ended, and are the new one's then.
  const bool renamed = state.renamed_from.contains(id) || state.renamed_to.contains(id);
  if (stage && !target.orphaned && !target.retiring && !renamed) {
    for (const auto& trigger : stage->triggers) {
      const auto next = due_of(state, id, target, trigger);
      if (next && (!due || *next < *due)) due = next;
    }
  }
  if (due == (target.flow ? std::as_const(target.flow)->due : std::nullopt)) return;
  auto& flow = flow_of(target);
  if (flow.due) state.flow_wakeups.erase({*flow.due, id});
  if (due) state.flow_wakeups.insert({*due, id});
  flow.due = due;
}

std::vector<TargetId> in_line_at(const State& state, const std::string& environment) {
  std::vector<TargetId> all;
  for (const auto& id : state.in_line) {
    if (id.environment == environment) all.push_back(id);
  }
  return all;
}

}  // namespace headgate
