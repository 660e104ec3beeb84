// What the end of a command means, by the driver contract: exit 0 done, 75 (EX_TEMPFAIL) try again, anything else
// failed for good; one JSON object on the last line of standard output is the evidence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/domain/error.h"
#include "reconciler/process_runner.h"

namespace headgate::reconciler {

inline constexpr std::size_t max_evidence_bytes = 16 << 10;

struct CommandOutcome {
  enum class Kind : std::uint8_t { succeeded, retryable, terminal };
  Kind kind = Kind::terminal;
  std::string reason;         // valid UTF-8, at most 1 KiB; of a success only why there is no evidence
  std::string evidence_json;  // one compact JSON object, or empty when the command gave none that is valid
};

CommandOutcome command_outcome(const ProcessResult& result);

// One JSON object without needless white space, its numbers digit by digit as they were written. invalid_input: not
// JSON, not UTF-8, not an object, a key twice, or nested deeper than 32; too_large: over max_evidence_bytes.
// `redactor`: sees each text as it is without its escapes.
Result<std::string> compact_json_object(std::string_view text, const Redactor* redactor = nullptr);

}  // namespace headgate::reconciler
