#include "app/table.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace headgate::app {
namespace {

// Code points, which is what a terminal's columns come nearest to.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & '\xC0') != '\x80'; }));
}

// How many bytes the control character at the beginning of the text has; 0: there is none.
std::size_t control_at(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  if (byte(0) < 0x20 || byte(0) == 0x7F) return 1;
  if (byte(0) == 0xC2 && byte(1) >= 0x80 && byte(1) <= 0x9F) return 2;  // U+0080 to U+009F
  if (byte(0) != 0xE2) return 0;
  const bool embeds = byte(1) == 0x80 && byte(2) >= 0xAA && byte(2) <= 0xAE;    // U+202A to U+202E
  const bool isolates = byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9;  // U+2066 to U+2069
  return embeds || isolates ? 3 : 0;
}

std::string without_controls(std::string_view text, std::string_view kept) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto control = kept.find(text.front()) == std::string_view::npos ? control_at(text) : 0;
    out += control > 0 ? ' ' : text.front();
    text.remove_prefix(std::max<std::size_t>(control, 1));
  }
  return out;
}

// Boost.JSON writes 91.5 as 9.15E1.
std::string scalar(const boost::json::value& value) {
  return value.is_double() ? fmt::format("{}", value.get_double()) : boost::json::serialize(value);
}

void indent_json(const boost::json::value& value, int depth, std::string& out) {
  const std::string pad(static_cast<std::size_t>(depth + 1) * 2, ' ');
  const std::string end(static_cast<std::size_t>(depth) * 2, ' ');
  if (value.is_object() && !value.as_object().empty()) {
    out += "{\n";
    bool first = true;
    for (const auto& [key, member] : value.as_object()) {
      out += (first ? "" : ",\n") + pad + boost::json::serialize(boost::json::value(key)) + ": ";
      indent_json(member, depth + 1, out);
      first = false;
    }
    out += "\n" + end + "}";
  } else if (value.is_array() && !value.as_array().empty()) {
    out += "[\n";
    bool first = true;
    for (const auto& item : value.as_array()) {
      out += (first ? "" : ",\n") + pad;
      indent_json(item, depth + 1, out);
      first = false;
    }
    out += "\n" + end + "]";
  } else {
    out += scalar(value);
  }
}

// Block style; every scalar as JSON writes it, which is YAML too.
void indent_yaml(const boost::json::value& value, int depth, std::string& out) {
  const std::string pad(static_cast<std::size_t>(depth) * 2, ' ');
  const auto nested = [](const boost::json::value& v) {
    return (v.is_object() && !v.as_object().empty()) || (v.is_array() && !v.as_array().empty());
  };
  const auto put = [&](const std::string& lead, const boost::json::value& v) {
    out += pad + lead;
    if (nested(v)) {
      out += "\n";
      indent_yaml(v, depth + 1, out);
    } else {
      out += " " + scalar(v) + "\n";
    }
  };
  if (!nested(value)) {
    out += pad + scalar(value) + "\n";
  } else if (value.is_object()) {
    for (const auto& [key, member] : value.as_object())
      put(boost::json::serialize(boost::json::value(key)) + ":", member);
  } else {
    for (const auto& item : value.as_array()) put("-", item);
  }
}

// Byte for byte, but to a terminal: JSON writes neither DEL nor the control characters beyond ASCII as escapes.
void print_text(const std::string& text) {
  std::fputs(on_terminal(STDOUT_FILENO) ? printable_lines(text).c_str() : text.c_str(), stdout);
}

}  // namespace

std::string printable(std::string_view text) {
  return without_controls(text, {});
}

std::string printable_lines(std::string_view text) {
  return without_controls(text, "\n\t");
}

std::string counted(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

bool on_terminal(int fd) {
  return isatty(fd) == 1;
}

std::string bold(std::string_view text) {
  const char* no_color = std::getenv("NO_COLOR");
  if (!on_terminal(STDOUT_FILENO) || (no_color && *no_color)) return std::string(text);
  return "\033[1m" + std::string(text) + "\033[0m";
}

void Table::print() const {
  std::vector<std::size_t> widths;
  for (const auto& cell : header_) widths.push_back(width_of(cell));
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], width_of(printable(row[i])));
    }
  }
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string text;
    for (std::size_t i = 0; i < cells.size() && i < widths.size(); ++i) {
      const auto cell = printable(cells[i]);
      text += cell;
      if (i + 1 < cells.size()) text += std::string(widths[i] - width_of(cell) + 2, ' ');
    }
    return text;
  };
  std::printf("%s\n", bold(line(header_)).c_str());
  for (const auto& row : rows_) std::printf("%s\n", line(row).c_str());
}

void print_json(const boost::json::value& value) {
  std::string out;
  indent_json(value, 0, out);
  print_text(out + "\n");
}

void print_yaml(const boost::json::value& value) {
  std::string out;
  indent_yaml(value, 0, out);
  print_text(out);
}

bool is_raw(std::string_view output) {
  return output == "json" || output == "yaml";
}

bool print_raw(std::string_view output, const boost::json::value& value) {
  if (output == "json") print_json(value);
  if (output == "yaml") print_yaml(value);
  return is_raw(output);
}

const boost::json::value* value_at(const boost::json::value& value, std::initializer_list<std::string_view> path) {
  const auto* at = &value;
  for (const auto name : path) {
    if (!at->is_object()) return nullptr;
    at = at->as_object().if_contains(name);
    if (!at) return nullptr;
  }
  return at;
}

std::optional<std::string> text_at(const boost::json::value& value, std::initializer_list<std::string_view> path) {
  const auto* at = value_at(value, path);
  if (!at || at->is_null()) return std::nullopt;
  if (!at->is_string()) return boost::json::serialize(*at);
  return at->as_string().empty() ? std::nullopt : std::optional<std::string>(at->as_string());
}

std::string shown_at(const boost::json::value& value, std::initializer_list<std::string_view> path) {
  const auto text = text_at(value, path);
  return text ? printable(*text) : "-";
}

std::string cell_at(const boost::json::value& value, std::initializer_list<std::string_view> path) {
  const auto* at = value_at(value, path);
  if (!at || !at->is_array()) return shown_at(value, path);
  std::string cells;
  for (const auto& item : at->as_array()) cells += (cells.empty() ? "" : ", ") + shown_at(item, {});
  return cells.empty() ? "-" : cells;
}

}  // namespace headgate::app
