#include "reconciler/document_set.h"

#include <algorithm>

namespace headgate::reconciler {
namespace {

bool is_target(const SourcedDocument& document) {
  return std::holds_alternative<Target>(document.document);
}

void add_scripts(std::set<std::string>& scripts, const Run& run) {
  if (!run.blob.empty()) scripts.insert(run.command.front());
}

// The other files of the repository that a document is bound to.
std::set<std::string> files_of(const Document& document) {
  std::set<std::string> scripts;
  for (const auto* run : runs_of(document)) add_scripts(scripts, *run);
  if (const auto* target = std::get_if<Target>(&document)) {
    for (const auto& file : target->variables_from) scripts.insert(file.path);
  }
  return scripts;
}

}  // namespace

DocumentSet DocumentSet::of(const State& state) {
  Files files;
  const auto add = [&](const auto& in_force) {
    files[in_force.source.file].push_back({in_force.source, in_force.document});
  };
  for (const auto& [name, service] : state.services) {
    if (service.document) add(*service.document);
  }
  for (const auto& [name, environment] : state.environments) add(environment);
  for (const auto& [id, target] : state.targets) {
    if (target.document) add(*target.document);
  }
  for (const auto& [name, policy] : state.notification_policies) add(policy);
  if (state.configuration.access) add(*state.configuration.access);
  DocumentSet set;
  set.replace(std::move(files));
  return set;
}

const std::vector<SourcedDocument>* DocumentSet::file(std::string_view path) const {
  const auto at = files_.find(path);
  return at == files_.end() ? nullptr : &at->second;
}

std::set<std::string> DocumentSet::files_bound_to(const std::set<std::string>& paths) const {
  std::set<std::string> files;
  for (const auto& [key, document] : by_key_) {
    if (key.kind == DocumentKind::access_policy || key.kind == DocumentKind::notification_policy) continue;
    const auto* target = std::get_if<Target>(&document->document);
    if (target != nullptr && target->variables_from.empty()) continue;  // nearly all
    const auto own = files_of(document->document);
    if (std::ranges::any_of(own, [&](const std::string& script) { return paths.contains(script); })) {
      files.insert(document->source.file);
    }
  }
  return files;
}

const SourcedDocument* DocumentSet::find(const DocumentKey& key) const {
  const auto at = by_key_.find(key);
  return at == by_key_.end() ? nullptr : at->second;
}

std::set<std::string> DocumentSet::file_names() const {
  std::set<std::string> names;
  for (const auto& [name, documents] : files_) names.insert(name);
  return names;
}

void DocumentSet::replace(Files files) {
  for (const auto& [name, documents] : files) {
    const auto old = files_.find(name);
    if (old == files_.end()) continue;
    for (const auto& document : old->second) {
      renamed_.erase(&document);
      const auto at = by_key_.find(key_of(document.document));
      if (at != by_key_.end() && at->second == &document) by_key_.erase(at);
    }
  }
  for (auto& [name, documents] : files) {
    if (documents.empty()) {
      files_.erase(name);
      continue;
    }
    auto& kept = files_[name];
    kept = std::move(documents);
    for (const auto& document : kept) {
      by_key_[key_of(document.document)] = &document;
      const auto* target = std::get_if<Target>(&document.document);
      if (target != nullptr && target->formerly) renamed_.insert(&document);
    }
  }
}

DocumentSet::Difference DocumentSet::difference(const Files& files) const {
  Difference difference;
  std::set<DocumentKey> present;
  for (const auto& [name, documents] : files) {
    for (const auto& document : documents) {
      const auto key = key_of(document.document);
      present.insert(key);
      const auto* known = find(key);
      if (!known || known->source.file != document.source.file || known->document != document.document) {
        difference.accepted.push_back(document);
      }
    }
  }
  for (const auto& [name, documents] : files) {
    const auto* old = file(name);
    if (!old) continue;
    for (const auto& document : *old) {
      auto key = key_of(document.document);
      if (!present.contains(key)) difference.removed.push_back(std::move(key));
    }
  }
  return difference;
}

std::vector<const SourcedDocument*> DocumentSet::to_check(const Files& files, const NotRead& not_read) const {
  const auto only_targets = [](const std::vector<SourcedDocument>& documents) {
    return std::ranges::all_of(documents, is_target);
  };
  const bool targets = std::ranges::all_of(files, [&](const auto& entry) {
    const auto* old = file(entry.first);
    return only_targets(entry.second) && (!old || only_targets(*old));
  });
  if (targets && not_read.partly.empty()) return closure_of_targets(files);
  std::vector<const SourcedDocument*> all;
  for (const auto& [name, documents] : files_) {
    if (files.contains(name)) continue;
    for (const auto& document : documents) all.push_back(&document);
  }
  for (const auto& [name, documents] : files) {
    for (const auto& document : documents) all.push_back(&document);
  }
  return all;
}

std::vector<const SourcedDocument*> DocumentSet::closure_of_targets(const Files& files) const {
  std::set<const SourcedDocument*> documents;
  // A document that one of the files replaces is not there any more.
  const auto at_hand = [&](const DocumentKey& key) {
    const auto* known = find(key);
    return known && !files.contains(known->source.file) ? known : nullptr;
  };
  // With those that it is promoted after.
  const auto add_service = [&](const std::string& name, const auto& self) -> void {
    const auto* known = at_hand({DocumentKind::service, name});
    if (!known || !documents.insert(known).second) return;
    for (const auto& after : std::get<Service>(known->document).depends_on) self(after.service, self);
  };
  std::set<std::string> environments;  // where the targets are, or were
  const auto add_target = [&](const SourcedDocument* known) {
    if (!known || !documents.insert(known).second) return;
    const auto& id = std::get<Target>(known->document).id;
    environments.insert(id.environment);
    add_service(id.service, add_service);
  };
  std::set<TargetId> names;  // of changed targets, old and new
  for (const auto& [name, replaced] : files) {
    for (const auto& document : replaced) {
      const auto& target = std::get<Target>(document.document);
      add_target(&document);
      names.insert(target.id);
      if (target.formerly) names.insert(*target.formerly);
    }
    const auto* old = file(name);
    if (!old) continue;
    for (const auto& document : *old) environments.insert(std::get<Target>(document.document).id.environment);
  }
  // Duplicates, and who still has or has taken a name.
  for (const auto& id : names) add_target(at_hand({DocumentKind::target, document_name(id)}));
  for (const auto* renamed : renamed_) {
    const auto& old = std::get<Target>(renamed->document).formerly;
    if (names.contains(*old) && !files.contains(renamed->source.file)) add_target(renamed);
  }
  std::set<std::string> ignoring;  // environments where it matters which variables any target sets
  for (const auto& [key, document] : by_key_) {
    if (key.kind != DocumentKind::environment && key.kind != DocumentKind::access_policy) continue;
    if (at_hand(key)) documents.insert(document);
    if (const auto* environment = std::get_if<Environment>(&document->document)) {
      const bool ignores = !environment->ignore_differences.empty();
      if (ignores && environments.contains(environment->name)) ignoring.insert(environment->name);
      for (const auto& monitor : environment->monitors) {
        for (const auto& service : monitor.services) add_service(service, add_service);
      }
    } else {
      for (const auto& grant : std::get<AccessPolicy>(document->document).grants) {
        for (const auto& service : grant.services) add_service(service, add_service);  // of "*" there is none
      }
    }
  }
  if (ignoring.empty()) return {documents.begin(), documents.end()};
  for (const auto& [key, document] : by_key_) {
    const auto* target = key.kind == DocumentKind::target ? std::get_if<Target>(&document->document) : nullptr;
    if (target != nullptr && ignoring.contains(target->id.environment)) add_target(at_hand(key));
  }
  return {documents.begin(), documents.end()};
}

}  // namespace headgate::reconciler
