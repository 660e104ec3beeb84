#include "tests/sim/flow_oracle.h"

#include <algorithm>

namespace headgate::sim {

void FlowOracle::see(const Recorded<Event>& record, Duration elapsed) {
  elapsed_ = elapsed;
  by_engine_ = record.meta.actor == "engine";
  std::visit([this](const auto& e) { handle(e); }, record.event);
}

void FlowOracle::handle(const ConfigurationAccepted& e) {
  for (const auto& [commit, event] : staged_) {
    if (commit == e.commit) take_force(event);
  }
  staged_.clear();
}

void FlowOracle::take_force(const Event& staged) {
  if (const auto* removed = std::get_if<DocumentRemoved>(&staged)) {
    if (removed->kind == DocumentKind::service) services_.erase(removed->document);
    if (removed->kind != DocumentKind::target) return;
    const auto dot = removed->document.find('.');
    auto& place = places_[{removed->document.substr(0, dot), removed->document.substr(dot + 1)}];
    place.retiring = place.on_delete == OnDelete::retire;
    return;
  }
  const auto& document = std::get<DocumentAccepted>(staged).document;
  if (const auto* service = std::get_if<Service>(&document)) {
    services_[service->name] = *service;
    // Its source is the same one under another name.
    const auto known = observed_[service->formerly];
    auto& seen = observed_[service->name];
    seen.insert(seen.end(), known.begin(), known.end());
  }
  if (const auto* place = std::get_if<Environment>(&document)) environments_[place->name] = *place;
  if (const auto* target = std::get_if<Target>(&document)) {
    places_[target->id].on_delete = target->on_delete;
    places_[target->id].retiring = false;
  }
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
  if (e.skipped.empty() && e.queued) place.queue.emplace_back(e.trigger, e.to);
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
  if (!there.runs || !there.runs->release.same_candidate(e.to.release))
    return violated(name + " brings what does not run there");
  if (std::ranges::none_of(there.verified, [&](const Release& r) { return r.same_candidate(e.to.release); })) {
    violated(name + " brings what was only adopted there");
  }
  if (elapsed_ - there.since < rule->soak) violated(name + " fired before the soak was over");
  if (there.drifted || locations_.drifted({e.target.service, rule->after}) || there.incidents > 0)
    violated(name + " fired in spite of drift or an incident");
}

void FlowOracle::handle(const TriggerDropped& e) {
  auto& queue = places_[e.target].queue;
  if (!queue.empty() && queue.front().second.release == e.release) queue.pop_front();
}

void FlowOracle::handle(const TargetRetired& e) {
  places_[e.target].queue.clear();
  places_[e.target].retiring = false;
}

void FlowOracle::handle(const TargetRenamed& e) {
  for (const auto& [other, course] : courses_) {
    if (other.target == e.from)
      violated(to_string(e.from) + " was renamed while " + to_string(other) + " was under way");
  }
  auto known = std::exchange(places_[e.from], {});
  auto& place = places_[e.target];
  known.on_delete = place.on_delete;
  known.retiring = place.retiring;
  known.incidents += place.incidents;
  place = std::move(known);
  // What a target of the old name is, if there is one again, begins anew.
  decltype(fired_) fired;
  for (const auto& [id, rule, upto] : fired_) fired.insert({id == e.from ? e.target : id, rule, upto});
  fired_ = std::move(fired);
}

void FlowOracle::handle(const PromotionPlanned& e) {
  const auto& id = e.promotion;
  for (const auto& [other, course] : courses_) {
    if (other.target == id.target)
      violated(to_string(id) + " was planned while " + to_string(other) + " was under way");
  }
  Course course;
  course.to = e.to;
  courses_[id] = std::move(course);
  auto& place = places_[id.target];
  const auto before = std::exchange(place.planned, e.to);
  const bool again = place.withdrawn == e.to;
  if (again) place.withdrawn.reset();
  if (e.trigger == Trigger::manual || e.trigger == Trigger::rollback || e.trigger == Trigger::drift) return;
  if (place.queue.empty() || place.retiring) return;
  const auto& [by, first] = place.queue.front();
  // First sight: where something else runs, what comes first waits for a person; what the document wishes may not.
  const bool at_first_sight = e.trigger == Trigger::desired && locations_.unknown(id.target, first);
  if (by == e.trigger && first == e.to) {  // first of all: the same may be wished again after a promotion of it ended
    place.queue.pop_front();
  } else if (before != e.to && !again && !at_first_sight) {  // else the same under another policy
    violated(to_string(id) + " jumps the queue: release " + first.release.version + " comes first");
  }
}

void FlowOracle::handle(const StepPlanned& e) {
  auto& course = courses_[e.id.promotion];
  course.deploys |= !e.step->rollback && e.step->kind == StepKind::deploy;
  course.in_locations |= !e.step->location.empty();
}

void FlowOracle::handle(const RollbackStarted& e) {
  auto& course = courses_[e.promotion];
  course.back = true;
  course.back_to = e.to;
}

void FlowOracle::ended(const PromotionId& id) {
  auto course = courses_.extract(id);
  if (course.empty()) return;
  course.mapped().begun = false;
  kept_.insert_or_assign(id, std::move(course.mapped()));
}

// A wish that waits under the target's new name for its turn has it there once more.
void FlowOracle::handle(const PromotionSuperseded& e) {
  if (e.reason.find(" is called ") != std::string::npos) {
    places_[e.promotion.target].withdrawn = courses_[e.promotion].to;
  }
  ended(e.promotion);
}

void FlowOracle::handle(const PromotionCancelled& e) {
  if (by_engine_) places_[e.promotion.target].withdrawn = courses_[e.promotion].to;
  ended(e.promotion);
}

void FlowOracle::runs(const TargetId& id, const std::optional<Wish>& wish, bool verified) {
  auto& place = places_[id];
  place.runs = wish;
  place.since = elapsed_;
  place.drifted = false;
  if (wish && verified) place.verified.push_back(wish->release);
}

void FlowOracle::ended_in_locations(const TargetId& id, bool anew) {
  const auto whole = locations_.whole(id);
  if (whole && (anew || *whole != places_[id].runs)) runs(id, *whole, true);
}

void FlowOracle::handle(const TargetAdopted& e) {
  if (locations_.of(e.target.environment).empty() || places_[e.target].runs != e.wish) runs(e.target, e.wish, false);
}

void FlowOracle::handle(const RollbackSucceeded& e) {
  const auto& course = courses_[e.promotion];
  if (course.in_locations) {
    ended_in_locations(e.promotion.target, places_[e.promotion.target].runs != course.to);
  } else {
    runs(e.promotion.target, course.back_to, true);
  }
  ended(e.promotion);
}

void FlowOracle::handle(const PromotionSucceeded& e) {
  const auto& course = courses_[e.promotion];
  if (course.in_locations) {
    ended_in_locations(e.promotion.target, false);
  } else {
    runs(e.promotion.target, course.deploys ? std::optional(course.to) : std::nullopt, true);
  }
  ended(e.promotion);
}

void FlowOracle::begins(const PromotionId& id) {
  const auto at = courses_.find(id);
  if (at == courses_.end()) return;
  if (!at->second.begun && !at->second.back) first_effect(id);
  at->second.begun = true;
}

void FlowOracle::first_effect(const PromotionId& id) {
  std::vector<PromotionId> others;
  for (const auto& [other, course] : courses_) {
    if (other != id && course.begun && other.target.environment == id.target.environment) others.push_back(other);
  }
  const auto* policy = stage(id.target);
  if (!policy) return;  // it goes on under a name that is gone, or under its own policy
  const auto place = environments_.find(id.target.environment);
  const auto bound = [&](const std::optional<ConcurrencyRule>& rule) {
    if (rule && others.size() >= rule->max) {
      violated(to_string(id) + " began although " + to_string(others.front()) + " and others held all places");
    }
  };
  if (place != environments_.end()) bound(place->second.max_concurrent);
  bound(policy->max_concurrent);
  if (!courses_[id].deploys) return;
  for (const auto& dependency : services_[id.target.service].depends_on) {
    const TargetId first{dependency.service, id.target.environment};
    for (const auto& [other, course] : courses_) {
      if (other.target == first) violated(to_string(id) + " began before " + to_string(other) + " was done");
    }
  }
}

}  // namespace headgate::sim
