// With 10,000 services of five environments in the state, on one core and without a log: `decide` alone; `writer`,
// which also folds what was decided and looks for what follows; a configuration after which every target is planned.
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
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

std::vector<Command> some_reports(std::size_t count, std::mt19937_64& random) {
  std::vector<Command> commands;
  commands.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto name = "service-" + std::to_string(random() % services);
    const auto commit =
        std::string(38, 'b') + static_cast<char>('a' + random() % 6) + static_cast<char>('0' + random() % 10);
    commands.emplace_back(
        ReportGate{name, commit, {}, "tests", GateStatus::passed, {{"coverage", {"91.5"}}}, {}, {}, {}});
  }
  return commands;
}

// What the program has of the machine's memory, in MiB.
double resident_mib() {
  std::size_t total = 0;
  std::size_t resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return static_cast<double>(resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) / (1 << 20);
}

// In a process of its own, so that nothing else is in it: the memory of the two states that an engine keeps
// (docs/adr/0006-two-states.md).
double memory_of_two_states() {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) throw std::runtime_error("no pipe");
  const auto child = fork();
  if (child < 0) throw std::runtime_error("no process");
  if (child == 0) {
    double mib = 0;
    {
      RealClock clock;
      const auto before = resident_mib();
      runtime::Writer writer(digest_of);
      writer.load({});
      fill(writer, clock.now());
      const State published = writer.state();
      mib = resident_mib() - before;
    }
    const bool told = write(ends[1], &mib, sizeof mib) == sizeof mib;
    _exit(told ? 0 : 1);
  }
  close(ends[1]);
  double mib = 0;
  const bool read_all = read(ends[0], &mib, sizeof mib) == sizeof mib;
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (!read_all || status != 0) throw std::runtime_error("the process that measures memory failed");
  return mib;
}

// Every target wishes another release at once. Meanwhile a gate is reported every millisecond; how long one waits is
// reckoned from the moment it was due, so that a long round delays all that came in it.
struct PlanAll {
  double targets_per_second = 0;
  double p99_ms = 0;
};
PlanAll plan_all(runtime::Writer& writer, const RealClock& clock, const std::string& version, std::mt19937_64& random) {
  StageDocuments stage{version, {}, {}};
  const auto flush = [&] {
    execute(writer, stage, clock.now());
    writer.take_batch();
    stage.accepted.clear();
  };
  for (std::size_t i = 0; i < services; ++i) {
    for (const auto& environment : environments) {
      const TargetId id{"service-" + std::to_string(i), environment};
      stage.accepted.push_back(
          {{"file.yaml", 1, "blob"}, Target{id, {version, std::string(40, 'a'), {}}, {{"replicas", "3"}}, false}});
      if (stage.accepted.size() == 200) flush();
    }
  }
  if (!stage.accepted.empty()) flush();
  auto reports = some_reports(20'000, random);
  std::size_t next = 0;
  std::vector<double> waited_ms;
  const auto begin = clock.steady();
  const auto report_what_is_due = [&] {
    const auto now = clock.steady();
    while (next < reports.size() && begin + std::chrono::milliseconds(next) <= now && !writer.full()) {
      execute(writer, std::move(reports[next]), clock.now());
      waited_ms.push_back(std::chrono::duration<double, std::milli>(clock.steady() - begin).count() -
                          static_cast<double>(next));
      ++next;
    }
  };
  execute(writer, AcceptConfiguration{"environments", version}, clock.now());
  do {
    report_what_is_due();
    writer.advance_due(clock.now());
    writer.take_batch();
  } while (writer.has_work(clock.now()));
  const auto seconds = std::chrono::duration<double>(clock.steady() - begin).count();
  report_what_is_due();
  if (writer.state().active.size() < services * environments.size()) throw std::runtime_error("not all are planned");
  return {static_cast<double>(services * environments.size()) / seconds, percentile(waited_ms, 99)};
}

}  // namespace

void bench_decide(Harness& harness) {
  if (!harness.wants_any({"decide", "writer", "plan-all", "plan-all/p99", "memory/50k"})) return;
  RealClock clock;
  harness.measure("memory/50k", "MiB", memory_of_two_states, 1);
  runtime::Writer writer(digest_of);
  writer.load({});
  fill(writer, clock.now());
  std::mt19937_64 random(1);
  constexpr std::size_t count = 200'000;
  harness.measure("decide", "commands/s", [&] {
    const auto commands = some_reports(count, random);
    const Context context{.now = clock.now(), .actor = "token:ci", .digest = digest_of};
    std::size_t events = 0;
    const auto seconds = seconds_of([&] {
      for (const auto& command : commands) events += decide(writer.state(), command, context).value().size();
    });
    if (events != count) throw std::runtime_error("not every report was one event");
    return count / seconds;
  });
  harness.measure("writer", "commands/s", [&] {
    auto commands = some_reports(count, random);
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
  if (!harness.wants_any({"plan-all", "plan-all/p99"})) return;
  std::vector<double> waited;
  int round = 1;
  harness.measure("plan-all", "targets/s", [&] {
    const auto result = plan_all(writer, clock, "v" + std::to_string(++round), random);
    waited.push_back(result.p99_ms);
    return result.targets_per_second;
  });
  harness.measure(
      "plan-all/p99", "ms", [&] { return median(waited); }, 1);
}

}  // namespace headgate::bench
