#include "reconciler/documents_variables.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "engine/base/trimmed.h"
#include "engine/base/utf8.h"
#include "reconciler/documents_text.h"

namespace headgate::reconciler {
namespace {

constexpr std::size_t kMaxFiles = 8;

// One file's text to variables; stops at nothing, reports all.
class VariablesText {
 public:
  VariablesText(YamlReader& r, const std::string& path) : r_(r), path_(path) {}

  void read(std::string_view text, StringMap& out) {
    std::map<std::string, std::uint32_t> lines;                   // by the name in the environment
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // a byte order mark, as documents may have it
    for (line_ = 1; !text.empty(); ++line_) {
      const auto end = std::min(text.find('\n'), text.size());
      read_line(text.substr(0, end), lines, out);
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (out.size() > YamlReader::kMaxItems) {
      line_ = 1;
      at(0, "too many variables in this file", fmt::format("{}", out.size()),
         fmt::format("at most {}", YamlReader::kMaxItems));
    }
  }

 private:
  void at(std::size_t offset, std::string message, std::string found = {}, std::string expected = {}) {
    r_.elsewhere({path_, line_, static_cast<std::uint32_t>(offset) + 1, std::move(message), std::move(found),
                  std::move(expected)});
  }

  void read_line(std::string_view line, std::map<std::string, std::uint32_t>& lines, StringMap& out) {
    const auto written = trimmed(line);
    if (written.empty() || written.front() == '#') return;
    const auto start = static_cast<std::size_t>(written.data() - line.data());
    const auto equals = written.find('=');
    if (equals == std::string_view::npos) {
      at(start, "a line that gives no variable", quoted(written), "NAME=VALUE, or a comment that begins with '#'");
      return;
    }
    const auto name = trimmed(written.substr(0, equals));
    if (!is_variable_name(name)) {
      at(start, "wrong name of a variable", quoted(name), "a letter, then up to 62 letters, digits, '_' and '-'");
      return;
    }
    if (const auto [first, is_new] = lines.emplace(environment_name(name), line_); !is_new) {
      at(start, fmt::format("the variable {} is given twice", quoted(name)), "",
         fmt::format("it once; line {} has it already", first->second));
      return;
    }
    auto value = trimmed(written.substr(equals + 1));
    const auto offset = value.empty() ? start + equals + 1 : static_cast<std::size_t>(value.data() - line.data());
    if (!value.empty() && (value.front() == '"' || value.front() == '\'')) {
      if (value.size() < 2 || value.back() != value.front()) {
        at(offset, fmt::format("the value of {} has no closing quote", quoted(name)));
        return;
      }
      value = value.substr(1, value.size() - 2);
    }
    if (value.size() > kMaxVariableBytes) {
      at(offset, fmt::format("the value of {} is too long", quoted(name)), fmt::format("{} bytes", value.size()),
         fmt::format("at most {} bytes", kMaxVariableBytes));
    } else if (const auto problem = value_problem(value); !problem.empty()) {
      at(offset, fmt::format("wrong value of {}", quoted(name)), quoted(value), std::string(problem));
    } else {
      out[std::string(name)] = value;
    }
  }

  YamlReader& r_;
  const std::string& path_;
  std::uint32_t line_ = 1;
};

void read_file(YamlReader& r, const YamlNode& node, Target& target, StringMap& variables) {
  VariablesFile file;
  if (!r.line_of_text(node, file.path)) return;
  if (!is_plain_path(file.path)) {
    r.wrong_value(node, "a path in the repository, without '.', '..' or empty parts");
    return;
  }
  if (std::ranges::find(target.variables_from, file.path, &VariablesFile::path) != target.variables_from.end()) {
    r.at(node, fmt::format("the file {} is there twice", quoted(file.path)));
    return;
  }
  auto blob = r.blob_of(file.path);
  if (!blob) {
    r.at(node, fmt::format("no file {} in the repository", quoted(file.path)), "",
         "a file with NAME=VALUE in each line");
    return;
  }
  file.blob = std::move(*blob);
  const auto text = r.read_blob(file.blob, kMaxVariablesFileBytes);
  if (!text) {
    r.at(node, fmt::format("the file {} cannot be read: {}", quoted(file.path), text.error().message), "",
         fmt::format("at most {} bytes", kMaxVariablesFileBytes));
    return;
  }
  if (valid_utf8(*text, text->size()) != *text) {
    r.at(node, fmt::format("the file {} is not UTF-8", quoted(file.path)), "", "UTF-8");
    return;
  }
  StringMap own;
  VariablesText(r, file.path).read(*text, own);
  for (auto& [name, value] : own) variables[name] = std::move(value);
  target.variables_from.push_back(std::move(file));
}

}  // namespace

std::string environment_name(std::string_view variable) {
  std::string name(variable);
  for (auto& c : name) c = c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return name;
}

void read_variables_from(YamlReader& r, const YamlNode& node, Target& target) {
  if (!r.is_list(node, "a list of files")) return;
  if (node.size > kMaxFiles) {
    r.wrong_value(node, fmt::format("at most {} files", kMaxFiles));
    return;
  }
  StringMap variables;
  for (const auto& item : YamlItems(node)) read_file(r, item, target, variables);
  // The document's own names win, also where they differ by case and '-' alone.
  std::map<std::string, std::string_view> own;
  for (const auto& [name, value] : target.variables) own.emplace(environment_name(name), name);
  std::map<std::string, std::string> folded;
  for (auto& [name, value] : variables) {
    const auto environment = environment_name(name);
    if (own.contains(environment)) continue;
    if (const auto [first, is_new] = folded.emplace(environment, name); !is_new) {
      r.at(node,
           fmt::format("the variables {} and {} have the same name in the environment of a command",
                       quoted(first->second), quoted(name)),
           "", "names that differ by more than case and '-'");
    }
    target.variables.emplace(name, std::move(value));
  }
}

}  // namespace headgate::reconciler
