// YAML files of the environments repository to documents.
//
// A document with any mistake is left out of ParsedDocuments, since a part of a policy is not a weaker policy but
// another one. What could be read of it is in `not_read`, so that `check` does not take it for unknown, and asks for
// whom it names.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "engine/ports/document_parser.h"
#include "engine/ports/people.h"
#include "reconciler/documents_check_host.h"

namespace headgate::reconciler {

// *.yaml and *.yml; not in or under hidden folders and files, which belong to other tools (.github/, .gitlab-ci.yml).
bool is_document_file(std::string_view path);
// Why no document can come from a file of that name: what is in force is known by it, and is told as text.
std::optional<Diagnostic> name_problem(std::string_view path);

class YamlDocumentParser final : public DocumentParser {
 public:
  // `people` gives the ids that stand for the names of an AccessPolicy; it must outlive the parser and be thread-safe.
  // `host`: what the server's file gives, and no sign-in that has claims; without it nothing is said of that.
  explicit YamlDocumentParser(People& people, std::optional<HostOffers> host = {})
      : people_(people), host_(std::move(host)) {}

  ParsedDocuments parse(const SourceFile& file, const CommitFiles& files) const override;
  // What one document alone decides is found by parse.
  std::vector<Diagnostic> check(const std::vector<const SourcedDocument*>& all, const CommitFiles& files,
                                const NotRead& not_read = {}) const override;

 private:
  People& people_;
  const std::optional<HostOffers> host_;
};

}  // namespace headgate::reconciler
