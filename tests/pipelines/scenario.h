// scenarios.md: what a release manager reads and the tests play.
//
//   ## <title>
//   <one line of prose>
//   Cites: <file>: <trimmed text of a YAML line> [(2nd)]        one or more lines; "outer line > inner line"
//   | given | when | then |
//   | --- | --- | --- |
//   | <sentence>; <sentence> | <sentence> | <sentence> |         one or more rows, played in their order
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/pipelines/repository_text.h"

namespace headgate::pipelines {

struct Row {
  std::vector<std::string> given;
  std::vector<std::string> when;
  std::vector<std::string> then;
  std::size_t line = 0;
};

struct Scenario {
  std::string title;
  std::string prose;
  std::vector<Cite> cites;
  std::vector<Row> rows;
  std::size_t line = 0;
  std::string name() const;  // the title as the name of a test
};

struct ReadScenarios {
  std::vector<Scenario> scenarios;
  std::vector<std::string> mistakes;  // as "line 12: …"
};

ReadScenarios read_scenarios(std::string_view text);

}  // namespace headgate::pipelines
