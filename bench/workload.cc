#include "bench/workload.h"

#include <fmt/core.h>

#include <stdexcept>

namespace headgate::bench {
namespace {

constexpr std::size_t kServices = 500;
constexpr const char* kEnvironments[] = {"development", "staging", "production"};
constexpr StepKind kSteps[] = {StepKind::gates, StepKind::gates,  StepKind::wait,   StepKind::approval,
                               StepKind::run,   StepKind::deploy, StepKind::health, StepKind::health};
constexpr const char* kStepNames[] = {"gates",   "healthy", "wait",        "approval",
                                      "migrate", "deploy",  "health-http", "smoke"};

std::string hex_text(std::mt19937_64& random, std::size_t digits) {
  std::string text;
  while (text.size() < digits) text += fmt::format("{:016x}", random());
  text.resize(digits);
  return text;
}

}  // namespace

void Workload::push(Event event, std::string actor) {
  Recorded<Event> record;
  record.meta.position = position_++;
  time_ += Duration(random_() % 2'000'000);
  record.meta.time = time_;
  record.meta.actor = std::move(actor);
  if (position_ > 1) record.meta.cause = position_ - 2;
  record.event = std::move(event);
  ready_.push_back(std::move(record));
}

void Workload::plan_one() {
  const auto index = random_() % numbers_.size();
  const TargetId target{fmt::format("service-{:03}", index % kServices), kEnvironments[index / kServices]};
  const PromotionId promotion{target, ++numbers_[index]};
  const auto commit = hex_text(random_, 40);
  const auto person = fmt::format("person:{:06}", random_() % 200);
  const auto digest = "sha256:" + hex_text(random_, 64);
  Wish to;
  to.release = {fmt::format("v1.{}.0", promotion.number), commit, {{"image", digest}}};
  for (const char* gate : {"unit-tests", "image-scan"}) {
    push(GateReported{{target.service},
                      commit,
                      "",
                      gate,
                      GateStatus::passed,
                      {{"coverage", {"91.25"}}},
                      "https://ci.example.com/runs/" + std::to_string(position_),
                      "1204 passed",
                      "",
                      {}},
         "token:ci");
  }
  push(DesiredChanged{
      target, commit, std::nullopt, to, target.environment + "/" + target.service + ".yaml", 12, {person}});
  PromotionPlanned planned;
  planned.promotion = promotion;
  planned.to = to;
  planned.rules.file = "services/" + target.service + ".yaml";
  planned.rules.commit = commit;
  planned.steps = 8;
  planned.plan_digest = "sha256:" + hex_text(random_, 64);
  planned.people = {person};
  push(planned);
  std::vector<StepId> steps;
  for (std::size_t i = 0; i < 8; ++i) {
    Step step;
    step.name = kStepNames[i];
    step.kind = kSteps[i];
    step.line = static_cast<std::uint32_t>(20 + i);
    if (kSteps[i] == StepKind::approval) step.approvals = {{"platform", 1, 31}};
    if (kSteps[i] == StepKind::gates) step.gates = {{"unit-tests", {{"coverage", {Decimal{"80"}, {}, {}}}}, 9, {}, {}}};
    if (kSteps[i] == StepKind::deploy) step.deploys = to;
    if (kSteps[i] == StepKind::run)
      step.run = Run{{"scripts/migrate", target.service}, commit, std::chrono::minutes(5)};
    steps.push_back({promotion, kStepNames[i]});
    push(StepPlanned{steps.back(), std::move(step)});
  }
  push(ApprovalRequested{promotion, {{"platform", 1, 31}}, planned.plan_digest});
  push(ApprovalGranted{promotion,
                       "platform",
                       planned.plan_digest,
                       "checked the canary",
                       {position_ - 11},
                       time_ + std::chrono::hours(24),
                       {}},
       fmt::format("person:{:06}", random_() % 200));
  push(PromotionStarted{promotion});
  for (std::size_t i = 0; i < 8; ++i) {
    push(StepStarted{steps[i]});
    if (kSteps[i] == StepKind::run || kSteps[i] == StepKind::deploy || kSteps[i] == StepKind::health) {
      push(ActivityStarted{steps[i], 1});
      push(ActivitySucceeded{steps[i], 1, {R"({"exit":0,"seconds":"3.21","attempts":1})"}});
    }
    push(StepSucceeded{steps[i]});
  }
  push(PromotionSucceeded{promotion});
}

Recorded<Event> Workload::next() {
  if (ready_.empty()) plan_one();
  auto record = std::move(ready_.front());
  ready_.pop_front();
  return record;
}

std::vector<Recorded<Event>> Workload::next(std::size_t count) {
  std::vector<Recorded<Event>> records;
  records.reserve(count);
  while (records.size() < count) records.push_back(next());
  return records;
}

std::unique_ptr<store::RocksDbLog> filled_log(const std::filesystem::path& dir, Position count, Timestamp first) {
  const auto open = [&] {
    auto log = store::RocksDbLog::open({.dir = dir, .origin = kOrigin});
    if (!log) throw std::runtime_error(log.error().message);
    return std::move(*log);
  };
  {
    const auto log = open();
    Workload workload(first);
    while (log->size() < count) {
      const auto records = workload.next(std::min<Position>(1'000, count - log->size()));
      if (auto appended = log->append(log->size(), records); !appended)
        throw std::runtime_error(appended.error().message);
    }
    if (auto closed = log->close(); !closed) throw std::runtime_error(closed.error().message);
  }
  return open();
}

}  // namespace headgate::bench
