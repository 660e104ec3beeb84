// Triggers: from a commit, a tag, a soak or a schedule to a wish, and from the wish to a promotion.
#include "engine/domain/flow.h"

#include <algorithm>
#include <ranges>

#include "engine/base/glob.h"
#include "engine/domain/locations.h"
#include "engine/domain/promote.h"
#include "engine/domain/record_size.h"
#include "engine/domain/rollback.h"

namespace headgate {
namespace {

using Events = std::vector<Event>;

const std::string* tree_of(const SourceState& source, const std::string& commit) {
  const auto at = source.trees.find(commit);
  return at == source.trees.end() ? nullptr : &at->second;
}

// Whether releases of the service are more than commits: then they are registered from outside.
bool has_artifacts(const State& state, const std::string& name, const ServiceState& service) {
  const auto named = [](const auto& entry) { return !entry.second.release.artifacts.empty(); };
  if (std::ranges::any_of(service.releases, named)) return true;
  return std::ranges::any_of(service.environments, [&](const std::string& environment) {
    const auto* target = state.find({name, environment});
    return target && target->document && !target->document->document.release.artifacts.empty();
  });
}

struct Triggers {
  const State& state;
  const TargetId& id;
  const TargetState& target;
  const ServiceState& service;
  const Stage& stage;
  const Context& context;

  bool keeps_order() const { return stage.supersede == Supersede::queue; }
  const FlowState* flow() const { return target.flow ? &*target.flow : nullptr; }

  // --------------------------------------------------------------------------------------------------------- firing

  // Whether it is what the branch or tag stands at, or the same under the service's paths.
  bool bears(const RegisteredRelease& registered, const SourceRef& ref) const {
    const auto& commit = registered.release.commit;
    if (commit.empty()) return false;
    const auto* tree = tree_of(*service.source, commit);
    return commit == ref.commit || commit == ref.head || (tree && *tree == ref.tree);
  }
  // Of what the branch or tag stands at: the newest, the one that bears the tag's name before others.
  const RegisteredRelease* release_of(const SourceRef& ref) const {
    const RegisteredRelease* found = nullptr;
    for (const auto& [version, registered] : service.releases) {
      if (!bears(registered, ref)) continue;
      if (version == ref.name) return &registered;
      if (!found || found->position < registered.position) found = &registered;
    }
    return found;
  }
  // When the release was wished last: registered, or come to by what a stage of the service follows. A commit that
  // reverts others makes the release before them the newest one again.
  Position wished_at(const RegisteredRelease& registered) const {
    auto position = registered.position;
    const auto* document = state.service(id.service);
    if (!service.source || !document) return position;
    for (const auto& followed : document->stages) {
      for (const auto& trigger : followed.triggers) {
        const bool tag = trigger.kind == Trigger::tag;
        if (!tag && trigger.kind != Trigger::branch) continue;
        for (const auto& ref : tag ? service.source->tags : service.source->branches) {
          const bool is_mine = tag ? matches_pattern(trigger.tag, ref.name) : ref.name == trigger.branch;
          if (is_mine && bears(registered, ref)) position = std::max(position, ref.position);
        }
      }
    }
    return position;
  }
  // A tag gives its commit a version of its own.
  std::optional<ReleaseRegistered> registration_of(const SourceRef& ref, Trigger kind) const {
    if (has_artifacts(state, id.service, service)) return std::nullopt;
    const bool named = kind == Trigger::tag && is_version(ref.name);
    const ReleaseId release{id.service, named ? ref.name : ref.commit.substr(0, 12)};
    if (state.release(release)) return std::nullopt;  // of another commit: the version is taken
    ReleaseRegistered registered{release, ref.commit, {}, {}, {}};
    if (kind == Trigger::tag) registered.tags = {ref.name};
    if (kind == Trigger::branch) registered.branch = ref.name;
    return registered;
  }

  StringMap variables() const {
    if (target.document) return target.document->document.variables;
    return target.current ? target.current->variables : StringMap{};
  }

