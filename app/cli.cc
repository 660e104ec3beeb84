#include "app/cli.h"

#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <iostream>
#include <string_view>

#include "app/program.h"
#include "app/table.h"

namespace headgate::app {

int exit_code_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::invalid_input:
    case ErrorCode::too_large:
      return exit_usage;
    case ErrorCode::unauthenticated:
    case ErrorCode::forbidden:
      return exit_forbidden;
    case ErrorCode::not_found:
    case ErrorCode::conflict:
    case ErrorCode::corrupt:
      return exit_no;
    case ErrorCode::unavailable:
    case ErrorCode::timed_out:
    case ErrorCode::io:
      return exit_unreachable;
  }
  return exit_usage;
}

int report(const Error& error) {
  std::fprintf(stderr, "headgate: %s\n", printable_lines(error.message).c_str());
  for (const auto& field : error.fields) {
    const auto says = [&](const std::string& text) { return error.message.find(text) != std::string::npos; };
    if (says(field.found) && says(field.expected)) continue;
    std::fprintf(stderr, "  %s: found %s, expected %s\n", printable(field.pointer).c_str(),
                 printable(field.found).c_str(), printable(field.expected).c_str());
  }
  return exit_code_of(error);
}

Result<bool> confirmed(const std::string& question, bool yes) {
  if (yes) return true;
  if (!on_terminal(STDIN_FILENO)) {
    return fail(ErrorCode::invalid_input, "nobody to ask: give --yes to go on without being asked");
  }
  std::fprintf(stderr, "%s [y/N] ", printable(question).c_str());
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "yes";
}

std::string is_given(const std::string& text) {
  return text.empty() ? "an empty text was given" : "";
}

std::function<std::string(const std::string&)> is_number(std::uint64_t min, std::uint64_t max) {
  return [min, max](const std::string& text) -> std::string {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc{} && end == text.data() + text.size();
    if (whole && number >= min && number <= max) return "";
    return "'" + text + "': expected a whole number from " + std::to_string(min) + " to " + std::to_string(max);
  };
}

namespace {

int run_verb(int argc, char** argv) {
  Cli cli;
  cli.program.require_subcommand(1);
  cli.program.fallthrough();
  cli.program.get_formatter()->column_width(34);
  cli.program.footer(
      "Exit codes: 0 done, 1 the answer is no, 2 used wrongly or bad input, 3 the server is unreachable or refused,\n"
      "4 not allowed, 124 it took longer than --timeout.\n"
      "Example:\n  headgate status");
  cli.program.add_option("--server", cli.server, "URL of the server")
      ->envname("HEADGATE_SERVER")
      ->capture_default_str();
  cli.program.add_option("--token-file", cli.token_file, "file that holds the token (or HEADGATE_TOKEN holds it)");
  cli.program
      .add_option("-o,--output", cli.output, "table, wide (more columns of status, get and state), json or yaml")
      ->check(CLI::IsMember({"table", "wide", "json", "yaml"}));
  add_serve_verbs(cli);
  add_repository_verbs(cli);
  add_read_verbs(cli);
  add_write_verbs(cli);
  add_config_verbs(cli);
  add_protection_verbs(cli);
  add_rollback_verbs(cli);
  add_log_verbs(cli);
  add_backup_verbs(cli);
  add_log_repair_verb(cli);
  // No option of the program: that would answer in place of a verb that has no --version.
  char version[] = "version";
  char* version_verb[] = {argv[0], version};
  if (argc == 2 && std::string_view(argv[1]) == "--version") argv = version_verb;
  try {
    cli.program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const auto unknown = cli.program.remaining();
    if (error.get_exit_code() != 0 && cli.program.get_subcommands().empty() && !unknown.empty()) {
      return report(
          {ErrorCode::invalid_input, "there is no command '" + unknown.front() + "': see headgate --help", {}});
    }
    return cli.program.exit(error) == 0 ? exit_done : exit_usage;
  }
  return cli.run ? cli.run() : exit_usage;
}

}  // namespace

int run_program(int argc, char** argv) {
  const int code = run_verb(argc, argv);
  // For every verb: what could not be printed was not done.
  const bool printed = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (printed || code != exit_done) return code;
  return report({ErrorCode::io, "cannot write to standard output", {}});
}

}  // namespace headgate::app
