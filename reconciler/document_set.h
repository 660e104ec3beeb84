// The documents of the configuration in force, by file and by key: what a changed file changes is found without reading
// or checking the rest again.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/domain/state.h"
#include "engine/ports/document_parser.h"

namespace headgate::reconciler {

class DocumentSet {
 public:
  DocumentSet() = default;
  DocumentSet(DocumentSet&&) = default;  // moved only: the others point into files_
  DocumentSet& operator=(DocumentSet&&) = default;

  static DocumentSet of(const State& state);

  const std::vector<SourcedDocument>* file(std::string_view path) const;
  // Files with documents that run one of these scripts, or take variables from one of these files.
  std::set<std::string> files_bound_to(const std::set<std::string>& paths) const;
  const SourcedDocument* find(const DocumentKey& key) const;
  std::set<std::string> file_names() const;

  // The documents of some files are replaced; an empty list removes a file.
  using Files = std::map<std::string, std::vector<SourcedDocument>>;
  void replace(Files files);

  // What replacing would mean. Documents that say what they said before, in the same file, are not in it.
  struct Difference {
    std::vector<SourcedDocument> accepted;
    std::vector<DocumentKey> removed;
  };
  Difference difference(const Files& files) const;
  // The documents to check together when those files are replaced: all of them, or, when nothing but Targets differs,
  // those and what they refer to. Those that were partly read may refer to any.
  std::vector<const SourcedDocument*> to_check(const Files& files, const NotRead& not_read = {}) const;

 private:
  std::vector<const SourcedDocument*> closure_of_targets(const Files& files) const;

  std::map<std::string, std::vector<SourcedDocument>, std::less<>> files_;
  std::map<DocumentKey, const SourcedDocument*> by_key_;
  std::set<const SourcedDocument*> renamed_;  // Targets that had another name: few
};

}  // namespace headgate::reconciler
