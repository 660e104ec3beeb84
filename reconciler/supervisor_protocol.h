// What Headgate and the supervisor it re-executes itself as say to each other. Both ends are the same binary, so the
// bytes are in native order and never stored.
//
// Descriptors that the supervisor starts with: 0 /dev/null or the child's input, 1 and 2 the pipes of the child's
// output, and these.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::reconciler {

inline constexpr int supervisor_control_fd = 3;  // read end; end of file: stop the child
inline constexpr int supervisor_report_fd = 4;   // write end; one SupervisorReport, then end of file
inline constexpr int supervisor_lock_fd = 5;     // the lock file, already locked by flock
inline constexpr int supervisor_order_fd = 6;    // a memfd with one encoded SupervisorOrder

// Numeric, so that nothing is looked up between fork and exec.
struct SupervisorIdentity {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  bool operator==(const SupervisorIdentity&) const = default;
};

struct SupervisorOrder {
  std::string program;                    // absolute path
  std::vector<std::string> argv;          // argv[0] included
  std::vector<std::string> env;           // NAME=value, the whole environment
  std::string cwd;                        // absolute path
  std::chrono::milliseconds grace{5000};  // between SIGTERM and SIGKILL
  std::optional<SupervisorIdentity> identity;
  bool operator==(const SupervisorOrder&) const = default;
};

std::string encode(const SupervisorOrder& order);
std::optional<SupervisorOrder> decode_order(std::string_view bytes);

// Where the start of the child failed.
enum class StartStep : std::uint32_t {
  none,
  order,
  proc,
  lock,
  fork,
  session,
  limits,
  user,
  directory,
  descriptors,
  exec
};
std::string_view describe(StartStep step);

struct SupervisorReport {
  static constexpr std::uint32_t magic_value = 0x48475352;
  std::uint32_t magic = magic_value;
  StartStep failed_step = StartStep::none;  // none: the program was started
  std::int32_t error_number = 0;            // errno of the failed step
  std::int32_t wait_status = 0;             // of the direct child, as wait() gives it
  std::uint32_t leftovers = 0;              // processes that outlived the direct child and were ended
  std::uint32_t ended_by_itself = 0;        // 1: the direct child ended before anybody wanted it to
};

}  // namespace headgate::reconciler
