// Any bytes as the server's own file.
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "app/server_config.h"
#include "engine/base/utf8.h"

namespace {

using namespace headgate;
using namespace headgate::app;

template <class T>
void check_error(const Result<T>& result) {
  if (!result && (result.error().message.empty() || !is_utf8(result.error().message))) __builtin_trap();
}

// Where it listens, written down and read again.
void check_listen(const ServerConfig& config) {
  ServerConfig again;
  if (!parse_listen(fmt::format("[{}]:{}", config.address, config.port), again)) __builtin_trap();
  if (again.address != config.address || again.port != config.port) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  ServerConfig listens;
  if (parse_listen(text, listens)) check_listen(listens);
  const auto config = parse_server_config("headgate.yaml", text);
  check_error(config);
  if (!config) {
    if (!config.error().message.starts_with("headgate.yaml:")) __builtin_trap();
    return 0;
  }
  check_listen(*config);
  check_error(expect_folders_apart(*config));
  check_error(reconciler::CommandPolicy::make(config->commands));
  constexpr std::size_t largest_body = 64 << 20;
  const auto& limits = config->limits;
  if (limits.body_bytes == 0 || limits.body_bytes > largest_body || limits.burst == 0) __builtin_trap();
  if (config->repository.source || config->repository.poll <= Duration::zero()) __builtin_trap();
  for (const auto& source : config->sources) {
    if (!source.source || (source.branches.empty() && source.tags.empty())) __builtin_trap();
  }
  if (config->sources.size() > 64 || config->checkpoints.witnesses.size() > 16 || config->governance.size() > 16) {
    __builtin_trap();
  }
  return 0;
}
