#include "tests/pipelines/scenario.h"

#include <cctype>
#include <set>

namespace headgate::pipelines {
namespace {

std::vector<std::string> cells_of(std::string_view line) {
  std::vector<std::string> cells;
  line.remove_prefix(1);
  for (auto at = line.find('|'); at != std::string_view::npos; at = line.find('|')) {
    cells.push_back(trimmed(line.substr(0, at)));
    line.remove_prefix(at + 1);
  }
  return cells;
}

std::vector<std::string> sentences_of(std::string_view cell) {
  std::vector<std::string> sentences;
  while (!cell.empty()) {
    const auto at = cell.find("; ");
    if (auto one = trimmed(cell.substr(0, at)); !one.empty()) sentences.push_back(std::move(one));
    cell.remove_prefix(at == std::string_view::npos ? cell.size() : at + 2);
  }
  return sentences;
}

// "services/tta.yaml: `- lint` (2nd)"
bool read_cite(std::string_view text, Cite& cite) {
  const auto colon = text.find(": ");
  if (colon == std::string_view::npos) return false;
  cite.file = trimmed(text.substr(0, colon));
  cite.text = trimmed(text.substr(colon + 2));
  if (cite.text.ends_with(")")) {
    const auto open = cite.text.rfind(" (");
    const auto number = open == std::string::npos ? std::string() : cite.text.substr(open + 2);
    std::size_t digits = 0;
    while (digits < number.size() && std::isdigit(static_cast<unsigned char>(number[digits])) != 0) ++digits;
    const auto suffix = number.substr(digits);
    if (digits > 0 && (suffix == "st)" || suffix == "nd)" || suffix == "rd)" || suffix == "th)")) {
      cite.nth = std::stoul(number.substr(0, digits));
      cite.text = trimmed(cite.text.substr(0, open));
    }
  }
  if (cite.text.size() > 2 && cite.text.front() == '`' && cite.text.back() == '`') {
    cite.text = trimmed(cite.text.substr(1, cite.text.size() - 2));
  }
  return !cite.file.empty() && !cite.text.empty();
}

}  // namespace

std::string Scenario::name() const {
  std::string name;
  for (const char c : title) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      name += c;
    } else if (!name.empty() && name.back() != '_' && c != '\'') {
      name += '_';
    }
  }
  while (name.ends_with('_')) name.pop_back();
  return name;
}

ReadScenarios read_scenarios(std::string_view text) {
  ReadScenarios read;
  auto& all = read.scenarios;
  std::set<std::string> names;
  std::size_t number = 0;
  bool in_table = false;
  const auto mistake = [&](const std::string& what) {
    read.mistakes.push_back("line " + std::to_string(number) + ": " + what);
  };
  const auto complete = [&] {
    if (all.empty()) return;
    if (all.back().prose.empty()) mistake("scenario '" + all.back().title + "' has no line of prose");
    if (all.back().cites.empty()) mistake("scenario '" + all.back().title + "' cites no line");
    if (all.back().rows.empty()) mistake("scenario '" + all.back().title + "' has no table");
  };
  for (const auto& raw : lines_of(text)) {
    ++number;
    const auto line = trimmed(raw);
    if (line.starts_with("## ")) {
      complete();
      all.push_back({trimmed(line.substr(3)), {}, {}, {}, number});
      if (!names.insert(all.back().name()).second) mistake("two scenarios are called '" + all.back().title + "'");
      in_table = false;
    } else if (line.empty()) {
      in_table = false;
    } else if (all.empty()) {
      continue;  // what stands above the scenarios
    } else if (line.starts_with("Cites:")) {
      Cite cite;
      cite.line = number;
      if (!read_cite(line.substr(6), cite)) mistake("found '" + line + "', expected 'Cites: <file>: <text of a line>'");
      all.back().cites.push_back(cite);
    } else if (line.starts_with("|")) {
      const auto cells = cells_of(line);
      if (cells.size() != 3)
        mistake("a row has the three cells given, when and then, this one has " + std::to_string(cells.size()));
      if (cells.size() != 3) continue;
      const bool head = !in_table;
      in_table = true;
      if (head && (cells[0] != "given" || cells[1] != "when" || cells[2] != "then")) {
        mistake("a table begins with | given | when | then |");
      }
      const bool ruler = !cells[0].empty() && cells[0].find_first_not_of("-:") == std::string::npos;
      if (head || ruler) continue;
      all.back().rows.push_back({sentences_of(cells[0]), sentences_of(cells[1]), sentences_of(cells[2]), number});
      if (all.back().rows.back().then.empty()) mistake("a row says what must be the case then");
    } else if (all.back().cites.empty() && all.back().rows.empty()) {
      all.back().prose += (all.back().prose.empty() ? "" : " ") + line;
    } else {
      mistake("found '" + line + "', expected a row of the table or the next '## <title>'");
    }
  }
  complete();
  if (all.empty()) mistake("no scenario: expected '## <title>'");
  return read;
}

}  // namespace headgate::pipelines