  // Why the release brings nothing that does not run there; empty when it does.
  std::string runs_already(const Release& release) const {
    if (!target.current) return {};
    const auto& runs = target.current->release;
    if (runs.same_candidate(release)) return "it runs already";
    if (!service.source || release.artifacts != runs.artifacts) return {};
    const auto* before = tree_of(*service.source, runs.commit);
    const auto* now = tree_of(*service.source, release.commit);
    return before && now && *before == *now ? "nothing under the service's paths differs from what runs" : "";
  }
  // Whether a trigger has wished something that has not come yet, or has failed to: what it wishes next ends that, also
  // where it is what runs.
  bool wishes_more() const {
    if (target.promotion && follows_a_trigger(target.promotion->trigger)) return true;
    return flow() && (!flow()->wishes.empty() || flow()->failed);
  }
  // Why the release is no wish although its trigger fired; empty when it is one.
  std::string skipped(const Release& release, Trigger kind) const {
    const bool queued = flow() && !flow()->wishes.empty();
    if (kind == Trigger::schedule || !wishes_more()) {  // a schedule takes nothing back
      if (auto why = runs_already(release); !why.empty()) return why;
    }
    if (!queued && target.promotion && target.promotion->to.release == release) {
      return to_string(target.promotion->id) + " brings it already";
    }
    if (std::ranges::any_of(target.back.barred, [&](const Release& left) { return left.same_candidate(release); })) {
      return "release " + release.version + " was left by hand";
    }
    if (queued && flow()->wishes.back().to.release == release) return "it is wished already";
    const Wish wish{release, variables()};
    if (target.document && target.desired == wish && unknown_at_first_sight(state, id, wish)) {
      return "its Target document wishes it, and waits for what runs there to be known";
    }
    if (queued && flow()->wishes.size() >= FlowState::max_wishes) return "too many releases wait for their turn";
    return {};
  }

  TriggerFired fired(const StageTrigger& trigger, std::uint64_t upto, Release release, std::string reason) const {
    TriggerFired event;
    event.target = id;
    event.trigger = trigger.kind;
    event.rule = rule_text(trigger);
    event.upto = upto;
    event.skipped = skipped(release, trigger.kind);
    event.to = {std::move(release), variables()};
    event.reason = std::move(reason);
    event.queued = keeps_order();
    return event;
  }

  Events fire_ref(const StageTrigger& trigger) const {
    if (!service.source) return {};
    const bool tag = trigger.kind == Trigger::tag;
    const auto& refs = tag ? service.source->tags : service.source->branches;
    const auto upto = followed_upto(target, trigger);
    const auto is_mine = [&](const SourceRef& ref) {
      return ref.position > upto && (tag ? matches_pattern(trigger.tag, ref.name) : ref.name == trigger.branch);
    };
    // In order, where order is kept; what was there before the trigger was is not waited for.
    if (keeps_order() && upto > 0) {
      for (const auto& ref : refs) {
        if (!is_mine(ref)) continue;
        if (auto events = fire(trigger, ref); !events.empty()) return events;
      }
      return {};
    }
    for (const auto& ref : refs | std::views::reverse) {
      if (is_mine(ref)) return fire(trigger, ref);
    }
    return {};
  }
  Events fire(const StageTrigger& trigger, const SourceRef& ref) const {
    Events events;
    Release release;
    const auto* registered = release_of(ref);
    // A tag names a release of its own where Headgate registers them.
    const bool by_another_name =
        registered && trigger.kind == Trigger::tag && registered->release.version != ref.name && is_version(ref.name);
    // The tag was put elsewhere: a release never changes, and another one was not asked for.
    if (by_another_name && state.release({id.service, ref.name})) return {};
    if (!registered || (by_another_name && registered->release.artifacts.empty())) {
      if (auto fresh = registration_of(ref, trigger.kind)) {
        if (by_another_name) fresh->commit = registered->release.commit;
        release = {fresh->id.version, fresh->commit, {}};
        if (state.was_another(id.service, release)) return {};
        events.emplace_back(std::move(*fresh));
      }
    }
    if (release.version.empty()) {
      if (!registered) return {};  // once it is registered
      release = registered->release;
    }
    if (state.quarantine(id.service, release)) return {};  // once that is lifted
    const auto reason = rule_text(trigger) + ": " + (trigger.kind == Trigger::tag ? ref.name + ", " : std::string()) +
                        "commit " + ref.commit.substr(0, 12);
    events.emplace_back(fired(trigger, ref.position, std::move(release), reason));
    return events;
  }

