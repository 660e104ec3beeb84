// Runs one program at a time under a lock name, each under its own supervisor (supervisor.h), and returns only when
// the program and everything it started are proven gone.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/domain/error.h"
#include "engine/domain/names.h"
#include "engine/domain/time.h"
#include "reconciler/captured_output.h"
#include "reconciler/redactor.h"

namespace headgate::reconciler {

struct ProcessSpec {
  std::string lock_name;               // no two programs of one name at a time, over restarts too; any text
  std::filesystem::path program;       // absolute; a script is executed directly, by its #! line
  std::vector<std::string> arguments;  // after argv[0], which is the program's path
  StringMap environment;               // the whole environment; PATH is Headgate's own when not given
  std::filesystem::path directory;     // absolute
  Duration timeout = std::chrono::minutes(15);
  std::size_t max_output_bytes = 64 << 10;   // kept of the beginning and of the end of each stream
  std::string user;                          // empty: Headgate's own
  std::string input;                         // what standard input holds; mostly nothing
  std::shared_ptr<const Redactor> redactor;  // applied to both streams before anything is cut off
};

struct ProcessResult {
  enum class End : std::uint8_t { exited, signalled, timed_out, stopped };
  End end = End::exited;
  int exit_code = 0;  // of End::exited
  int signal = 0;     // of End::signalled
  CapturedOutput out;
  CapturedOutput err;
  std::string last_line;  // of standard output: the last that is not blank
  bool last_line_complete = true;
  std::uint32_t leftovers = 0;  // processes that outlived the program and were ended
  Duration duration{0};
  Duration timeout{0};                       // what it was given
  std::shared_ptr<const Redactor> redactor;  // of its spec, for what reads on in the output
};

struct ProcessRunnerOptions {
  std::filesystem::path lock_directory;                 // made when absent
  std::filesystem::path supervisor = "/proc/self/exe";  // a program whose verb `supervise` calls supervise()
  Duration grace = std::chrono::seconds(5);             // between SIGTERM and SIGKILL
  Duration lock_wait = std::chrono::seconds(30);        // for an earlier group that is still dying
};

class ProcessRunner {
 public:
  explicit ProcessRunner(ProcessRunnerOptions options) : options_(std::move(options)) {}
  ~ProcessRunner();

  // Blocks. Any way for the program to end is a value, also by `timeout` and by `stop`; both end the whole group.
  // Errors: unavailable (the lock stays held, or the group cannot be proven gone), not_found, forbidden or
  // invalid_input (the program cannot be started, and did not), io. Thread-safe.
  Result<ProcessResult> run(const ProcessSpec& spec, std::stop_token stop);

 private:
  Result<std::filesystem::path> lock_file(std::string_view lock_name) const;
  void bury(pid_t supervisor);

  ProcessRunnerOptions options_;
  std::mutex mutex_;
  std::vector<pid_t> unburied_;  // supervisors that outlasted our patience; waited for later
};

}  // namespace headgate::reconciler
