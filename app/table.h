// What a verb prints: tables for people, JSON and YAML for scripts.
#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::app {

// Columns as wide as their widest cell; the header in bold on a terminal unless NO_COLOR is set.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : header_(std::move(header)) {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void print() const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

void print_json(const boost::json::value& value);  // indented
void print_yaml(const boost::json::value& value);
bool is_raw(std::string_view output);  // json or yaml
// `json` or `yaml`: prints the value and returns true; else the caller prints a table.
bool print_raw(std::string_view output, const boost::json::value& value);

bool on_terminal(int fd);
std::string bold(std::string_view text);  // as it is when standard output is no terminal or NO_COLOR is set

// What others wrote must not move the cursor, colour the terminal or turn the line around: each control character
// (those of C1 and those for the direction of writing among them) becomes a space. `printable_lines` keeps line ends
// and tabs.
std::string printable(std::string_view text);
std::string printable_lines(std::string_view text);

std::string counted(std::size_t count, std::string_view noun);  // "1 mistake", "2 mistakes"

// The text at a path of members ("current", "version") as it is; nullopt when it is absent, null or empty.
std::optional<std::string> text_at(const boost::json::value& value, std::initializer_list<std::string_view> path);
// For people: printable, and "-" when there is none.
std::string shown_at(const boost::json::value& value, std::initializer_list<std::string_view> path);
// The same of a list: its elements, with commas between them.
std::string cell_at(const boost::json::value& value, std::initializer_list<std::string_view> path);
const boost::json::value* value_at(const boost::json::value& value, std::initializer_list<std::string_view> path);

}  // namespace headgate::app
