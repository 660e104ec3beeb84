// The slowest index's 99th percentile of a page of 50, at random places, in both orders. Two filters at once are told
// beside it: how far they search depends on how often they agree.
#include <fmt/core.h>

#include <algorithm>
#include <stdexcept>

#include "bench/topics.h"
#include "bench/workload.h"

namespace headgate::bench {
namespace {

constexpr int kPages = 400;  // of each index in each run

struct Index {
  const char* name;
  bool alone;  // one index answers
  void (*fill)(EventFilter&, std::mt19937_64&);
};

const Index kIndexes[] = {
    {"none", true, [](EventFilter&, std::mt19937_64&) {}},
    {"type", true, [](EventFilter& filter, std::mt19937_64&) { filter.type = "approval.granted"; }},
    {"type glob", true, [](EventFilter& filter, std::mt19937_64&) { filter.type = "step.*"; }},
    {"actor", true,
     [](EventFilter& filter, std::mt19937_64& random) { filter.actor = fmt::format("person:{:06}", random() % 200); }},
    {"service", true,
     [](EventFilter& filter, std::mt19937_64& random) {
       filter.service = fmt::format("service-{:03}", random() % 500);
     }},
    {"environment", true, [](EventFilter& filter, std::mt19937_64&) { filter.environment = "production"; }},
    {"target", true,
     [](EventFilter& filter, std::mt19937_64& random) {
       filter.service = fmt::format("service-{:03}", random() % 500);
       filter.environment = "staging";
     }},
    {"correlation", true,
     [](EventFilter& filter, std::mt19937_64& random) {
       filter.correlation = fmt::format("service-{:03}/production/{}", random() % 500, 1 + random() % 5);
     }},
    {"type, target", false,
     [](EventFilter& filter, std::mt19937_64& random) {
       filter.type = "promotion.*";
       filter.service = fmt::format("service-{:03}", random() % 500);
       filter.environment = "production";
     }},
    {"actor, environment", false,
     [](EventFilter& filter, std::mt19937_64& random) {
       filter.actor = fmt::format("person:{:06}", random() % 200);
       filter.environment = "production";
     }},
};

double worst_p99_ms(const store::RocksDbLog& log, std::mt19937_64& random, Timestamp first, Timestamp last, bool tell) {
  double worst = 0;
  for (const auto& index : kIndexes) {
    std::vector<double> times;
    for (int i = 0; i < kPages; ++i) {
      EventQuery query;
      index.fill(query.filter, random);
      query.descending = i % 2 == 0;
      if (i % 4 == 1) query.after = random() % log.size();
      if (i % 4 == 2) query.filter.to = first + Duration(random() % static_cast<std::uint64_t>((last - first).count()));
      times.push_back(1e3 * seconds_of([&] {
                        if (auto page = log.query(query); !page) throw std::runtime_error(page.error().message);
                      }));
    }
    const auto p99 = percentile(times, 99);
    if (tell) fmt::print(stderr, "  by {:<20} p50 {:.3f} ms, p99 {:.3f} ms\n", index.name, median(times), p99);
    if (index.alone) worst = std::max(worst, p99);
  }
  return worst;
}

}  // namespace

void bench_audit_page(Harness& harness) {
  const std::vector<std::pair<std::string, Position>> sizes{{"10k", 10'000}, {"100k", 100'000}, {"1M", 1'000'000}};
  for (const auto& [name, count] : sizes) {
    if (!harness.wants("audit-page/" + name)) continue;
    const auto log = filled_log(harness.fresh_dir(), count);
    std::mt19937_64 random(7);
    Timestamp first{};
    Timestamp last{};
    const auto time_at = [&](Position position, Timestamp& out) {
      const auto folded =
          log->fold(position, position + 1, [&](const Recorded<Event>& record) { out = record.meta.time; });
      if (!folded) throw std::runtime_error(folded.error().message);
    };
    time_at(0, first);
    time_at(count - 1, last);
    worst_p99_ms(*log, random, first, last, true);
    harness.measure("audit-page/" + name, "ms p99", [&] { return worst_p99_ms(*log, random, first, last, false); });
  }
}

}  // namespace headgate::bench
