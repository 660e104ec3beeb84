// What a check over many documents reports, and where: documents carry no columns and few lines, so that the file is
// read once more to cite the very node. Only a configuration that is refused pays for that.
#pragma once

#include <string>
#include <vector>

#include "engine/domain/documents.h"
#include "engine/ports/document_parser.h"

namespace headgate::reconciler {

struct Citation {
  const SourcedDocument* document;
  // Of the node, such as /spec/stages/0/environment. In a list of texts the text stands in place of a number, and
  // ${location} for the text below that holds it. Of what is not there the last node on the way is cited.
  std::string path;
  std::string message;
  std::string expected;
};

// By file and place. What is found is what the node says, where it is a text. A document whose file cannot be read is
// cited in its first line.
std::vector<Diagnostic> diagnostics_of(std::vector<Citation> citations, const CommitFiles& files);

}  // namespace headgate::reconciler
