// What an event does to the promotion that it belongs to; what that means for its target and for others is evolve.cc's.
#pragma once

#include <string>

#include "engine/domain/state.h"

namespace headgate {

struct PromotionEvolver {
  Promotion& p;
  const Meta& meta;

  void operator()(const PromotionPlanned& e);
  void operator()(const StepPlanned& e);
  void operator()(const PromotionStarted&);
  void operator()(const PromotionSucceeded&);
  void operator()(const PromotionFailed& e);
  void operator()(const PromotionRejected& e);
  void operator()(const PromotionCancelled& e);
  void operator()(const PromotionSuperseded& e);
  void operator()(const ApprovalRequested&);
  void operator()(const ApprovalGranted& e);
  void operator()(const ApprovalRejected&);
  void operator()(const ApprovalVoided& e);
  void operator()(const ApprovalExpired& e);
  void operator()(const WindowOverridden& e);
  void operator()(const FreezeOverridden& e);
  void operator()(const PromotionAttributed& e);
  void operator()(const StepStarted& e);
  void operator()(const StepWaiting& e);
  void operator()(const StepSucceeded& e);
  void operator()(const StepFailed& e);
  void operator()(const TimerSet& e);
  void operator()(const TimerFired& e);
  void operator()(const MeasurementStarted& e);
  void operator()(const MeasurementTaken& e);
  void operator()(const PauseResumed& e);
  void operator()(const ActivityStarted& e);
  void operator()(const ActivitySucceeded& e);
  void operator()(const ActivityFailed& e);
  void operator()(const ActivityRetried& e);
  void operator()(const ActivityFenced& e);
  void operator()(const RollbackStarted& e);
  void operator()(const RollbackSucceeded&);
  void operator()(const RollbackFailed& e);
  void operator()(const PromotionRetried& e);
  void operator()(const PromotionExpedited& e);
  void operator()(const BreakGlassUsed&);
  void operator()(const DowntimeMeasured& e);

 private:
  LiveStep& step(const StepId& id);
  void end(Phase phase, const std::string& reason);
  void lose_approval(const std::string& approver, const std::string& reason);
};

template <class E>
concept OfPromotion = requires(PromotionEvolver evolver, const E& e) {
  evolver(e);
};

}  // namespace headgate
