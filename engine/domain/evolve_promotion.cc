#include "engine/domain/evolve_promotion.h"

#include <algorithm>

#include "engine/domain/decide.h"
#include "engine/domain/monitors.h"
#include "engine/domain/record_size.h"
#include "engine/domain/rollout.h"

namespace headgate {

LiveStep& PromotionEvolver::step(const StepId& id) {
  if (auto* known = p.find(id.step)) return *known;
  p.steps.emplace_back().step.change().name = id.step;
  return p.steps.back();
}
void PromotionEvolver::end(Phase phase, const std::string& reason) {
  p.phase = phase;
  p.ended = meta.time;
  if (!reason.empty()) p.end_reason = reason;
}
void PromotionEvolver::operator()(const PromotionPlanned& e) {
  p.id = e.promotion;
  p.trigger = e.trigger;
  p.from = e.from;
  p.to = e.to;
  p.rules = e.rules;
  p.plan_digest = e.plan_digest;
  p.people = e.people;
  p.asked_because = e.reason;
  p.locations = e.locations;
  p.steps.reserve(e.steps);
  p.planned_at = meta.position;
  p.planned = meta.time;
}
void PromotionEvolver::operator()(const StepPlanned& e) {
  auto* known = p.find(e.id.step);
  auto& planned = (known ? *known : p.steps.emplace_back()).step;
  planned = e.step;
  if (planned->name != e.id.step) planned.change().name = e.id.step;
}
void PromotionEvolver::operator()(const PromotionStarted&) {
  p.phase = Phase::running;
  p.effects_began = meta.time;
  p.effects_began_at = meta.position;
}
void PromotionEvolver::operator()(const PromotionSucceeded&) {
  end(Phase::succeeded, {});
}
void PromotionEvolver::operator()(const PromotionFailed& e) {
  end(Phase::failed, e.reason);
}
void PromotionEvolver::operator()(const PromotionRejected& e) {
  end(Phase::rejected, e.reason);
}
void PromotionEvolver::operator()(const PromotionCancelled& e) {
  end(Phase::cancelled, e.reason);
}
void PromotionEvolver::operator()(const PromotionSuperseded& e) {
  end(Phase::superseded, e.reason);
}
void PromotionEvolver::operator()(const ApprovalRequested&) {
  p.approval_requested = true;
}
void PromotionEvolver::operator()(const ApprovalGranted& e) {
  p.approvals.push_back({meta.actor, e.team, e.comment, meta.position, meta.time, e.expires, e.exceptions, e.also,
                         e.unknown_authors, e.claims});
  std::erase_if(p.lost_approvals, [&](const LostApproval& lost) { return lost.approver == meta.actor; });
  if (p.phase == Phase::running) switch_approved(p);
}
void PromotionEvolver::operator()(const ApprovalRejected&) {}
void PromotionEvolver::operator()(const ApprovalVoided& e) {
  lose_approval(e.approver, e.reason);
}
void PromotionEvolver::operator()(const ApprovalExpired& e) {
  lose_approval(e.approver, {});
}
void PromotionEvolver::operator()(const WindowOverridden& e) {
  WindowOverride passed{meta.actor, e.reason, meta.position, e.until};
  if (e.maintenance.empty()) {
    p.window_override = std::move(passed);
  } else {
    p.maintenance_overrides[e.maintenance] = std::move(passed);
  }
}
void PromotionEvolver::operator()(const FreezeOverridden& e) {
  for (const auto& freeze : e.freezes) add_unique(p.freezes_overridden, freeze);
}
void PromotionEvolver::operator()(const PromotionAttributed& e) {
  p.attribution = Attribution{e.known, e.commits, meta.position};
  for (const auto& person : e.people) add_unique(p.people, person);
}
void PromotionEvolver::lose_approval(const std::string& approver, const std::string& reason) {
  const auto at = std::ranges::find(p.approvals, approver, &Approval::approver);
  if (at == p.approvals.end()) return;
  LostApproval lost{approver, {at->team}, cut_text(reason, LostApproval::max_reason_bytes), meta.position};
  lost.teams.insert(lost.teams.end(), at->also.begin(), at->also.end());
  p.lost_approvals.push_back(std::move(lost));
  if (p.lost_approvals.size() > LostApproval::max_kept) p.lost_approvals.erase(p.lost_approvals.begin());
  std::erase_if(p.approvals, [&](const Approval& a) { return a.approver == approver; });
}
void PromotionEvolver::operator()(const StepStarted& e) {
  auto& s = step(e.id);
  s.status = StepStatus::started;
  s.started = meta.time;
  s.unmet.clear();
  s.until.reset();
  if (s.step->kind == StepKind::pause && s.step->wait == Duration::zero()) pause_began(p, s, meta.time);
}
void PromotionEvolver::operator()(const StepWaiting& e) {
  auto& s = step(e.id);
  s.unmet = e.unmet;
  s.until = e.until;
}
void PromotionEvolver::operator()(const StepSucceeded& e) {
  auto& s = step(e.id);
  s.status = StepStatus::succeeded;
  s.ended = meta.time;
  s.due.reset();
  s.unmet.clear();
  s.until.reset();
}
void PromotionEvolver::operator()(const StepFailed& e) {
  auto& s = step(e.id);
  s.status = StepStatus::failed;
  s.ended = meta.time;
  s.reason = e.reason;
  if (s.activity != ActivityStatus::failed) s.failed_at = meta.position;
}
void PromotionEvolver::operator()(const TimerSet& e) {
  auto& s = step(e.id);
  s.due = e.due;
  s.fired = false;
  s.timer = meta.position;
  if (s.step->kind == StepKind::pause) pause_began(p, s, e.due - s.step->wait);
}
void PromotionEvolver::operator()(const TimerFired& e) {
  auto& s = step(e.id);
  s.fired = true;
  s.timer = meta.position;
}
void PromotionEvolver::operator()(const MeasurementStarted& e) {
  measurement_began(p, step(e.id), e);
}
void PromotionEvolver::operator()(const MeasurementTaken& e) {
  measurement_taken(p, step(e.id), e);
}
void PromotionEvolver::operator()(const PauseResumed& e) {
  pause_resumed(p, step(e.id));
}
void PromotionEvolver::operator()(const ActivityStarted& e) {
  auto& s = step(e.id);
  s.activity = ActivityStatus::running;
  s.attempt = e.attempt;
  s.retry_due.reset();
  s.unmet.clear();
  s.until.reset();
}
void PromotionEvolver::operator()(const ActivitySucceeded& e) {
  auto& s = step(e.id);
  s.activity = ActivityStatus::succeeded;
  s.evidence = e.evidence;
}
void PromotionEvolver::operator()(const ActivityFailed& e) {
  auto& s = step(e.id);
  s.activity = ActivityStatus::failed;
  s.failed_at = meta.position;
  s.reason = e.reason;
  s.unhealthy = e.unhealthy;
  s.evidence = e.evidence;
}
void PromotionEvolver::operator()(const ActivityRetried& e) {
  auto& s = step(e.id);
  if (s.activity == ActivityStatus::fenced) s.attempts_before = s.attempt;  // a person has asked for it
  s.activity = ActivityStatus::retrying;
  s.retry_due = e.due;
}
void PromotionEvolver::operator()(const ActivityFenced& e) {
  auto& s = step(e.id);
  if (e.attempt <= s.fenced) return;  // its outcome came late: that is no end of the attempt after it
  s.fenced = e.attempt;
  if (s.activity == ActivityStatus::running || s.activity == ActivityStatus::retrying) {
    s.activity = ActivityStatus::fenced;
    s.retry_due.reset();
  }
}
void PromotionEvolver::operator()(const RollbackStarted& e) {
  p.phase = Phase::rolling_back;
  p.rollback_began = meta.time;
  p.rollback_at = meta.position;
  p.rollback_automatic = e.automatic;
  for (auto& s : p.steps) {  // the fence of an attempt that was fenced before is no news
    if (s.step->rollback || s.activity != ActivityStatus::retrying) continue;
    s.activity = ActivityStatus::fenced;
    s.retry_due.reset();
  }
  if (p.trigger == Trigger::rollback) return;
  p.end_reason = e.reason;
  p.rollback_reason = e.reason;
}
// What was asked for has come true.
void PromotionEvolver::operator()(const RollbackSucceeded&) {
  end(p.trigger == Trigger::rollback ? Phase::succeeded : Phase::rolled_back, {});
}
void PromotionEvolver::operator()(const RollbackFailed& e) {
  end(Phase::failed, e.reason);
}
void PromotionEvolver::operator()(const PromotionRetried& e) {
  p.phase = p.rollback_began ? Phase::rolling_back : Phase::waiting;
  p.ended.reset();
  p.end_reason = p.rollback_began ? p.rollback_reason : std::string();
  auto& s = step({e.promotion, e.step});
  s.status = StepStatus::pending;
  s.activity = ActivityStatus::none;
  s.attempts_before = s.attempt;
  s.retry_due.reset();
  s.unhealthy = false;
  s.reason.clear();
  s.failed_at = 0;
  s.ended.reset();
  s.due.reset();
  s.fired = false;
  s.resumed = false;
}
void PromotionEvolver::operator()(const PromotionExpedited& e) {
  p.expedited = e.reason;
}
void PromotionEvolver::operator()(const BreakGlassUsed&) {}
void PromotionEvolver::operator()(const DowntimeMeasured& e) {
  remember_downtime(p, e, meta.position);
}

void evolve(Promotion& promotion, const Recorded<Event>& recorded) {
  std::visit(
      [&](const auto& e) {
        if constexpr (OfPromotion<std::remove_cvref_t<decltype(e)>>) {
          PromotionEvolver{promotion, recorded.meta}(e);
          promotion.last_position = recorded.meta.position;
        }
      },
      recorded.event);
}

}  // namespace headgate
