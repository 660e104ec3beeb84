#include "reconciler/documents_text.h"

#include <fmt/core.h>

#include <algorithm>

namespace headgate::reconciler {
namespace {

constexpr std::size_t kMaxUrlBytes = 2048;
constexpr std::size_t kMaxWords = 128;

const std::vector<std::string_view>& placeholders() {
  static const std::vector<std::string_view> known{
      "service",   "environment",      "release.version",  "release.commit", "release.artifacts.<name>",
      "promotion", "previous.version", "variables.<name>", "slot",           "location"};
  return known;
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_placeholder(std::string_view text) {
  for (const std::string_view prefix : {"release.artifacts.", "variables."}) {
    if (text.starts_with(prefix)) return is_variable_name(text.substr(prefix.size()));
  }
  return text.find('<') == std::string_view::npos && std::ranges::find(placeholders(), text) != placeholders().end();
}

bool check_placeholders(YamlReader& r, const YamlNode& node) {
  bool good = true;
  auto rest = node.text;
  for (auto open = rest.find("${"); open != std::string_view::npos; open = rest.find("${")) {
    rest.remove_prefix(open + 2);
    const auto close = rest.find('}');
    if (close == std::string_view::npos) {
      r.at(node, "a placeholder without its end", quoted("${" + std::string(rest)), "'}'");
      return false;
    }
    const auto name = rest.substr(0, close);
    rest.remove_prefix(close + 1);
    if (is_placeholder(name)) continue;
    good = false;
    const auto found = quoted(fmt::format("${{{}}}", name));
    r.at(node, fmt::format("unknown placeholder{}", r.suggestion(name, placeholders())), found,
         enumerate(placeholders()));
  }
  return good;
}

void read_program(YamlReader& r, const YamlNode& node, Run& run) {
  std::string program;
  if (!r.line_of_text(node, program)) return;
  const bool absolute = program.front() == '/';
  if (program.find("${") != std::string::npos) {
    r.wrong_value(node, "a program that is written out, without ${...}");
  } else if (!is_plain_path(absolute ? std::string_view(program).substr(1) : std::string_view(program))) {
    r.wrong_value(node, "an absolute path or a path in the repository, without '.', '..' or empty parts");
  } else if (!absolute) {
    if (auto blob = r.blob_of(program)) {
      run.blob = std::move(*blob);
    } else {
      r.at(node, fmt::format("no file {} in the repository", quoted(program)), "",
           "a script of the repository, or an absolute path such as /usr/bin/true");
    }
  }
  run.command.push_back(std::move(program));
}

}  // namespace

bool is_plain_path(std::string_view path) {
  while (true) {
    const auto slash = path.find('/');
    const auto segment = path.substr(0, slash);
    if (segment.empty() || segment == "." || segment == "..") return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

bool is_variable_name(std::string_view text) {
  return !text.empty() && text.size() <= 63 && is_letter(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '-'; });
}

bool is_proxy_or_host_name(std::string_view text) {
  bool inside = false;  // a placeholder
  return std::ranges::all_of(text, [&](char c) {
    if (c == '$' || c == '{' || c == '}') {
      inside = c != '}';
      return true;
    }
    return inside || is_letter(c) || is_digit(c) || std::string_view(".-_:").find(c) != std::string_view::npos;
  });
}

bool read_template(YamlReader& r, const YamlNode& node, std::string& out) {
  return r.text(node, out) && check_placeholders(r, node);
}

std::string_view value_problem(std::string_view value) {
  if (has_control_character(value)) return "one line of text without control characters";
  if (value.starts_with('-')) {
    return "a value that does not begin with '-', so that no command takes it for an option";
  }
  if (value.find("${") != std::string_view::npos) {
    return "a value without ${...}: values are put into other texts as they are";
  }
  return {};
}

bool read_value(YamlReader& r, const YamlNode& node, std::string& out) {
  if (!r.is_scalar(node, "text")) return false;
  if (const auto problem = value_problem(node.text); !problem.empty()) {
    r.wrong_value(node, problem);
    return false;
  }
  out = node.text;
  return true;
}

void read_command(YamlReader& r, const YamlNode& node, Run& run) {
  if (!r.is_list(node, "a list: the program and its arguments")) return;
  for (const auto& word : YamlItems(node)) {
    if (&word == node.first) {
      read_program(r, word, run);
      continue;
    }
    if (run.command.size() == kMaxWords) {
      r.at(word, "the command is too long", "", fmt::format("at most {} words", kMaxWords));
      return;
    }
    std::string argument;
    if (read_template(r, word, argument)) run.command.push_back(std::move(argument));
  }
  if (node.first == nullptr) r.wrong_value(node, "a program and its arguments");
}

void read_url(YamlReader& r, const YamlNode& node, std::string& out) {
  std::string url;
  if (!r.line_of_text(node, url) || !read_template(r, node, url)) return;
  const std::string_view text = url;
  const std::size_t scheme = text.starts_with("https://") ? 8 : text.starts_with("http://") ? 7 : 0;
  const auto rest = text.substr(scheme);
  const auto authority = rest.substr(0, rest.find_first_of("/?#"));
  if (scheme == 0 || authority.empty() || text.find(' ') != std::string_view::npos || text.size() > kMaxUrlBytes) {
    r.wrong_value(node, fmt::format("a URL of at most {} bytes that begins with http:// or https://", kMaxUrlBytes));
  } else if (authority.find('@') != std::string_view::npos) {
    // Documents and what runs from them are recorded for good.
    r.at(node, "a URL may not hold a user name or password", "", "the URL without them");
  } else {
    out = std::move(url);
  }
}

void read_secret(YamlReader& r, const YamlNode& node, std::string& name) {
  if (node.kind != YamlNode::Kind::map) {
    r.at(node, "a secret does not stand in a document", "", "{secret: name}, with a name that the server's file gives");
    return;
  }
  Fields f(r, node, "a secret");
  f.required("secret", &YamlReader::name, name);
}

void read_run(YamlReader& r, const YamlNode& node, Run& run) {
  Fields f(r, node, "a command");
  f.required("command", read_command, run);
  f.optional("timeout", &YamlReader::positive_duration, run.timeout);
}

}  // namespace headgate::reconciler
