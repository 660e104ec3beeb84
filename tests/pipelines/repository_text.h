// An environments repository as text in memory, so that a line of it can be taken away.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "engine/domain/documents.h"
#include "engine/domain/error.h"
#include "engine/ports/people.h"

namespace headgate::pipelines {

// A line of a file: `text` is the trimmed text of the line, or of lines within each other, outermost first, joined by
// " > ". `nth`: which of several, from 1; 0: there is only one.
struct Cite {
  std::string file;
  std::string text;
  std::size_t nth = 0;
  std::size_t line = 0;  // where the cite stands in scenarios.md
};

// A line with everything nested under it by indentation; numbers from 0, `end` is not in it.
struct Cut {
  std::string file;
  std::size_t begin = 0;
  std::size_t end = 0;
};

struct ParsedRepository {
  std::vector<SourcedDocument> documents;
  std::vector<Diagnostic> diagnostics;
};

class RepositoryText {
 public:
  static Result<RepositoryText> read(const std::filesystem::path& directory);

  Result<Cut> find(const Cite& cite) const;
  RepositoryText without(std::vector<Cut> cuts) const;
  ParsedRepository parse(People& people) const;

 private:
  std::map<std::string, std::string> files_;  // by path relative to the repository
};

std::string trimmed(std::string_view text);
std::vector<std::string> lines_of(std::string_view text);

}  // namespace headgate::pipelines
