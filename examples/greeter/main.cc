// greeter: a small service of several processes, and the agent that keeps it running on a machine. The quick start
// deploys it; it stands for whatever you deploy.
#include <cstdio>
#include <cstring>
#include <exception>
#include <string_view>

#include "examples/greeter/agent.h"
#include "examples/greeter/agent_client.h"
#include "examples/greeter/options.h"
#include "examples/greeter/service.h"

namespace {

using namespace greeter;

constexpr std::string_view usage =
    "greeter serve --port PORT --version VERSION [--workers N] [--pid-file FILE] [--state-dir DIR] [--broken]\n"
    "greeter host --socket PATH --state-dir DIR\n"
    "greeter ctl --socket PATH start NAME --port PORT --release FILE --artifact REFERENCE --activity ID [--workers N]\n"
    "greeter ctl --socket PATH status|stop NAME\n";

int serve(int argc, char** argv) {
  const Options options(argc, argv, 2, {"--port", "--version", "--workers", "--pid-file", "--state-dir"}, {"--broken"});
  ServiceOptions service;
  service.version = options.required("--version");
  if (!is_plain_version(service.version)) throw UsageError("'" + service.version + "' is no version");
  service.port = static_cast<std::uint16_t>(options.number("--port", 0, 65'535, 0));
  service.workers = options.number("--workers", 1, 64, service.workers);
  service.broken = options.has("--broken");
  service.pid_file = options.text("--pid-file");
  service.state_dir = options.text("--state-dir");
  if (!service.state_dir.empty()) std::filesystem::create_directories(service.state_dir);
  return run_service(service);
}

int host(int argc, char** argv) {
  const Options options(argc, argv, 2, {"--socket", "--state-dir"}, {});
  return run_agent(options.required("--socket"), options.required("--state-dir"));
}

int ctl(int argc, char** argv) {
  const Options options(argc, argv, 2, {"--socket", "--port", "--release", "--artifact", "--activity", "--workers"},
                        {});
  if (options.words().size() != 2) throw UsageError("ctl takes a verb and the name of an instance");
  Fields request{{"verb", options.words()[0]}, {"name", options.words()[1]}};
  if (request["verb"] == "start") {
    const auto release = read_release(options.required("--release"));
    request["version"] = release.at("version");
    if (release.at("health") == "broken") request["broken"] = "yes";
    request["port"] = std::to_string(options.number("--port", 1, 65'535, 0));
    request["workers"] = std::to_string(options.number("--workers", 1, 64, 2));
    request["artifact"] = options.required("--artifact");
    request["activity"] = options.required("--activity");
  }
  return ask_agent(options.required("--socket"), request);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view verb = argc > 1 ? argv[1] : "";
  try {
    if (verb == "serve") return serve(argc, argv);
    if (verb == "host") return host(argc, argv);
    if (verb == "ctl") return ctl(argc, argv);
    throw UsageError("expected serve, host or ctl");
  } catch (const UsageError& error) {
    std::fprintf(stderr, "greeter: %s\n%s", error.what(), usage.data());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "greeter: %s\n", error.what());
    return 1;
  }
}
