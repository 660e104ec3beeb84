#include "examples/greeter/agent_protocol.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "examples/greeter/options.h"
#include "examples/greeter/posix.h"

namespace greeter {

std::string encode(const Fields& fields) {
  std::string text;
  for (const auto& [key, value] : fields) {
    if (value.find('\n') != std::string::npos) throw UsageError(key + " holds a line break");
    text += key + " " + value + "\n";
  }
  return text;
}

Fields decode(std::string_view text) {
  Fields fields;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    const auto space = line.find(' ');
    if (!line.empty()) {
      fields[std::string(line.substr(0, space))] =
          space == std::string_view::npos ? std::string() : std::string(line.substr(space + 1));
    }
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return fields;
}

std::string json_text(std::string_view s) {
  std::string text = "\"";
  for (const char c : s) {
    if (c == '"' || c == '\\') {
      text += '\\';
      text += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      text += ' ';
    } else {
      text += c;
    }
  }
  return text + "\"";
}

std::string read_all(int fd, std::size_t max_bytes, int timeout_ms) {
  const auto deadline = SteadyClock::now() + milliseconds(timeout_ms);
  std::string text;
  std::array<char, 4096> chunk{};
  while (wait_readable(fd, deadline)) {
    const auto size = ::recv(fd, chunk.data(), chunk.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return {};
    if (size == 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(size));
    if (text.size() > max_bytes) return {};
  }
  return {};
}

}  // namespace greeter
