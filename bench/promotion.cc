// Whole promotions, durable: asked for, gates judged, approved, three hooks, a deploy, three checks.
#include <sys/resource.h>

#include <future>
#include <stdexcept>

#include "bench/engine_world.h"
#include "bench/topics.h"

namespace headgate::bench {
namespace {

struct Rate {
  double per_second = 0;
  double cpu_ms = 0;  // of the whole process, a promotion
};

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

std::string commit_of(int version) {
  return std::string(39, 'a') + static_cast<char>('0' + version);
}

// `side_by_side` targets, each promoted to v1 and v2 in turn until `total` promotions have succeeded.
Rate run_promotions(const std::filesystem::path& dir, std::size_t side_by_side, std::size_t total) {
  EngineWorld world(dir);
  std::vector<Document> documents{bench_access(), bench_environment("production")};
  for (std::size_t i = 0; i < side_by_side; ++i) {
    documents.emplace_back(bench_service("service-" + std::to_string(i), {"production"}));
  }
  world.push("c1", std::move(documents));
  for (std::size_t i = 0; i < side_by_side; ++i) {
    const auto name = "service-" + std::to_string(i);
    for (int version : {1, 2}) {
      world.run(
          ReportGate{name, commit_of(version), {}, "tests", GateStatus::passed, {{"coverage", {"91.5"}}}, {}, {}, {}});
    }
  }
  const auto submit = [&](Command command, std::string actor) {
    const bool taken =
        world.engine->submit({.command = std::move(command), .actor = std::move(actor)}, [](Result<Receipt> r) {
          if (!r) throw std::runtime_error(r.error().message);
        });
    if (!taken) throw std::runtime_error("the queue is full");
  };
  const auto ask = [&](const TargetId& target, std::uint64_t number) {
    const int version = number % 2 == 0 ? 1 : 2;
    submit(RequestPromotion{target, {"v" + std::to_string(version), commit_of(version), {}}, {}}, "person:dev");
  };
  std::promise<void> finished;
  std::size_t succeeded = 0;
  std::size_t asked = side_by_side;
  world.listener.tell([&](const Recorded<Event>& recorded) {
    if (const auto* request = std::get_if<ApprovalRequested>(&recorded.event)) {
      submit(Approve{request->promotion, request->plan_digest, {}, {}}, "person:manager");
    } else if (const auto* end = std::get_if<PromotionSucceeded>(&recorded.event)) {
      if (++succeeded == total) finished.set_value();
      if (asked++ < total) ask(end->promotion.target, end->promotion.number + 1);
    } else if (std::holds_alternative<PromotionFailed>(recorded.event)) {
      throw std::runtime_error("a promotion failed");
    }
  });
  const auto cpu_before = cpu_seconds();
  const auto seconds = seconds_of([&] {
    for (std::size_t i = 0; i < side_by_side; ++i) ask({"service-" + std::to_string(i), "production"}, 1);
    finished.get_future().wait();
  });
  return {static_cast<double>(total) / seconds, (cpu_seconds() - cpu_before) * 1e3 / static_cast<double>(total)};
}

}  // namespace

void bench_promotion(Harness& harness) {
  harness.measure("promotion/1", "promotions/s",
                  [&] { return run_promotions(harness.fresh_dir(), 1, 300).per_second; });
  harness.measure("promotion/64", "promotions/s",
                  [&] { return run_promotions(harness.fresh_dir(), 64, 6'400).per_second; });
  harness.measure("promotion-cpu", "ms", [&] { return run_promotions(harness.fresh_dir(), 64, 6'400).cpu_ms; });
}

}  // namespace headgate::bench
