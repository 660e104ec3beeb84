// What an event does to one target: what is wished there and by whom, what was seen to run there.
#pragma once

#include "engine/domain/evolving.h"

namespace headgate {

struct TargetEvolver : Evolving {
  void operator()(const RollbackRequested& e);
  void operator()(const TriggerFired& e);
  void operator()(const TriggerDropped& e);
  void operator()(const ScheduleExpanded& e);
  void operator()(const DesiredChanged& e);
  void operator()(const TargetObserved& e);
  void operator()(const TargetAdopted& e);
  void operator()(const TargetOrphaned& e);
  void operator()(const TargetRenamed& e);
  void operator()(const TargetRetired& e);
  void operator()(const TargetPinned& e);
  void operator()(const TargetUnpinned& e);
  void operator()(const DriftDetected& e);
  void operator()(const DriftResolved& e);

 private:
  void forget_wishes(const TargetId& id);
};

template <class E>
concept OfTarget = requires(TargetEvolver evolver, const E& e) {
  evolver(e);
};

}  // namespace headgate
