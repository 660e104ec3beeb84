#include "tests/sim/flow_oracle.h"

#include <algorithm>

namespace headgate::sim {

void FlowOracle::see(const Recorded<Event>& record, Duration elapsed) {
  position_ = record.meta.position;
  elapsed_ = elapsed;
  by_engine_ = record.meta.actor == "engine";
  std::visit([this](const auto& e) { handle(e); }, record.event);
}

void FlowOracle::handle(const ConfigurationAccepted& e) {
  for (const auto& [commit, document] : staged_) {
    if (commit != e.commit) continue;
    if (const auto* service = std::get_if<Service>(&document)) {
      services_[service->name] = *service;
      // Its source is the same one under another name.
      const auto known = observed_[service->formerly];
      auto& seen = observed_[service->name];
      seen.insert(seen.end(), known.begin(), known.end());
    }
    if (const auto* place = std::get_if<Environment>(&document)) environments_[place->name] = *place;
  }
  staged_.clear();
}

const Stage* FlowOracle::stage(const TargetId& id) const {
  const auto service = services_.find(id.service);
  if (service == services_.end()) return nullptr;
  for (const auto& stage : service->second.stages) {
    if (stage.environment == id.environment) return &stage;
  }
  return nullptr;
}

void FlowOracle::handle(const TriggerFired& e) {
  const auto name = to_string(e.target) + ", " + e.rule;
  auto& place = places_[e.target];
  if (e.trigger != Trigger::desired && !fired_.insert({e.target, e.rule, e.upto}).second) {
    violated(name + " fired twice for the same");
  }
  if (e.skipped.empty() && e.queued) place.queue.push_back(e.to);
  const auto* policy = stage(e.target);
  if (!policy) return violated(name + " fired and no stage leads there");
  if (e.trigger == Trigger::branch || e.trigger == Trigger::tag) {
    const auto& seen = observed_[e.target.service];
    const auto named = std::ranges::find_if(seen, [&](const SourceObserved& source) {
      return e.trigger == Trigger::branch ? "branch " + source.branch == e.rule : !source.tag.empty();
    });
    if (named == seen.end()) return violated(name + " fired and nothing of it was observed");
    const auto equal = [&](const SourceObserved& one) {
      return std::ranges::any_of(seen, [&](const SourceObserved& other) {
        return other.tree == one.tree && (other.commit == e.to.release.commit || other.head == e.to.release.commit);
      });
    };
    if (std::ranges::none_of(seen, equal)) violated(name + " fired for a commit that was never observed");
  }
  if (e.trigger != Trigger::after) return;
  const auto rule = std::ranges::find(policy->triggers, Trigger::after, &StageTrigger::kind);
  if (rule == policy->triggers.end()) return violated(name + " fired and there is no such trigger");
  const auto& there = places_[{e.target.service, rule->after}];
  if (!there.runs || !there.runs->same_candidate(e.to.release))
    return violated(name + " brings what does not run there");
  if (std::ranges::none_of(there.verified, [&](const Release& r) { return r.same_candidate(e.to.release); })) {
    violated(name + " brings what was only adopted there");
  }
  if (elapsed_ - there.since < rule->soak) violated(name + " fired before the soak was over");
  if (there.drifted || there.incidents > 0) violated(name + " fired in spite of drift or an incident");
}

void FlowOracle::handle(const TriggerDropped& e) {
  auto& queue = places_[e.target].queue;
  if (!queue.empty() && queue.front().release == e.release) queue.pop_front();
}

void FlowOracle::handle(const TargetRenamed& e) {
  for (const auto& [other, course] : courses_) {
    if (course.target == e.from)
      violated(to_string(e.from) + " was renamed while " + to_string(other) + " was under way");
  }
  places_[e.target] = std::exchange(places_[e.from], {});
  // What a target of the old name is, if there is one again, begins anew.
  decltype(fired_) fired;
  for (const auto& [id, rule, upto] : fired_) fired.insert({id == e.from ? e.target : id, rule, upto});
  fired_ = std::move(fired);
  // Its numbers go on, and the last promotion may be planned once more.
  const auto planned = planned_;
  for (const auto& [id, wish] : planned) {
    if (id.target == e.from) planned_.emplace(PromotionId{e.target, id.number}, wish);
  }
}

void FlowOracle::handle(const PromotionPlanned& e) {
  const auto& id = e.promotion;
  for (const auto& [other, course] : courses_) {
    if (course.target == id.target)
      violated(to_string(id) + " was planned while " + to_string(other) + " was under way");
  }
  courses_[id] = {id.target, false, false};
  planned_[id] = e.to;
  if (e.trigger == Trigger::manual || e.trigger == Trigger::rollback || e.trigger == Trigger::drift) return;
  auto& queue = places_[id.target].queue;
  const auto before = planned_.find({id.target, id.number - 1});
  const auto known = withdrawn_.find(id.target);
  const bool again = known != withdrawn_.end() && known->second == e.to;
  if (queue.empty()) return;
  if (queue.front() == e.to) {  // first of all: the same release may be wished again after a promotion of it ended
    queue.pop_front();
  } else if (!again && (before == planned_.end() || before->second != e.to)) {  // else the same under another policy
    violated(to_string(id) + " jumps the queue: release " + queue.front().release.version + " comes first");
  }
}

void FlowOracle::runs(const TargetId& id, const Release& release) {
  auto& place = places_[id];
  place.runs = release;
  place.since = elapsed_;
  place.at = position_;
  place.drifted = false;
}

void FlowOracle::handle(const RollbackSucceeded& e) {
  const auto at = back_to_.find(e.promotion);
  if (at != back_to_.end()) {
    places_[e.promotion.target].verified.push_back(at->second);
    runs(e.promotion.target, at->second);
  } else {
    places_[e.promotion.target].runs.reset();
  }
  ended(e.promotion);
}

void FlowOracle::handle(const PromotionSucceeded& e) {
  if (const auto planned = planned_.find(e.promotion); planned != planned_.end()) {
    places_[e.promotion.target].verified.push_back(planned->second.release);
    runs(e.promotion.target, planned->second.release);
  }
  ended(e.promotion);
}

void FlowOracle::handle(const ActivityStarted& e) {
  const auto at = courses_.find(e.id.promotion);
  if (at == courses_.end()) return;
  if (!at->second.begun && !at->second.back) first_effect(e.id.promotion);
  at->second.begun = true;
}

void FlowOracle::first_effect(const PromotionId& id) {
  std::vector<PromotionId> others;
  for (const auto& [other, course] : courses_) {
    if (other != id && course.begun && course.target.environment == id.target.environment) others.push_back(other);
  }
  const auto* policy = stage(id.target);
  const auto place = environments_.find(id.target.environment);
  const auto bound = [&](const std::optional<ConcurrencyRule>& rule) {
    if (rule && others.size() >= rule->max) {
      violated(to_string(id) + " began although " + to_string(others.front()) + " and others held all places");
    }
  };
  if (place != environments_.end()) bound(place->second.max_concurrent);
  if (policy) bound(policy->max_concurrent);
  for (const auto& dependency : services_[id.target.service].depends_on) {
    const TargetId first{dependency.service, id.target.environment};
    for (const auto& [other, course] : courses_) {
      if (course.target == first) violated(to_string(id) + " began before " + to_string(other) + " was done");
    }
  }
}

}  // namespace headgate::sim
