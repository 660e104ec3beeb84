#include "examples/greeter/agent_client.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "examples/greeter/posix.h"

namespace greeter {
namespace {

constexpr int exit_try_again = 75;  // EX_TEMPFAIL
constexpr int answer_timeout_ms = 30'000;

}  // namespace

int ask_agent(const std::filesystem::path& socket, const Fields& request) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.native().size() >= sizeof address.sun_path) throw std::runtime_error(socket.string() + ": too long");
  std::ranges::copy(socket.native(), address.sun_path);
  const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) fail_errno("cannot make a socket");
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    std::fprintf(stderr, "greeter: no agent at %s\n", socket.c_str());
    return exit_try_again;
  }
  set_io_timeout(fd.get(), milliseconds(answer_timeout_ms));
  std::string answer;
  if (send_all(fd.get(), encode(request)) && ::shutdown(fd.get(), SHUT_WR) == 0) {
    answer = read_all(fd.get(), max_message_bytes, answer_timeout_ms);
  }
  if (answer.starts_with("ok ")) {
    std::fputs(answer.c_str() + 3, stdout);
    return 0;
  }
  if (answer.starts_with("error ")) {
    std::fprintf(stderr, "greeter: %s", answer.c_str() + 6);
    return 1;
  }
  std::fprintf(stderr, "greeter: the agent did not answer\n");
  return exit_try_again;
}

Fields read_release(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) throw std::runtime_error("cannot read " + file.string());
  auto fields = decode(text.str());
  const auto health = fields["health"];
  if (fields["version"].empty() || (health != "ok" && health != "broken")) {
    throw std::runtime_error(file.string() + " is no release: expected the lines 'version V' and 'health ok|broken'");
  }
  return fields;
}

}  // namespace greeter
