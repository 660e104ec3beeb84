// Remembers the documents by their names, and asks all questions in turn.
#include "reconciler/documents_check.h"

#include <fmt/core.h>

#include <algorithm>

namespace headgate::reconciler {

DocumentsCheck::DocumentsCheck(const std::vector<const SourcedDocument*>& all, const NotRead& not_read,
                               const std::optional<HostOffers>& host)
    : all_(all), not_read_(not_read), host_(host) {
  for (const auto* sourced : all) {
    remember_name(*sourced);
    std::visit([&](const auto& document) { add(document, *sourced); }, sourced->document);
  }
  for (const auto& sourced : not_read.partly) remember_name(sourced);
}

std::vector<Diagnostic> DocumentsCheck::run(const CommitFiles& files) {
  const auto ask = [this](const auto& document, const SourcedDocument& sourced) { check(document, sourced); };
  for_each(services_, ask);
  for_each(environments_, ask);
  for_each(targets_, ask);
  check_old_names();
  check_order();
  for_each(access_policies_, ask);
  for_each(notification_policies_, ask);
  auto all = all_;
  for (const auto& sourced : not_read_.partly) all.push_back(&sourced);
  check_host(all, host_,
             [this](const SourcedDocument& sourced, std::string path, std::string message, std::string expected) {
               report(sourced, std::move(path), std::move(message), std::move(expected));
             });
  auto diagnostics = diagnostics_of(std::move(reports_), files);
  if (count_ > kMaxDiagnostics) {
    const auto last = diagnostics.back();
    diagnostics.push_back({last.file, last.line, last.column,
                           fmt::format("{} more mistakes are not listed", count_ - kMaxDiagnostics), "", ""});
  }
  return diagnostics;
}

bool DocumentsCheck::is_service(const std::string& name) const {
  return name.empty() || services_.contains(name) || is_not_read({DocumentKind::service, name});
}

bool DocumentsCheck::is_environment(const std::string& name) const {
  return name.empty() || environments_.contains(name) || is_not_read({DocumentKind::environment, name});
}

bool DocumentsCheck::is_not_read(const DocumentKey& key) const {
  if (not_read_.others) return true;
  const auto known = named_.find(key);
  return known != named_.end() && !is_whole(*known->second);
}

bool DocumentsCheck::all_read_of(DocumentKind kind) const {
  return !not_read_.others && std::ranges::none_of(not_read_.partly, [&](const SourcedDocument& sourced) {
    return key_of(sourced.document).kind == kind;
  });
}

bool DocumentsCheck::is_whole(const SourcedDocument& sourced) const {
  return std::ranges::none_of(not_read_.partly, [&](const SourcedDocument& other) { return &other == &sourced; });
}

void DocumentsCheck::report(const SourcedDocument& sourced, std::string path, std::string message,
                            std::string expected) {
  if (++count_ > kMaxDiagnostics) return;
  reports_.push_back({&sourced, std::move(path), std::move(message), std::move(expected)});
}

void DocumentsCheck::remember_name(const SourcedDocument& sourced) {
  auto key = key_of(sourced.document);
  const auto* target = std::get_if<Target>(&sourced.document);
  if (target != nullptr && (target->id.service.empty() || target->id.environment.empty())) return;
  const bool is_policy = key.kind == DocumentKind::access_policy;
  if (is_policy) key.name.clear();  // one is enough
  const auto [first, is_new] = named_.emplace(key, &sourced);
  if (is_new) return;
  const auto at = [&](const SourcedDocument& here, const SourcedDocument& there) {
    const auto other = fmt::format("{}:{}", there.source.file, there.source.line);
    if (is_policy) {
      report(here, "/kind", "more than one AccessPolicy", "one in the whole repository; another is at " + other);
    } else {
      // A Target is known by what it points at, whatever its name says.
      report(here, target != nullptr ? "/spec/environment" : "/metadata/name",
             fmt::format("{} {} is there twice", name_of(key.kind), quoted(key.name)),
             "it once; the other is at " + other);
    }
  };
  at(*first->second, sourced);
  at(sourced, *first->second);
}

void DocumentsCheck::add(const Service& service, const SourcedDocument& sourced) {
  services_.emplace(service.name, Found<Service>{&service, &sourced});
}

void DocumentsCheck::add(const Environment& environment, const SourcedDocument& sourced) {
  environments_.emplace(environment.name, Found<Environment>{&environment, &sourced});
}

void DocumentsCheck::add(const Target& target, const SourcedDocument& sourced) {
  const auto& name = target_names_.emplace_back(document_name(target.id));
  targets_.emplace(name, Found<Target>{&target, &sourced});
}

void DocumentsCheck::add(const NotificationPolicy& policy, const SourcedDocument& sourced) {
  notification_policies_.emplace(policy.name, Found<NotificationPolicy>{&policy, &sourced});
}

void DocumentsCheck::add(const AccessPolicy& policy, const SourcedDocument& sourced) {
  if (!access_policies_.emplace("", Found<AccessPolicy>{&policy, &sourced}).second) return;
  policy_ = &policy;
  for (const auto& team : policy.teams) teams_.emplace(team.name, &team);
}

std::vector<Diagnostic> YamlDocumentParser::check(const std::vector<const SourcedDocument*>& all,
                                                  const CommitFiles& files, const NotRead& not_read) const {
  return DocumentsCheck(all, not_read, host_).run(files);
}

}  // namespace headgate::reconciler
