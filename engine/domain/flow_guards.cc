// Who must be done before a promotion begins.
#include <algorithm>

#include "engine/domain/flow.h"
#include "engine/domain/locations.h"
#include "engine/domain/promote.h"
#include "engine/domain/renames.h"

namespace headgate {
namespace {

// Whether it is only to be seen yet what runs there.
bool is_new(const State& state, const TargetId& id, const TargetState& target) {
  if (target.current || !state.stage(id) || state.renamed_from.contains(id)) return false;
  const auto locations = locations_of(state, id);
  if (locations.empty()) return !target.observed;
  return std::ranges::any_of(locations, [&](const Location& location) {
    return !location.standby && !at_location(target, location.name).observed;
  });
}

// What the target would be promoted to next, when nothing but the order of events stands between.
bool will_be_planned(const State& state, const TargetId& id, const TargetState& target) {
  if (!state.stage(id) || target.orphaned || target.retiring || !target.held.empty()) return false;
  if (target.document && target.document->document.suspend) return false;
  if (target.flow && !target.flow->wishes.empty()) {
    return is_new(state, id, target) || !unknown_at_first_sight(state, id, target.flow->wishes.front().to);
  }
  if (!target.document) return false;
  const auto& document = target.document->document;
  const auto wish = resolve_wish(state, id, document.release, document.variables);
  return wish && target.current != *wish && (is_new(state, id, target) || explain_idle(state, id).empty());
}

}  // namespace

std::vector<Condition> judge_concurrency(const State& state, const Promotion& p, Timestamp) {
  std::vector<Condition> all;
  const auto& id = p.id.target;
  const auto environment = state.environments.find(id.environment);
  const auto* stage = state.stage(id);
  const bool limited = environment != state.environments.end() && environment->second.document.max_concurrent;
  if (!limited && (!stage || !stage->max_concurrent)) return all;

  std::vector<const Promotion*> others;
  const auto add = [&](const TargetId& at) {
    const auto* other = state.find(at);
    if (at.service != id.service && other && other->promotion) others.push_back(&*other->promotion);
  };
  if (const auto under_way = state.under_way.find(id.environment); under_way != state.under_way.end()) {
    for (const auto& service : under_way->second) add({service, id.environment});
  }
  for (const auto& [from, to] : state.renamed_to) {  // what is finished under an old name first
    if (to.environment != id.environment || from.environment == id.environment) continue;
    const auto under_way = state.under_way.find(from.environment);
    if (under_way != state.under_way.end() && under_way->second.contains(from.service)) add(from);
  }
  const auto judge = [&](const ConcurrencyRule& rule, std::string whose, std::string file, std::string commit) {
    Condition c;
    c.guard = "concurrency";
    c.file = std::move(file);
    c.line = rule.line;
    c.commit = std::move(commit);
    c.met = others.size() < rule.max;
    c.text = whose + " allows " + std::to_string(rule.max) + " under way at once in " + id.environment;
    if (c.met) {
      c.text += ": there is room";
    } else {
      c.text += ", and the place is held by ";
      for (std::size_t i = 0; i < others.size() && i < 8; ++i) {
        c.text += (i == 0 ? "" : ", ") + to_string(others[i]->id);
        c.events.push_back(others[i]->planned_at);
      }
      if (others.size() > 8) c.text += " and " + std::to_string(others.size() - 8) + " more";
      c.remedy = "wait until " + std::string(others.size() == 1 ? "it" : "one of them") + " has ended (headgate wait " +
                 to_string(others.front()->id) + "), or raise maxConcurrent";
    }
    all.push_back(std::move(c));
  };
  if (limited) {
    const auto& [document, source, commit, since] = environment->second;
    judge(*document.max_concurrent, "environment " + document.name, source.file, commit);
  }
  if (stage && stage->max_concurrent) {
    const auto& [document, source, commit, since] = *state.services.find(id.service)->second.document;
    judge(*stage->max_concurrent, "the stage " + to_string(id), source.file, commit);
  }
  return all;
}

std::vector<Condition> judge_depends_on(const State& state, const Promotion& p, Timestamp) {
  std::vector<Condition> all;
  const auto owner = state.services.find(p.id.target.service);
  if (owner == state.services.end() || !owner->second.document || p.retires()) return all;
  const auto& [service, source, commit, since] = *owner->second.document;
  for (const auto& dependency : service.depends_on) {
    const TargetId called{dependency.service, called_now(state, p.id.target).environment};
    const auto& id = called_before(state, called);
    const auto* there = state.find(id);
    if (!there) continue;
    Condition c;
    c.guard = "dependsOn";
    c.file = source.file;
    c.line = dependency.line;
    c.commit = commit;
    c.met = false;
    if (there->promotion) {
      c.text = "promoted after " + id.service + ": " + to_string(there->promotion->id) + " is under way";
      c.remedy = "see what it waits for: headgate explain " + to_string(there->promotion->id);
      c.events = {there->promotion->planned_at};
    } else if (will_be_planned(state, id, *there)) {
      c.text = "promoted after " + id.service + ", which will be promoted in " + id.environment;
      c.remedy = "wait: headgate get targets --environment " + id.environment + " shows what it waits for";
    } else {
      c.met = true;
      c.text = "promoted after " + id.service + ", of which nothing is under way in " + id.environment;
    }
    all.push_back(std::move(c));
  }
  return all;
}

}  // namespace headgate
