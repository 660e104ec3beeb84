// Events as a small installation writes them, for tests of logs: few names, so that filters meet.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "engine/ports/event_log.h"

namespace headgate::store {

inline constexpr Timestamp kLogBegin = Timestamp{} + std::chrono::seconds(1'795'186'800);

inline Event some_event(std::mt19937_64& random) {
  static const std::vector<std::string> services{"gateway", "ledger", "web"};
  static const std::vector<std::string> environments{"staging", "production"};
  const PromotionId promotion{{services[random() % 3], environments[random() % 2]}, 1 + random() % 3};
  switch (random() % 10) {
    case 0:
      return PromotionStarted{promotion};
    case 1:
      return PromotionSucceeded{promotion};
    case 2:
      return PromotionFailed{promotion, "its check failed"};
    case 3:
      return RollbackStarted{promotion, "its check failed", true, std::nullopt};
    case 4:
      return RollbackSucceeded{promotion, std::chrono::seconds(3)};
    case 5:
      return StepStarted{{promotion, "deploy"}};
    case 6:
      return GateReported{
          {promotion.target.service}, "9f3c1a", "", "unit-tests", GateStatus::passed, {}, "", "", "", {}};
    case 7:
      return DriftDetected{promotion.target, "v1", "v2"};
    case 8:
      return EngineStarted{"0.1.0"};
    default:
      return ReleaseReinstated{{promotion.target.service, "v1"}, "it was not its fault"};
  }
}

// `count` events from position `next` on; several share a moment, others are up to a second apart.
inline std::vector<Recorded<Event>> some_events(std::mt19937_64& random, Position next, Timestamp after,
                                                std::size_t count) {
  static const std::vector<std::string> actors{"engine", "person:k3v9q2", "token:p9x1"};
  std::vector<Recorded<Event>> events;
  for (std::size_t i = 0; i < count; ++i) {
    if (random() % 3 != 0) after += Duration(random() % 1'000'000);
    Recorded<Event> record;
    record.meta.position = next + i;
    record.meta.time = after;
    record.meta.actor = actors[random() % actors.size()];
    record.event = some_event(random);
    events.push_back(std::move(record));
  }
  return events;
}

}  // namespace headgate::store
