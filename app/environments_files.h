// The documents of an environments repository as somebody has it on their disk: its work tree, or one of its commits.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/domain/documents.h"
#include "engine/domain/error.h"
#include "engine/ports/people.h"

namespace headgate::app {

struct ReadDocuments {
  std::vector<SourcedDocument> documents;
  std::vector<Diagnostic> diagnostics;  // every one; with any, the documents are not to be used
  std::vector<std::string> links;       // symbolic links that are documents or are named by one: nobody follows them
};

// `revision`: empty for the work tree. An Error when there is no such directory, repository or revision.
Result<ReadDocuments> read_documents(const std::filesystem::path& directory, const std::string& revision,
                                     People& people);

}  // namespace headgate::app
