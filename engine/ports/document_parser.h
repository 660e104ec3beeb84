// Text of the environments repository to documents, every mistake at once.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/documents.h"

namespace headgate {

struct SourceFile {
  std::string path;  // relative to the repository's configured path
  std::string blob;  // Git blob id
  std::string text;
};

struct ParsedDocuments {
  std::vector<SourcedDocument> documents;  // in file order
  std::vector<Diagnostic> diagnostics;
};

// Git blob id of a file of the same commit, by path relative to the configured path; nullopt when there is no such
// file.
using FindBlob = std::function<std::optional<std::string>(std::string_view path)>;

class DocumentParser {
 public:
  virtual ~DocumentParser() = default;
  // The documents of one file; scripts that commands name are bound to their blob by `find_blob`. Thread-safe.
  virtual ParsedDocuments parse(const SourceFile& file, const FindBlob& find_blob) const = 0;
  // What no file can tell alone: unknown references, duplicate names, cycles, over all documents of a commit.
  virtual std::vector<Diagnostic> check(const std::vector<const SourcedDocument*>& all) const = 0;
};

}  // namespace headgate
