// The documents of the environments repository, resolved: defaults filled in, people replaced by their ids, scripts
// bound to the blob they had. They are stored whole in the log, so that folding it needs no Git.
//
// `describe` names the stored fields of a value in their stored order. It is the one description that the record codec,
// the snapshots, the schemas and the API share: v("name", member) is called for each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/domain/access_policy.h"
#include "engine/domain/boxed.h"
#include "engine/domain/drivers.h"
#include "engine/domain/enums.h"
#include "engine/domain/environment_document.h"
#include "engine/domain/names.h"
#include "engine/domain/notification_policy.h"
#include "engine/domain/service_document.h"
#include "engine/domain/strategy.h"
#include "engine/domain/time.h"

namespace headgate {

// A file of the repository that variables were taken from, bound to the blob that it had.
struct VariablesFile {
  std::string path;
  std::string blob;
  bool operator==(const VariablesFile&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("path", s.path);
    v("blob", s.blob);
  }
};

// What one target should run: a wish.
struct Target {
  TargetId id;
  Release release;      // commit and artifacts may be absent where the release is registered
  StringMap variables;  // with those of the files, which give way to the document's own
  bool suspend = false;
  std::vector<VariablesFile> variables_from{};
  std::optional<OnDelete> on_delete{};  // unset: retain
  std::optional<TargetId> formerly{};   // the target whose history is its own
  bool operator==(const Target&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("service", s.id.service);
    v("environment", s.id.environment);
    v("release", s.release);
    v("variables", s.variables);
    v("suspend", s.suspend);
    v("variables_from", s.variables_from);
    v("on_delete", s.on_delete);
    v("formerly", s.formerly);
  }
};

// One document of whatever kind. Stored as an object with one member, named by the kind.
using Document = std::variant<Service, Environment, Target, AccessPolicy, NotificationPolicy>;

// What makes a document unique in a repository. `name` is metadata.name; of a Target it is "service.environment".
struct DocumentKey {
  DocumentKind kind = DocumentKind::service;
  std::string name;
  auto operator<=>(const DocumentKey&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("kind", s.kind);
    v("name", s.name);
  }
};
DocumentKey key_of(const Document& document);

// Every command of a document: their scripts are exported when it takes force, and a changed one makes it another.
std::vector<const Run*> runs_of(const Document& document);

// Where a document stands.
struct Source {
  std::string file;  // relative to the repository's configured path
  std::uint32_t line = 0;
  std::string blob;  // Git blob id of the file
  bool operator==(const Source&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("file", s.file);
    v("line", s.line);
    v("blob", s.blob);
  }
};

struct SourcedDocument {
  Source source;
  Document document;
  bool operator==(const SourcedDocument&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("source", s.source);
    v("document", s.document);
  }
};

// A document that has taken force.
template <class D>
struct InForce {
  D document;
  Source source;
  std::string commit;
  // Of a service or an environment: of the configuration.accepted from which on it has said the same. A commit in which
  // its lines have moved says nothing else.
  Position since = 0;
  bool operator==(const InForce&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("document", s.document);
    v("source", s.source);
    v("commit", s.commit);
    v("since", s.since);
  }
};

// What is wrong with a document, as an operator reads it: file:line:column: error: found X, expected Y.
struct Diagnostic {
  std::string file;
  std::uint32_t line = 0;    // from 1
  std::uint32_t column = 0;  // from 1
  std::string message;
  std::string found;
  std::string expected;
  bool operator==(const Diagnostic&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("file", s.file);
    v("line", s.line);
    v("column", s.column);
    v("message", s.message);
    v("found", s.found);
    v("expected", s.expected);
  }
};
std::string to_string(const Diagnostic& diagnostic);  // file:line:column: error: message (found …, expected …)

}  // namespace headgate