  // What runs by the time that a wish of now is followed.
  const Wish* comes_or_runs() const {
    if (const auto& p = target.promotion; p && p->phase == Phase::running) return &p->to;
    return target.current ? &*target.current : nullptr;
  }
  Events fire_after(const StageTrigger& trigger) const {
    const auto* there = state.find({id.service, trigger.after});
    if (!there || !soaks(state, id.service, *there) || there->brought_at <= followed_upto(target, trigger)) return {};
    if (context.now < there->current_since + state.stepped + trigger.soak) return {};
    auto event = fired(trigger, there->brought_at, there->current->release,
                       "verified in " + trigger.after +
                           (trigger.soak > Duration::zero() ? " and soaked for " + format_duration(trigger.soak) : ""));
    // A way back there is no way forward here.
    if (const auto* last = comes_or_runs(); event.skipped.empty() && last) {
      const auto* here = state.release({id.service, last->release.version});
      const auto* asked = state.release({id.service, event.to.release.version});
      if (here && asked && wished_at(*asked) < wished_at(*here)) event.skipped = "what runs is newer";
    }
    return {std::move(event)};
  }

  // What runs where the stage wants it healthy, else the newest one.
  const Release* newest() const {
    if (!stage.healthy.empty()) {
      const auto* there = state.find({id.service, stage.healthy.front()});
      return there && there->current ? &there->current->release : nullptr;
    }
    const RegisteredRelease* found = nullptr;
    for (const auto& [version, registered] : service.releases) {
      if (state.quarantine(id.service, registered.release)) continue;
      if (!found || found->position < registered.position) found = &registered;
    }
    return found ? &found->release : nullptr;
  }
  Events fire_schedule(const StageTrigger& trigger) const {
    if (!flow() || flow()->schedule != trigger.schedule) return {};
    std::optional<std::uint64_t> latest;
    for (const auto time : flow()->times) {
      if (time > context.now) break;
      latest = static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count());
    }
    if (!latest || *latest <= followed_upto(target, trigger)) return {};
    const auto* release = newest();
    auto event = fired(trigger, *latest, release ? *release : Release{}, rule_text(trigger));
    if (!release) event.skipped = "there is no release";
    return {std::move(event)};
  }

  Events fire_any() const {
    for (const auto& trigger : stage.triggers) {
      Events events;
      if (trigger.kind == Trigger::branch || trigger.kind == Trigger::tag) events = fire_ref(trigger);
      if (trigger.kind == Trigger::after) events = fire_after(trigger);
      if (trigger.kind == Trigger::schedule) events = fire_schedule(trigger);
      if (!events.empty()) return events;
    }
    return {};
  }

  // ------------------------------------------------------------------------------------------------------ following

