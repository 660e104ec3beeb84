// The command line: each group of verbs adds itself to the program and sets what to do in `run`; run_program does it.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <string>

#include "engine/domain/error.h"

namespace headgate::app {

// Exit codes, as documented.
inline constexpr int exit_done = 0;
inline constexpr int exit_no = 1;           // the answer is no
inline constexpr int exit_usage = 2;        // used wrongly, or bad input
inline constexpr int exit_unreachable = 3;  // server unreachable or refused
inline constexpr int exit_forbidden = 4;
inline constexpr int exit_timed_out = 124;

struct Cli {
  CLI::App program{"Headgate promotes commits from development to production, and can prove what it did."};
  std::function<int()> run;  // of the verb that was given

  // What the verbs that talk to a server share.
  std::string server = "http://127.0.0.1:8420";
  std::string token_file;
  std::string output;  // table, wide, json, yaml; empty: table
};

int exit_code_of(const Error& error);
// Prints `headgate: <message>` and each field error to standard error; returns the exit code.
int report(const Error& error);
// Asks on standard error for a y, unless `yes`; invalid_input where standard input is no terminal.
Result<bool> confirmed(const std::string& question, bool yes);

// Checks of what an option or argument was given.
std::string is_given(const std::string& text);  // an empty text is an unset variable, never "not given"
std::function<std::string(const std::string&)> is_number(std::uint64_t min, std::uint64_t max);  // whole, and within

void add_serve_verbs(Cli& cli);       // serve, version
void add_repository_verbs(Cli& cli);  // init, validate
void add_diff_verb(Cli& cli);
void add_backup_verbs(Cli& cli);     // backup, effects
void add_log_verbs(Cli& cli);        // log verify, proof, checkpoint, stat
void add_log_repair_verb(Cli& cli);  // after them: log repair
void add_log_export_verb(Cli& cli, CLI::App& group);
void add_read_verbs(Cli& cli);        // status, get, events, explain, timeline, state
void add_rollback_verbs(Cli& cli);    // rollback, retry, expedite, incident, postmortem
void add_config_verbs(Cli& cli);      // config status, approve, reject
void add_protection_verbs(Cli& cli);  // resume, freeze, unfreeze, override
// promote, adopt, approve, reject, cancel, wait, gate, release, quarantine, reinstate, token, people
void add_write_verbs(Cli& cli);

}  // namespace headgate::app
