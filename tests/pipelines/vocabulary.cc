#include "tests/pipelines/vocabulary.h"

#include <map>
#include <regex>

namespace headgate::pipelines {
namespace {

// {text} and the lists take what is left; everything else is one word.
std::string expression_of(std::string_view pattern) {
  std::string expression;
  while (!pattern.empty()) {
    if (pattern.front() == '{') {
      const auto name = pattern.substr(1, pattern.find('}') - 1);
      pattern.remove_prefix(name.size() + 2);
      if (name == "text" || name == "metrics") {
        expression += "(.+)";
      } else if (name == "places") {
        expression += "([a-z0-9/,-]+(?:,? (?:and )?[a-z0-9/-]+)*)";
      } else if (name == "duration") {
        expression += "([0-9]+ [a-z]+(?: and [0-9]+ [a-z]+)?)";
      } else if (name == "time") {
        expression += "([0-9-]+ [0-9:]+ UTC)";
      } else if (name == "number") {
        expression += "(-?[0-9]+(?:\\.[0-9]+)?)";
      } else {
        expression += "([^ ]+)";
      }
      continue;
    }
    if (std::string_view(".()[]+*?^$|\\").find(pattern.front()) != std::string_view::npos) expression += '\\';
    expression += pattern.front();
    pattern.remove_prefix(1);
  }
  return expression;
}

const std::regex& regex_of(std::string_view pattern) {
  static std::map<std::string_view, std::regex> known;
  const auto at = known.find(pattern);
  return at != known.end() ? at->second : known.emplace(pattern, expression_of(pattern)).first->second;
}

}  // namespace

Match match(std::span<const Sentence> sentences, const std::string& text) {
  for (const auto& sentence : sentences) {
    std::smatch found;
    if (!std::regex_match(text, found, regex_of(sentence.pattern))) continue;
    return {&sentence, {found.begin() + 1, found.end()}};
  }
  return {};
}

}  // namespace headgate::pipelines
