// The published JSON Schema of each kind of document, schemas/<Kind>.json, which editors complete and check by.
//
// YamlReader is what reads documents and says what is wrong with them; the schemas say the same of their shape, to
// others. So that both stay one truth, a document is accepted only when its schema accepts it too, and
// tests/reconciler/document_schemas_test.cc holds their fields, words and required fields against each other.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/domain/enums.h"
#include "reconciler/yaml_tree.h"

namespace headgate::reconciler {

// The whole files, which are part of the program (cmake/embed_text.cmake).
std::string_view schema_of_service();
std::string_view schema_of_environment();
std::string_view schema_of_target();
std::string_view schema_of_access_policy();
std::string_view schema_of_notification_policy();
std::string_view schema_text(DocumentKind kind);

struct SchemaProblem {
  const YamlNode* node;  // where the schema refuses the document
  std::string message;
};
// The first problem that the kind's schema has with a document; `root` is the whole document. Plain scalars are numbers
// and words as editors take them. Thread-safe.
std::optional<SchemaProblem> schema_problem(DocumentKind kind, const YamlNode& root);

}  // namespace headgate::reconciler
