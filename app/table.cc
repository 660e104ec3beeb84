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
  if (value.is_object()) {
    for (const auto& [key, member] : value.as_object())
      put(boost::json::serialize(boost::json::value(key)) + ":", member);
  } else if (value.is_array()) {
    for (const auto& item : value.as_array()) put("-", item);
  } else {
    out += pad + scalar(value) + "\n";
  }
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out(text);
  std::ranges::replace_if(
      out, [](char c) { return (c >= 0 && c < ' ') || c == 0x7F; }, ' ');
  return out;
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
  std::printf("%s\n", out.c_str());
}

void print_yaml(const boost::json::value& value) {
  std::string out;
  indent_yaml(value, 0, out);
  std::printf("%s", out.c_str());
}

bool print_raw(std::string_view output, const boost::json::value& value) {
  if (output == "json") print_json(value);
  if (output == "yaml") print_yaml(value);
  return output == "json" || output == "yaml";
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

std::string text_at(const boost::json::value& value, std::initializer_list<std::string_view> path) {
  const auto* at = value_at(value, path);
  if (!at || at->is_null()) return "-";
  if (at->is_string()) return at->as_string().empty() ? "-" : std::string(at->as_string());
  return boost::json::serialize(*at);
}

}  // namespace headgate::app
