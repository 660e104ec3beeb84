#include <cstring>

#include "app/cli.h"
#include "reconciler/supervisor.h"

int main(int argc, char** argv) {
  using namespace headgate;
  // How the one binary starts itself again as the supervisor of a child process; not for people.
  if (argc > 1 && std::strcmp(argv[1], "supervise") == 0) return reconciler::supervise(argc, argv);

  app::Cli cli;
  cli.program.require_subcommand(1);
  cli.program.fallthrough();
  cli.program.get_formatter()->column_width(34);
  cli.program.add_option("--server", cli.server, "URL of the server")
      ->envname("HEADGATE_SERVER")
      ->capture_default_str();
  cli.program.add_option("--token-file", cli.token_file, "file that holds the token (or HEADGATE_TOKEN holds it)");
  cli.program.add_option("-o,--output", cli.output, "table, wide, json or yaml")
      ->check(CLI::IsMember({"table", "wide", "json", "yaml"}));
  app::add_serve_verbs(cli);
  app::add_repository_verbs(cli);
  app::add_read_verbs(cli);
  app::add_write_verbs(cli);
  app::add_config_verbs(cli);
  app::add_protection_verbs(cli);
  app::add_rollback_verbs(cli);
  app::add_log_verbs(cli);
  app::add_backup_verbs(cli);
  app::add_log_repair_verb(cli);
  try {
    cli.program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return cli.program.exit(error) == 0 ? app::exit_done : app::exit_usage;
  }
  return cli.run ? cli.run() : app::exit_usage;
}
