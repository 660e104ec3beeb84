#include "reconciler/documents_parser.h"

#include <fmt/core.h>

#include <optional>
#include <utility>

#include "reconciler/document_schemas.h"
#include "reconciler/documents_kinds.h"
#include "reconciler/documents_size.h"
#include "reconciler/yaml_reader.h"

namespace headgate::reconciler {
namespace {

constexpr std::string_view kApiVersion = "headgate.dev/v1";

struct Metadata {
  std::string name;
  const YamlNode* node = nullptr;      // of the name
  const YamlNode* formerly = nullptr;  // the name that it had before
};

void read_kind(YamlReader& r, const YamlNode& node, std::optional<DocumentKind>& out) {
  DocumentKind kind{};
  if (r.word(node, kind)) out = kind;
}

void read_metadata(YamlReader& r, const YamlNode& node, Metadata& metadata) {
  Fields f(r, node, "metadata");
  f.required("name", &YamlReader::line_of_text, metadata.name);
  metadata.node = f.value_of("name");
  f.optional("formerly", [&](YamlReader&, const YamlNode& value) { metadata.formerly = &value; });
}

// The old name, of the same form as the new one.
void read_formerly(YamlReader& r, const Metadata& metadata, Document& document) {
  if (metadata.formerly == nullptr) return;
  const auto& node = *metadata.formerly;
  if (std::holds_alternative<AccessPolicy>(document) || std::holds_alternative<NotificationPolicy>(document)) {
    r.at(node,
         fmt::format("{} has no history that a name could carry",
                     std::holds_alternative<AccessPolicy>(document) ? "an AccessPolicy" : "a NotificationPolicy"),
         "", "no 'formerly'");
    return;
  }
  std::string old;
  if (!r.line_of_text(node, old)) return;
  if (old == metadata.name) {
    r.at(node, "this is the name that it has", quoted(old), "the name that it had before");
    return;
  }
  if (auto* target = std::get_if<Target>(&document)) {
    auto id = target_of(old);
    if (!is_name(id.service) || !is_name(id.environment)) {
      r.at(node, "wrong value of 'formerly'", quoted(old), "the old name of the target: service.environment");
      return;
    }
    target->formerly = std::move(id);
    return;
  }
  if (!is_name(old)) {
    r.at(node, "wrong value of 'formerly'", quoted(old), "the name that it had before");
    return;
  }
  if (auto* service = std::get_if<Service>(&document)) service->formerly = old;
  if (auto* environment = std::get_if<Environment>(&document)) environment->formerly = old;
}

// The name of all kinds but Target, which is named by what it points at.
void check_name(YamlReader& r, const Metadata& metadata, const Document& document) {
  if (metadata.name.empty()) return;
  if (const auto* target = std::get_if<Target>(&document)) {
    if (target->id.service.empty() || target->id.environment.empty()) return;
    const auto expected = document_name(target->id);
    if (metadata.name != expected) {
      r.at(*metadata.node, "the name of a target is its service and environment", quoted(metadata.name),
           quoted(expected));
    }
    return;
  }
  if (!is_name(metadata.name)) {
    r.at(*metadata.node, "wrong value of 'name'", quoted(metadata.name),
         "a name: up to 63 lower-case letters, digits and '-', beginning and ending with a letter or digit");
  }
}

class DocumentReader {
 public:
  DocumentReader(YamlReader& r, People& people, bool no_claims) : r_(r), people_(people), no_claims_(no_claims) {}

  // The document, of no use when there were mistakes.
  std::optional<Document> read(const YamlNode& root, std::size_t mistakes_before) {
    Fields f(r_, root, "a document");
    bool known = false;
    std::optional<DocumentKind> kind;
    Metadata metadata;
    const bool versioned =
        f.required("apiVersion", [&](YamlReader& r, const YamlNode& node) { known = r.only(node, kApiVersion); });
    f.required("kind", read_kind, kind);
    if (versioned && !known) {
      f.give_up();  // another notation, of which nothing more can be said
      return std::nullopt;
    }
    f.required("metadata", read_metadata, metadata);
    std::optional<Document> document;
    f.required("spec", [&](YamlReader&, const YamlNode& spec) {
      if (known && kind) document = read_spec(*kind, spec, metadata, mistakes_before);
    });
    if (!known || !kind) {
      f.give_up();
      return std::nullopt;
    }
    return document;
  }

 private:
  Document read_spec(DocumentKind kind, const YamlNode& spec, const Metadata& metadata, std::size_t mistakes_before) {
    Document document;
    switch (kind) {
      case DocumentKind::service: {
        auto& service = document.emplace<Service>();
        service.name = metadata.name;
        read_service(r_, spec, service);
        break;
      }
      case DocumentKind::environment: {
        auto& environment = document.emplace<Environment>();
        environment.name = metadata.name;
        read_environment(r_, spec, environment);
        break;
      }
      case DocumentKind::target:
        read_target(r_, spec, document.emplace<Target>());
        break;
      case DocumentKind::notification_policy: {
        auto& policy = document.emplace<NotificationPolicy>();
        policy.name = metadata.name;
        read_notification_policy(r_, spec, people_, mistakes_before, policy);
        break;
      }
      case DocumentKind::access_policy: {
        auto& policy = document.emplace<AccessPolicy>();
        policy.name = metadata.name;
        read_access_policy(r_, spec, people_, no_claims_, mistakes_before, policy);
        break;
      }
    }
    check_name(r_, metadata, document);
    read_formerly(r_, metadata, document);
    return document;
  }

  YamlReader& r_;
  People& people_;
  const bool no_claims_;
};

}  // namespace

bool is_document_file(std::string_view path) {
  if (!path.ends_with(".yaml") && !path.ends_with(".yml")) return false;
  return !path.starts_with('.') && path.find("/.") == std::string_view::npos;
}

ParsedDocuments YamlDocumentParser::parse(const SourceFile& file, const CommitFiles& files) const {
  ParsedDocuments parsed;
  DiagnosticSink sink(file.path, file.text);
  YamlReader reader(sink, files);
  // Bearer tokens are all that a server of this version knows; away from it nobody can tell who signs in how.
  DocumentReader documents(reader, people_, host_.has_value());
  std::size_t mistakes_before = 0;
  read_yaml(file.text, sink, [&](const YamlNode& root) {
    auto document = documents.read(root, mistakes_before);
    if (document && sink.count() == mistakes_before) {
      if (const auto size = stored_size(*document); size > kMaxStoredDocumentBytes) {
        sink.add(root.place, "the document is too large for the log", fmt::format("about {} bytes", size),
                 fmt::format("at most {} bytes", kMaxStoredDocumentBytes));
      } else if (const auto kind = key_of(*document).kind; const auto problem = schema_problem(kind, root)) {
        sink.add(problem->node->place,
                 fmt::format("the schema of {} refuses this: {}", name_of(kind), problem->message));
      } else {
        parsed.documents.push_back({{file.path, root.place.line, file.blob}, std::move(*document)});
      }
    }
    if (sink.count() > mistakes_before) {
      if (!document || key_of(*document).name.empty()) {
        parsed.not_read.others = true;
      } else {
        parsed.not_read.partly.push_back({{file.path, root.place.line, file.blob}, std::move(*document)});
      }
    }
    mistakes_before = sink.count();
  });
  if (sink.count() > mistakes_before) parsed.not_read.others = true;  // no YAML from there on
  parsed.diagnostics = sink.take();
  return parsed;
}

}  // namespace headgate::reconciler
