// A small stand-in for the product's binary: the supervisor's verb, and a Headgate that can be killed.
#include <cstdio>
#include <string_view>

#include "reconciler/process_runner.h"
#include "reconciler/supervisor.h"

int main(int argc, char** argv) {
  using namespace headgate::reconciler;
  const std::string_view verb = argc > 1 ? argv[1] : "";
  if (verb == "supervise") return supervise(argc, argv);
  if (verb == "host" && argc == 6) {  // lock directory, lock name, program, working directory
    ProcessRunner runner{{.lock_directory = argv[2], .grace = std::chrono::milliseconds(200)}};
    ProcessSpec spec;
    spec.lock_name = argv[3];
    spec.program = argv[4];
    spec.directory = argv[5];
    const auto result = runner.run(spec, {});
    if (!result) std::fprintf(stderr, "%s\n", result.error().message.c_str());
    return result ? result->exit_code : 1;
  }
  return 2;
}
