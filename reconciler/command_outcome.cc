#include "reconciler/command_outcome.h"

#include <fmt/format.h>
#include <string.h>

#include <boost/json/basic_parser_impl.hpp>
#include <set>
#include <utility>
#include <vector>

#include "engine/base/json_string.h"
#include "engine/base/utf8.h"

namespace headgate::reconciler {
namespace {

namespace json = boost::json;

constexpr std::size_t max_reason_bytes = 1024;
constexpr int exit_try_again = 75;  // EX_TEMPFAIL of sysexits.h

// Writes what the parser sees, number tokens untouched, and refuses a key that comes twice in one object.
class Compactor {
 public:
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);

  explicit Compactor(const Redactor* redactor) : redactor_(redactor) {}

  std::string take() { return std::move(out_); }
  const std::string& repeated_key() const { return repeated_key_; }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) { return open('{'); }
  bool on_object_end(std::size_t, json::error_code&) { return close('}'); }
  bool on_array_begin(json::error_code&) { return open('['); }
  bool on_array_end(std::size_t, json::error_code&) { return close(']'); }
  bool on_key_part(json::string_view part, std::size_t, json::error_code&) { return add(part); }
  bool on_key(json::string_view part, std::size_t, json::error_code& error) {
    add(part);
    separate();
    redact();
    append_json_string(out_, part_);
    out_ += ':';
    after_key_ = true;
    if (!keys_.back().insert(part_).second) {
      repeated_key_ = part_;
      error = json::error::syntax;
      return false;
    }
    part_.clear();
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, json::error_code&) { return add(part); }
  bool on_string(json::string_view part, std::size_t, json::error_code&) {
    add(part);
    separate();
    redact();
    append_json_string(out_, part_);
    part_.clear();
    return true;
  }
  bool on_number_part(json::string_view part, json::error_code&) { return add(part); }
  bool on_int64(std::int64_t, json::string_view part, json::error_code&) { return number(part); }
  bool on_uint64(std::uint64_t, json::string_view part, json::error_code&) { return number(part); }
  bool on_double(double, json::string_view part, json::error_code&) { return number(part); }
  bool on_bool(bool value, json::error_code&) { return word(value ? "true" : "false"); }
  bool on_null(json::error_code&) { return word("null"); }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  bool add(json::string_view part) {
    part_.append(part.data(), part.size());
    return true;
  }
  void separate() {
    if (!after_key_ && !out_.empty() && out_.back() != '{' && out_.back() != '[') out_ += ',';
    after_key_ = false;
  }
  bool open(char bracket) {
    separate();
    out_ += bracket;
    keys_.emplace_back();
    return true;
  }
  bool close(char bracket) {
    out_ += bracket;
    keys_.pop_back();
    return true;
  }
  bool number(json::string_view part) {
    add(part);
    separate();
    out_ += part_;
    part_.clear();
    return true;
  }
  bool word(std::string_view text) {
    separate();
    out_ += text;
    return true;
  }

  // What escapes kept from being known while the command wrote it.
  void redact() {
    if (redactor_ != nullptr) part_ = redactor_->redact(part_);
  }

  const Redactor* redactor_;
  std::string out_;
  std::string part_;  // of a token that comes in pieces
  std::vector<std::set<std::string>> keys_;
  bool after_key_ = false;
  std::string repeated_key_;
};

std::string last_words(const ProcessResult& result) {
  const auto said = result.err.last_line().text;
  return said.empty() ? std::string() : ": " + valid_utf8(said, 512);
}

std::string describe_end(const ProcessResult& result) {
  switch (result.end) {
    case ProcessResult::End::exited:
      return fmt::format("exit {}", result.exit_code);
    case ProcessResult::End::signalled: {
      const auto* name = ::sigabbrev_np(result.signal);
      return name != nullptr ? fmt::format("ended by SIG{}", name) : fmt::format("ended by signal {}", result.signal);
    }
    case ProcessResult::End::timed_out:
      return fmt::format("timed out after {}",
                         format_duration(std::chrono::floor<std::chrono::milliseconds>(result.timeout)));
    case ProcessResult::End::stopped:
      return "stopped";
  }
  return "ended in an unknown way";
}

CommandOutcome::Kind kind_of(const ProcessResult& result) {
  using Kind = CommandOutcome::Kind;
  // A stop is Headgate's own doing: what was interrupted is taken up again.
  if (result.end == ProcessResult::End::stopped) return Kind::retryable;
  if (result.end != ProcessResult::End::exited) return Kind::terminal;
  if (result.exit_code == 0) return Kind::succeeded;
  return result.exit_code == exit_try_again ? Kind::retryable : Kind::terminal;
}

}  // namespace

Result<std::string> compact_json_object(std::string_view text, const Redactor* redactor) {
  if (text.size() > max_evidence_bytes) {
    return fail(ErrorCode::too_large,
                fmt::format("it has {} bytes, expected at most {}", text.size(), max_evidence_bytes));
  }
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || text[first] != '{') {
    return fail(ErrorCode::invalid_input, "it is not a JSON object");
  }
  json::parse_options options;
  options.max_depth = 32;
  json::basic_parser<Compactor> parser{options, redactor};
  json::error_code error;
  const auto used = parser.write_some(false, text.data(), text.size(), error);
  if (!parser.handler().repeated_key().empty()) {
    return fail(ErrorCode::invalid_input,
                fmt::format("the key '{}' comes twice", valid_utf8(parser.handler().repeated_key(), 100)));
  }
  if (error) {
    return fail(ErrorCode::invalid_input, fmt::format("it is not valid JSON at byte {}: {}", used, error.message()));
  }
  if (text.find_first_not_of(" \t\r\n", used) != std::string_view::npos) {
    return fail(ErrorCode::invalid_input, fmt::format("more follows the JSON object at byte {}", used));
  }
  auto compact = parser.handler().take();
  if (compact.size() > max_evidence_bytes) {  // a control character's escape can be longer than it was
    return fail(ErrorCode::too_large, fmt::format("it has over {} bytes", max_evidence_bytes));
  }
  return compact;
}

CommandOutcome command_outcome(const ProcessResult& result) {
  CommandOutcome outcome;
  outcome.kind = kind_of(result);
  std::string no_evidence;
  if (result.last_line.empty() && result.last_line_complete) {
    no_evidence = "nothing on standard output";
  } else if (!result.last_line_complete) {
    no_evidence = "the last line is too long to be kept";
  } else if (auto evidence = compact_json_object(result.last_line, result.redactor.get())) {
    outcome.evidence_json = std::move(*evidence);
  } else {
    no_evidence = "the last line of standard output is no evidence: " + evidence.error().message;
  }
  if (outcome.kind != CommandOutcome::Kind::succeeded) {
    outcome.reason = describe_end(result) + last_words(result);
  } else {
    outcome.reason = no_evidence;
  }
  outcome.reason = valid_utf8(outcome.reason, max_reason_bytes);
  return outcome;
}

}  // namespace headgate::reconciler
