// Text of the environments repository to documents, every mistake at once.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/domain/documents.h"

namespace headgate {

struct SourceFile {
  std::string path;  // relative to the repository's configured path
  std::string blob;  // Git blob id
  std::string text;
};

// Documents with mistakes of their own: what refers to them is not at fault.
struct NotRead {
  std::vector<SourcedDocument> partly;  // as far as they could be read: to be checked, never to be used
  bool others = false;                  // there are some whose kind or name could not be read either
  void add(NotRead more) {
    partly.insert(partly.end(), std::make_move_iterator(more.partly.begin()),
                  std::make_move_iterator(more.partly.end()));
    others = others || more.others;
  }
};

struct ParsedDocuments {
  std::vector<SourcedDocument> documents;  // in file order
  std::vector<Diagnostic> diagnostics;
  NotRead not_read;
};

// Git blob id of a file of the same commit, by path relative to the configured path; nullopt when there is no such
// file.
using FindBlob = std::function<std::optional<std::string>(std::string_view path)>;
// Bytes of such a blob; too_large beyond `max_bytes`.
using ReadBlob = std::function<Result<std::string>(const std::string& blob, std::size_t max_bytes)>;

// The other files of the same commit.
struct CommitFiles {
  FindBlob find;
  ReadBlob read{};  // empty: no file can be read

  template <class Find>
  requires std::constructible_from<FindBlob, Find> CommitFiles(
      Find find_blob, ReadBlob read_blob = {})  // NOLINT(google-explicit-constructor): most read nothing
      : find(std::move(find_blob)), read(std::move(read_blob)) {}
};

class DocumentParser {
 public:
  virtual ~DocumentParser() = default;
  // The documents of one file; scripts that commands name, and files that variables come from, are bound to the blobs
  // they have. Thread-safe.
  virtual ParsedDocuments parse(const SourceFile& file, const CommitFiles& files) const = 0;
  // What no file can tell alone: unknown references, duplicate names, cycles, over all documents of a commit.
  // `files`: of that commit, to cite what is wrong where it stands.
  virtual std::vector<Diagnostic> check(const std::vector<const SourcedDocument*>& all, const CommitFiles& files,
                                        const NotRead& not_read = {}) const = 0;
};

}  // namespace headgate