  bool document_wishes_since(Position position) const {
    return target.desired && target.desired_at > position && !wishes_what_was_left(state, id);
  }
  // Why the wish will not be followed; empty when it will.
  std::string dropped(const TriggeredWish& wish) const {
    if (target.current == wish.to) return "it runs already";
    if (wish.trigger != Trigger::desired && target.current && target.current->variables == wish.to.variables) {
      if (auto why = runs_already(wish.to.release); !why.empty()) return why;
    }
    if (const auto* entry = state.quarantine(id.service, wish.to.release)) return "quarantined: " + entry->reason;
    if (!wish.queued && document_wishes_since(wish.position)) return "its document wishes something newer";
    const auto left = [&](const Release& release) { return release.same_candidate(wish.to.release); };
    if (std::ranges::any_of(target.back.barred, left)) return "it was left by hand";
    const auto same = [&](const StageTrigger& trigger) { return rule_text(trigger) == wish.rule; };
    if (wish.trigger != Trigger::desired && std::ranges::none_of(stage.triggers, same)) {
      return "the stage has no such trigger any more";
    }
    return {};
  }
  // Nothing begins by itself on such a target.
  bool blocked(const Wish& wish) const {
    if (!target.held.empty() || (target.document && target.document->document.suspend)) return true;
    return unknown_at_first_sight(state, id, wish);
  }
  Events plan(const Wish& wish, Trigger trigger, const std::string& reason, std::vector<std::string> people) const {
    const PromotionId next{id, target.last_number + 1};
    auto planned = plan_for(state, next, wish, way_back_from(state, id, wish), context.digest);
    if (!planned) return {};
    Events events;
    plan_events(events, next, trigger, std::move(*planned), std::move(people), reason);
    return events;
  }
  // Of what a trigger wishes: whoever may have written its variables.
  std::vector<std::string> people_of_variables(const Wish& wish) const {
    return brings_variables(target, wish) ? people_inside(target) : std::vector<std::string>{};
  }
  Events follow() const {
    if (!flow()) return {};
    if (!flow()->wishes.empty()) {
      const auto& wish = flow()->wishes.front();
      if (auto why = dropped(wish); !why.empty()) return {TriggerDropped{id, wish.to.release, cut_text(why, 1'000)}};
      if (blocked(wish.to)) return {};
      if (!target.current && target.observed && target.observed->shows(wish.to.release)) {
        return {TargetAdopted{id, wish.to, "it runs what " + wish.rule + " asks for already"},
                TriggerDropped{id, wish.to.release, "it runs already"}};
      }
      auto people = wish.trigger == Trigger::desired ? people_behind(target, wish) : people_of_variables(wish.to);
      return plan(wish.to, wish.trigger, wish.reason, std::move(people));
    }
    if (!flow()->failed) return {};
    const auto& failed = *flow()->failed;
    if (document_wishes_since(failed.planned_at) || target.current == failed.wish || blocked(failed.wish)) return {};
    if (state.quarantine(id.service, failed.wish.release)) return {};
    if (would_fail_again(state, id, failed, context.digest)) return {};
    return plan(failed.wish, failed.trigger, failed.reason, people_of_variables(failed.wish));
  }
};

// Calls use(Triggers) for a target whose stage is in force.
template <class Use>
auto with_triggers(const State& state, const TargetId& id, const Context& context, Use use)
    -> decltype(use(std::declval<const Triggers&>())) {
  const auto* target = state.find(id);
  const auto owner = state.services.find(id.service);
  const auto* stage = state.stage(id);
  if (!target || !stage || owner == state.services.end() || target->orphaned || target->retiring) return {};
  return use(Triggers{state, id, *target, owner->second, *stage, context});
}

}  // namespace

std::string rule_text(const StageTrigger& trigger) {
  switch (trigger.kind) {
    case Trigger::branch:
      return "branch " + trigger.branch;
    case Trigger::tag:
      return "tag " + trigger.tag;
    case Trigger::after:
      return "after " + trigger.after;
    case Trigger::schedule:
      return "schedule " + trigger.schedule;
    case Trigger::desired:
    case Trigger::manual:
    case Trigger::rollback:
    case Trigger::drift:
      break;
  }
  return std::string(name_of(trigger.kind));
}

bool follows_a_trigger(Trigger trigger) {
  return trigger == Trigger::branch || trigger == Trigger::tag || trigger == Trigger::after ||
         trigger == Trigger::schedule;
}

bool keeps_order(const State& state, const TargetId& id) {
  const auto* stage = state.stage(id);
  return stage && stage->supersede == Supersede::queue;
}

bool remembers_fulfilled(const State& state, const TargetId& id, const TargetState& target) {
  return !target.back.fulfilled.empty() || keeps_order(state, id);
}

std::vector<Event> fire_triggers(const State& state, const TargetId& id, const Context& context) {
  return with_triggers(state, id, context, [](const Triggers& triggers) { return triggers.fire_any(); });
}

std::vector<Event> follow_triggers(const State& state, const TargetId& id, const Context& context) {
  return with_triggers(state, id, context, [](const Triggers& triggers) { return triggers.follow(); });
}

const TriggeredWish* newer_wish(const State& state, const Promotion& promotion, bool queued) {
  const auto* target = state.find(promotion.id.target);
  if (!target || !target->flow) return nullptr;
  const auto& wishes = target->flow->wishes;
  const auto newer = std::ranges::find_if(
      wishes, [&](const TriggeredWish& wish) { return wish.queued ? queued : wish.position > promotion.planned_at; });
  return newer == wishes.end() ? nullptr : &*newer;
}

}  // namespace headgate
