// The host's own word on which commands of the documents may run: `commands` of the server's file.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/domain/documents.h"
#include "engine/domain/error.h"

namespace headgate::reconciler {

enum class CommandMode : std::uint8_t {
  off,         // none at all
  allowlist,   // those listed
  repository,  // any script of the environments repository; programs by absolute path must be listed
};

// A program by its absolute path (no digest), or a script by its path in the repository and the digest of its bytes.
struct AllowedCommand {
  std::string path;
  std::string sha256;  // 64 lower-case hex digits
};

struct CommandSettings {
  CommandMode mode = CommandMode::off;
  std::vector<AllowedCommand> allow;
  std::string user;                             // empty: Headgate's own
  Duration timeout = std::chrono::minutes(15);  // no command runs longer, whatever its document says
};

// What a permitted command runs with.
struct CommandPermit {
  std::string user;
  Duration timeout{0};
};

class CommandPolicy {
 public:
  // invalid_input: an entry of `allow` that can match nothing.
  static Result<CommandPolicy> make(CommandSettings settings);

  // `load` gives the bytes of the script run.blob; called only where its digest matters. forbidden: the message holds
  // the line to add to the server's file.
  Result<CommandPermit> permit(const Run& run, const std::function<Result<std::string>()>& load) const;

 private:
  explicit CommandPolicy(CommandSettings settings) : settings_(std::move(settings)) {}

  CommandSettings settings_;
};

}  // namespace headgate::reconciler
