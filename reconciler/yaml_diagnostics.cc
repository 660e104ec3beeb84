#include "reconciler/yaml_diagnostics.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <tuple>

#include "engine/base/nearest_name.h"
#include "engine/base/utf8.h"

namespace headgate::reconciler {
namespace {

constexpr std::size_t kMaxQuotedBytes = 80;

}  // namespace

void DiagnosticSink::add(Place place, std::string message, std::string found, std::string expected) {
  if (++count_ > kMaxDiagnostics) return;
  diagnostics_.push_back(
      {file_, place.line, character_column(place), std::move(message), std::move(found), std::move(expected)});
}

void DiagnosticSink::add_other(Diagnostic diagnostic) {
  // A document that reads a broken file is broken, whoever reported it first.
  if (++count_ > kMaxDiagnostics) return;
  if (std::ranges::find(others_, diagnostic) == others_.end()) others_.push_back(std::move(diagnostic));
}

std::uint32_t DiagnosticSink::character_column(Place place) {
  if (line_starts_.empty()) {
    // The parser does not count a byte order mark.
    line_starts_.push_back(text_.starts_with("\xEF\xBB\xBF") ? 3 : 0);
    for (auto at = text_.find('\n'); at != std::string_view::npos; at = text_.find('\n', at + 1)) {
      line_starts_.push_back(at + 1);
    }
  }
  if (place.line == 0 || place.line > line_starts_.size()) return place.column;
  const auto before = text_.substr(line_starts_[place.line - 1], place.column - 1);
  const auto inside = std::ranges::count_if(before, continues_character);
  return place.column - static_cast<std::uint32_t>(inside);
}

std::vector<Diagnostic> DiagnosticSink::take() {
  std::ranges::stable_sort(diagnostics_, {}, [](const Diagnostic& d) { return std::tuple(d.line, d.column); });
  std::ranges::move(others_, std::back_inserter(diagnostics_));
  if (count_ > kMaxDiagnostics && !diagnostics_.empty()) {
    const auto& last = diagnostics_.back();
    diagnostics_.push_back({file_, last.line, last.column,
                            fmt::format("{} more mistakes in this file are not listed", count_ - kMaxDiagnostics), "",
                            ""});
  }
  return std::move(diagnostics_);
}

void append_new(std::vector<Diagnostic>& all, std::vector<Diagnostic> more) {
  const auto known = static_cast<std::ptrdiff_t>(all.size());
  for (auto& diagnostic : more) {
    const auto end = all.begin() + known;
    if (std::find(all.begin(), end, diagnostic) == end) all.push_back(std::move(diagnostic));
  }
}

std::string quoted(std::string_view text) {
  const bool cut = text.size() > kMaxQuotedBytes;
  text = utf8_prefix(text, kMaxQuotedBytes);
  std::string result = "'";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      fmt::format_to(std::back_inserter(result), "\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      result += c;
    }
  }
  return result + (cut ? "…'" : "'");
}

std::string did_you_mean(std::string_view text, const std::vector<std::string_view>& candidates) {
  const auto best = nearest_name(text, candidates);
  return best.empty() ? std::string() : fmt::format(", did you mean '{}'?", best);
}

std::string enumerate(const std::vector<std::string_view>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

}  // namespace headgate::reconciler
