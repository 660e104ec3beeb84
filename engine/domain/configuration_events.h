// Events of documents: staged one by one, in force together. See events.h.
#pragma once

#include <string>
#include <vector>

#include "engine/domain/documents.h"
#include "engine/domain/event_type.h"

namespace headgate {

// Staged; takes force with the configuration.accepted of the same commit.
struct DocumentAccepted {
  static constexpr EventType type{"document.accepted", 2};
  std::string name;  // Kind/name
  std::string commit;
  Source source;
  Document document;
  bool operator==(const DocumentAccepted&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.name);
    v.correlation(s.commit);
    v("source", s.source);
    v("document", s.document);
  }
};

struct DocumentRemoved {
  static constexpr EventType type{"document.removed"};
  std::string name;  // Kind/name
  std::string commit;
  DocumentKind kind = DocumentKind::service;
  std::string document;  // its name
  bool operator==(const DocumentRemoved&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.name);
    v.correlation(s.commit);
    v("kind", s.kind);
    v("document", s.document);
  }
};

struct ConfigurationAccepted {
  static constexpr EventType type{"configuration.accepted"};
  std::string repository;
  std::string commit;
  std::uint64_t documents = 0;  // staged for this commit, accepted and removed
  bool operator==(const ConfigurationAccepted&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.repository);
    v.correlation(s.commit);
    v("documents", s.documents);
  }
};

struct ConfigurationRejected {
  static constexpr EventType type{"configuration.rejected"};
  std::string repository;
  std::string commit;
  std::vector<Diagnostic> diagnostics;  // the first ones that fit
  std::uint64_t omitted = 0;            // how many more there were
  bool operator==(const ConfigurationRejected&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.repository);
    v.correlation(s.commit);
    v("diagnostics", s.diagnostics);
    v("omitted", s.omitted);
  }
};

}  // namespace headgate
