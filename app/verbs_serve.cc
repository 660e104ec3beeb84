// serve, version.
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

#include "api/http_server.h"
#include "app/cli.h"
#include "app/server.h"
#include "app/system_clock.h"

namespace headgate::app {
namespace {

struct ServeOptions {
  std::string config;
  std::string data;
  std::string repository;
  std::string listen;
  std::string log_format = "json";
  bool rotate_key = false;
};

Result<ServerConfig> config_of(const ServeOptions& options) {
  ServerConfig config;
  if (!options.config.empty()) {
    HEADGATE_TRY(config, read_server_config(options.config));
  } else if (options.data.empty() || options.repository.empty()) {
    return fail(ErrorCode::invalid_input,
                "serve needs --config FILE, or for a quick start --data DIR and --repository URL");
  }
  if (!options.data.empty()) config.data = options.data;
  if (!options.repository.empty()) config.repository.url = options.repository;
  if (!options.listen.empty()) HEADGATE_TRY_VOID(parse_listen(options.listen, config));
  HEADGATE_TRY_VOID(api::check_address(config.address, config.tls.has_value()));
  config.data = std::filesystem::absolute(config.data).lexically_normal();
  HEADGATE_TRY_VOID(expect_folders_apart(config));
  if (const char* file = std::getenv("HEADGATE_SIGNING_KEY_FILE"); file != nullptr && *file != '\0') {
    config.signing_key = file;
  }
  config.rotate_key = options.rotate_key;
  return config;
}

// The usual 1,024 are for programs that still wait with select(); this one does not, and its commands get them back
// (reconciler/supervisor.cc).
void take_all_descriptors() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &files));  // without it there are fewer connections
}

int serve(const ServeOptions& options) {
  const auto config = config_of(options);
  if (!config) return report(config.error());

  take_all_descriptors();
  // Signals are taken by sigwait below, in this thread alone; a peer that hangs up is an error code, not a signal.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);

  SystemClock clock;
  Log log(options.log_format == "text" ? LogFormat::text : LogFormat::json);
  // After a refused append nothing may happen any more, least of all an orderly stop that writes.
  const auto fatal = [] { _exit(exit_unreachable); };
  auto server = Server::start(*config, clock, log, fatal);
  if (!server) {
    log.error("cannot start: " + server.error().message);
    return exit_code_of(server.error());
  }
  int signal_number = 0;
  do {
    sigwait(&signals, &signal_number);
  } while (signal_number == SIGHUP);
  log.info("stopping");
  (*server)->stop();
  log.info("stopped");
  return exit_done;
}

}  // namespace

void add_serve_verbs(Cli& cli) {
  auto* serve_verb = cli.program.add_subcommand("serve", "Run the server");
  auto options = std::make_shared<ServeOptions>();
  serve_verb->add_option("--config", options->config, "the server's file")->type_name("FILE");
  serve_verb->add_option("--data", options->data, "data directory")->type_name("DIR");
  serve_verb->add_option("--repository", options->repository, "the environments repository")->type_name("URL");
  serve_verb->add_option("--listen", options->listen, "address and port")->type_name("ADDRESS:PORT");
  serve_verb->add_option("--log-format", options->log_format, "json or text")
      ->check(CLI::IsMember({"json", "text"}))
      ->capture_default_str();
  serve_verb->add_flag("--rotate-key", options->rotate_key,
                       "sign with another key than the log's from now on; made when its file is missing");
  serve_verb->footer(
      "Example:\n  headgate serve --config headgate.yaml\n"
      "  headgate serve --data ./data --repository ./environments.git\n\n"
      "The first start writes an admin token to <data>/admin.token. SIGTERM stops in order.");
  serve_verb->callback([&cli, options] { cli.run = [options] { return serve(*options); }; });

  auto* version = cli.program.add_subcommand("version", "Print the version");
  version->footer("Example:\n  headgate version");
  version->callback([&cli] {
    cli.run = [] {
      std::printf("headgate %s\n", HEADGATE_VERSION);
      return exit_done;
    };
  });
}

}  // namespace headgate::app
