// Commands decided, evolved and advanced in memory, with 10,000 services of five environments in the state.
#include <random>
#include <stdexcept>

#include "bench/engine_world.h"
#include "bench/topics.h"
#include "engine/runtime/writer.h"

namespace headgate::bench {
namespace {

constexpr std::size_t services = 10'000;
const std::vector<std::string> environments{"development", "integration", "staging", "preview", "production"};

void execute(runtime::Writer& writer, Command command, Timestamp now) {
  const auto receipt = writer.execute({.command = std::move(command), .actor = "token:ci"}, now);
  if (!receipt) throw std::runtime_error(receipt.error().message);
}

void fill(runtime::Writer& writer, Timestamp now) {
  StageDocuments stage{"c1", {}, {}};
  const auto put = [&](Document document) {
    stage.accepted.push_back({{"file.yaml", 1, "blob"}, std::move(document)});
    if (stage.accepted.size() < 200) return;
    execute(writer, stage, now);
    writer.take_batch();
    stage.accepted.clear();
  };
  put(bench_access());
  for (const auto& environment : environments) put(bench_environment(environment));
  for (std::size_t i = 0; i < services; ++i) {
    const auto name = "service-" + std::to_string(i);
    put(bench_service(name, environments));
    for (const auto& environment : environments) {
      put(Target{{name, environment}, {"v1", std::string(40, 'a'), {}}, {{"replicas", "3"}}, false});
    }
  }
  execute(writer, stage, now);
  execute(writer, AcceptConfiguration{"environments", "c1"}, now);
  for (writer.take_batch(); writer.has_work(now); writer.take_batch()) writer.advance_due(now);
  for (std::size_t i = 0; i < services; ++i) {
    for (const auto& environment : environments) {
      execute(writer, RecordObservation{{"service-" + std::to_string(i), environment}, {"v1", {}}}, now);
      if (writer.full()) writer.take_batch();
    }
  }
  writer.take_batch();
}

}  // namespace

void bench_decide(Harness& harness) {
  if (!harness.wants("decide")) return;
  RealClock clock;
  runtime::Writer writer(digest_of);
  writer.load({});
  fill(writer, clock.now());
  std::mt19937_64 random(1);
  harness.measure("decide", "commands/s", [&] {
    constexpr std::size_t count = 200'000;
    std::vector<Command> commands;
    commands.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      const auto name = "service-" + std::to_string(random() % services);
      const auto commit =
          std::string(38, 'b') + static_cast<char>('a' + random() % 6) + static_cast<char>('0' + random() % 10);
      commands.emplace_back(
          ReportGate{name, commit, {}, "tests", GateStatus::passed, {{"coverage", {"91.5"}}}, {}, {}, {}});
    }
    const auto now = clock.now();
    const auto seconds = seconds_of([&] {
      for (auto& command : commands) {
        execute(writer, std::move(command), now);
        if (writer.full()) writer.take_batch();
      }
    });
    writer.take_batch();
    return count / seconds;
  });
}

}  // namespace headgate::bench
