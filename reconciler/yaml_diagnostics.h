// The mistakes of one file, collected while it is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/documents.h"

namespace headgate::reconciler {

// Where something stands in a file: line and byte column, both from 1.
struct Place {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

class DiagnosticSink {
 public:
  static constexpr std::size_t kMaxDiagnostics = 1000;

  // `text` is the file's whole text and must outlive the sink.
  DiagnosticSink(std::string file, std::string_view text) : file_(std::move(file)), text_(text) {}

  // Beyond kMaxDiagnostics mistakes are only counted.
  void add(Place place, std::string message, std::string found = {}, std::string expected = {});
  // Of another file; once, however often it is met.
  void add_other(Diagnostic diagnostic);
  std::size_t count() const { return count_; }
  // In the order of the file, those of other files behind them. Columns are counted in characters, as editors do, not
  // in bytes.
  std::vector<Diagnostic> take();

 private:
  std::uint32_t character_column(Place place);

  std::string file_;
  std::string_view text_;
  std::vector<std::size_t> line_starts_;  // filled by the first diagnostic
  std::vector<Diagnostic> diagnostics_;
  std::vector<Diagnostic> others_;
  std::size_t count_ = 0;
};

// Leaves out those that `all` has already: two documents that read the same broken file say the same of it.
void append_new(std::vector<Diagnostic>& all, std::vector<Diagnostic> more);

// `text` in quotes for a diagnostic: cut to a readable length, control characters escaped.
std::string quoted(std::string_view text);

// ", did you mean 'x'?" or nothing.
std::string did_you_mean(std::string_view text, const std::vector<std::string_view>& candidates);

// "a, b or c".
std::string enumerate(const std::vector<std::string_view>& words);

}  // namespace headgate::reconciler
