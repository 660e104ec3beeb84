// headgate_bench [GLOB] --out FILE: measures the rows whose names match, and puts them into the summary.
#include <fmt/core.h>

#include <cstring>
#include <exception>

#include "bench/harness.h"
#include "bench/topics.h"
#include "reconciler/supervisor.h"

int main(int argc, char** argv) {
  // What the server starts for its commands.
  if (argc > 1 && std::strcmp(argv[1], "supervise") == 0) return headgate::reconciler::supervise(argc, argv);
  using namespace headgate::bench;
  std::string glob = "*";
  std::string out = "summary.json";
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--out") == 0 && i + 1 < argc) {
      out = argv[++i];
    } else if (argv[i][0] != '-') {
      glob = argv[i];
    } else {
      fmt::print(stderr, "usage: headgate_bench [GLOB] --out FILE\n");
      return 2;
    }
  }
  try {
    Harness harness(glob, out);
    bench_codec(harness);
    bench_append(harness);
    bench_fold(harness);
    bench_audit_page(harness);
    bench_storage(harness);
    bench_documents(harness);
    bench_decide(harness);
    bench_promotion(harness);
    bench_push_to_plan(harness);
    bench_poll(harness);
    bench_command_http(harness);
    bench_http_read(harness);
    bench_sse(harness);
    bench_history(harness);
    bench_rollback(harness);
    harness.write();
    return 0;
  } catch (const std::exception& failure) {
    fmt::print(stderr, "headgate_bench: {}\n", failure.what());
    return 1;
  }
}
