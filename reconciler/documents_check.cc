// Remembers the documents by their names, and asks all questions in turn.
#include "reconciler/documents_check.h"

#include <fmt/core.h>

#include <algorithm>

namespace headgate::reconciler {

DocumentsCheck::DocumentsCheck(const std::vector<const SourcedDocument*>& all, const NotRead& not_read,
                               const std::optional<HostOffers>& host)
    : all_(all), not_read_(not_read), host_(host) {
  for (const auto* sourced : all) {
    std::visit([&](const auto& document) { add(document, *sourced); }, sourced->document);
  }
}

std::vector<Diagnostic> DocumentsCheck::run(const CommitFiles& files) {
  for (const auto& [name, service] : services_) check(*service.document, *service.sourced);
  for (const auto& [name, environment] : environments_) check(*environment.document, *environment.sourced);
  for (const auto& [name, target] : targets_) check(*target.document, *target.sourced);
  check_old_names();
  check_order();
  if (policy_) check(*policy_->document, *policy_->sourced);
  for (const auto& [name, policy] : notification_policies_) check(*policy.document, *policy.sourced);
  for (const auto& [name, environment] : environments_) check_ignored(*environment.document, *environment.sourced);
  check_host(all_, host_,
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
  return services_.contains(name) || is_not_read({DocumentKind::service, name});
}

bool DocumentsCheck::is_environment(const std::string& name) const {
  return environments_.contains(name) || is_not_read({DocumentKind::environment, name});
}

bool DocumentsCheck::is_not_read(const DocumentKey& key) const {
  return not_read_.others || std::ranges::find(not_read_.named, key) != not_read_.named.end();
}

bool DocumentsCheck::all_read_of(DocumentKind kind) const {
  return !not_read_.others && std::ranges::find(not_read_.named, kind, &DocumentKey::kind) == not_read_.named.end();
}

void DocumentsCheck::report(const SourcedDocument& sourced, std::string path, std::string message,
                            std::string expected) {
  if (++count_ > kMaxDiagnostics) return;
  reports_.push_back({&sourced, std::move(path), std::move(message), std::move(expected)});
}

template <class T>
void DocumentsCheck::remember(ByName<T>& by_name, const T& document, std::string_view name,
                              const SourcedDocument& sourced) {
  const auto [first, is_new] = by_name.emplace(name, Found<T>{&document, &sourced});
  if (is_new) return;
  const auto kind = name_of(key_of(sourced.document).kind);
  const auto at = [&](const SourcedDocument& here, const SourcedDocument& there) {
    report(here, "/metadata/name", fmt::format("{} {} is there twice", kind, quoted(name)),
           fmt::format("it once; the other is at {}:{}", there.source.file, there.source.line));
  };
  at(*first->second.sourced, sourced);
  at(sourced, *first->second.sourced);
}

void DocumentsCheck::add(const Service& service, const SourcedDocument& sourced) {
  remember(services_, service, service.name, sourced);
}

void DocumentsCheck::add(const Environment& environment, const SourcedDocument& sourced) {
  remember(environments_, environment, environment.name, sourced);
}

void DocumentsCheck::add(const Target& target, const SourcedDocument& sourced) {
  remember(targets_, target, target_names_.emplace_back(key_of(sourced.document).name), sourced);
}

void DocumentsCheck::add(const NotificationPolicy& policy, const SourcedDocument& sourced) {
  remember(notification_policies_, policy, policy.name, sourced);
}

void DocumentsCheck::add(const AccessPolicy& policy, const SourcedDocument& sourced) {
  if (!policy_) {
    policy_ = Found<AccessPolicy>{&policy, &sourced};
    for (const auto& team : policy.teams) teams_.emplace(team.name, Found<Team>{&team, &sourced});
    return;
  }
  const auto at = [&](const SourcedDocument& here, const SourcedDocument& there) {
    report(here, "/kind", "more than one AccessPolicy",
           fmt::format("one in the whole repository; another is at {}:{}", there.source.file, there.source.line));
  };
  at(*policy_->sourced, sourced);
  at(sourced, *policy_->sourced);
}

std::vector<Diagnostic> YamlDocumentParser::check(const std::vector<const SourcedDocument*>& all,
                                                  const CommitFiles& files, const NotRead& not_read) const {
  return DocumentsCheck(all, not_read, host_).run(files);
}

}  // namespace headgate::reconciler
