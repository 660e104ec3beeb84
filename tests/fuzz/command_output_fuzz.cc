// Any bytes as the end of a command: its exit code from '0' on in one byte, then what it says. What is made of it: the
// kept output, the outcome with its evidence, and of that the metrics of a gate and what is observed to run.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/json_string.h"
#include "engine/base/utf8.h"
#include "reconciler/command_outcome.h"
#include "reconciler/gate_metrics.h"
#include "reconciler/target_observer.h"
#include "store/json_text.h"

namespace {

using namespace headgate;
using namespace headgate::reconciler;

constexpr std::size_t kept_bytes = 600;  // so that output of any size shows what is left out
constexpr std::size_t piece_bytes = 7;

// All of the members as {"name":value,…}.
template <class Map, class Value>
std::string object(const Map& members, Value value) {
  std::string text;
  for (const auto& [name, member] : members) {
    text += text.empty() ? "{" : ",";
    append_json_string(text, name);
    text += ":" + value(member);
  }
  return text.empty() ? "{}" : text + "}";
}

std::string in_quotes(std::string_view text) {
  std::string quoted;
  append_json_string(quoted, text);
  return quoted;
}

CapturedOutput captured(std::string_view said) {
  OutputCapture capture(kept_bytes);
  for (auto rest = said; !rest.empty(); rest.remove_prefix(std::min(piece_bytes, rest.size()))) {
    capture.append(rest.substr(0, piece_bytes));
  }
  auto kept = capture.take();
  if (kept.head.size() > kept_bytes || kept.tail.size() > kept_bytes) __builtin_trap();
  if (kept.head.size() + kept.dropped_bytes + kept.tail.size() != said.size()) __builtin_trap();
  if (!said.starts_with(kept.head) || !said.ends_with(kept.tail)) __builtin_trap();
  return kept;
}

void check_last_line(std::string_view said, const CapturedOutput::LastLine& last) {
  const auto end = said.find_last_not_of(" \t\r\n");
  said = said.substr(0, end == said.npos ? 0 : end + 1);
  if (!said.ends_with(last.text)) __builtin_trap();
  const auto line_break = said.rfind('\n');
  if (last.complete && said.substr(line_break == said.npos ? 0 : line_break + 1) != last.text) __builtin_trap();
}

// A record holds it, and what is taken from it is what it says.
void check_evidence(const std::string& evidence) {
  if (!store::is_json_object_line(evidence) || evidence.size() > max_evidence_bytes) __builtin_trap();
  const auto again = compact_json_object(evidence);
  if (!again || *again != evidence) __builtin_trap();

  const auto metrics = gate_metrics(evidence);
  if (metrics.size() > max_gate_metrics) __builtin_trap();
  for (const auto& [name, value] : metrics) {
    if (name.empty() || name.size() > 63 || !is_decimal(value.text)) __builtin_trap();
  }
  const auto numbers = object(metrics, [](const Decimal& value) { return value.text; });
  if (gate_metrics(R"({"metrics":)" + numbers + "}") != metrics) __builtin_trap();

  const auto observed = parse_observation(evidence);
  if (!observed) {
    if (observed.error().message.empty()) __builtin_trap();
    return;
  }
  if (!observed->version.empty() && !is_version(observed->version)) __builtin_trap();
  const auto same = parse_observation(R"({"version":)" + in_quotes(observed->version) + R"(,"artifacts":)" +
                                      object(observed->artifacts, in_quotes) + R"(,"variables":)" +
                                      object(observed->variables, in_quotes) + "}");
  if (!same || *same != *observed) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view said(reinterpret_cast<const char*>(data) + 1, size - 1);
  ProcessResult result;
  result.exit_code = data[0] - '0';
  result.out = result.err = captured(said);
  const auto last = result.out.last_line();
  check_last_line(said, last);
  result.last_line = last.text;
  result.last_line_complete = last.complete;

  const auto outcome = command_outcome(result);
  if (!is_utf8(outcome.reason) || outcome.reason.size() > 1024) __builtin_trap();
  const bool succeeded = outcome.kind == CommandOutcome::Kind::succeeded;
  if (succeeded != (result.exit_code == 0)) __builtin_trap();
  if ((outcome.kind == CommandOutcome::Kind::retryable) != (result.exit_code == 75)) __builtin_trap();
  // A success says why there is no evidence, and nothing else; a failure says why it is one.
  if (outcome.reason.empty() != (succeeded && !outcome.evidence_json.empty())) __builtin_trap();
  if (!outcome.evidence_json.empty()) check_evidence(outcome.evidence_json);
  return 0;
}
