// What no file can tell alone: whether the documents of a repository fit together. documents_check.cc begins, each of
// its neighbours holds one kind of question.
//
// A document with mistakes of its own is asked for whom it names, and for nothing that rests on what it leaves out. No
// other one is at fault for it.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/documents_check_host.h"
#include "reconciler/documents_cited.h"
#include "reconciler/documents_parser.h"
#include "reconciler/yaml_diagnostics.h"

namespace headgate::reconciler {

class DocumentsCheck {
 public:
  // All three must outlive it.
  DocumentsCheck(const std::vector<const SourcedDocument*>& all, const NotRead& not_read,
                 const std::optional<HostOffers>& host);
  std::vector<Diagnostic> run(const CommitFiles& files);  // once

 private:
  static constexpr std::size_t kMaxDiagnostics = 1000;
  static constexpr std::size_t kMaxSuggestions = 100;

  template <class T>
  struct Found {
    const T* document;
    const SourcedDocument* sourced;
  };
  template <class T>
  using ByName = std::map<std::string_view, Found<T>>;

  // Whether there is such a document, whatever it says; also of a name that was not read.
  bool is_service(const std::string& name) const;
  bool is_environment(const std::string& name) const;
  bool is_not_read(const DocumentKey& key) const;
  bool all_read_of(DocumentKind kind) const;
  bool is_whole(const SourcedDocument& sourced) const;
  // f(document, sourced) of those of a kind, then of those that were partly read.
  template <class T, class F>
  void for_each(const ByName<T>& whole, F f) const {
    for (const auto& [name, found] : whole) f(*found.document, *found.sourced);
    for (const auto& sourced : not_read_.partly) {
      if (const auto* document = std::get_if<T>(&sourced.document)) f(*document, sourced);
    }
  }

  // `path`: of the node that is at fault, see Citation.
  void report(const SourcedDocument& sourced, std::string path, std::string message, std::string expected);
  template <class T>
  std::string suggestion(std::string_view name, const std::map<std::string_view, T>& known) const {
    if (count_ >= kMaxSuggestions) return {};
    std::vector<std::string_view> names;
    names.reserve(known.size());
    for (const auto& [each, found] : known) names.push_back(each);
    return did_you_mean(name, names);
  }

  void remember_name(const SourcedDocument& sourced);  // reports what is there twice
  void add(const Service& service, const SourcedDocument& sourced);
  void add(const Environment& environment, const SourcedDocument& sourced);
  void add(const Target& target, const SourcedDocument& sourced);
  void add(const NotificationPolicy& policy, const SourcedDocument& sourced);
  void add(const AccessPolicy& policy, const SourcedDocument& sourced);

  // Whom documents name: documents_check_references.cc.
  void check(const Service& service, const SourcedDocument& sourced);
  void check(const Environment& environment, const SourcedDocument& sourced);
  void check(const Target& target, const SourcedDocument& sourced);
  void check(const NotificationPolicy& policy, const SourcedDocument& sourced);
  // Where the variables of an environment are known, one that none of its targets sets is mistyped.
  void check_ignored(const Environment& environment, const SourcedDocument& sourced);

  // What names stand in which order: documents_check_names.cc.
  void check_order();      // services that are promoted after each other
  void check_old_names();  // of two documents only one can carry on what happened under a name

  // What a stage needs of the place that it leads to: documents_check_places.cc.
  // `at`: the path of the stage.
  void check_places(const Service& service, const Stage& stage, const std::string& at, const SourcedDocument& sourced);
  void check_strategy(const Stage& stage, const std::string& at, const SourcedDocument& sourced);
  void check_retirement(const Target& target, const SourcedDocument& sourced);
  const Stage* stage_with_driver(const TargetId& id) const;

  // Whether there is anybody who can approve: documents_check_approvals.cc.
  // `at`: the path of the rule.
  void check_approvals(const Service& service, const Stage& stage, const ApprovalRule& rule, const std::string& at,
                       const SourcedDocument& sourced);
  void check_exceptions(const Service& service, const Stage& stage, const std::string& at,
                        const SourcedDocument& sourced);
  void check(const AccessPolicy& policy, const SourcedDocument& sourced);
  std::set<std::string_view> approvers(std::string_view service, std::string_view environment) const;

  const std::vector<const SourcedDocument*>& all_;
  const NotRead& not_read_;
  const std::optional<HostOffers>& host_;
  std::vector<Citation> reports_;
  std::size_t count_ = 0;  // also of those beyond kMaxDiagnostics
  std::map<DocumentKey, const SourcedDocument*> named_;
  ByName<Service> services_;
  ByName<Environment> environments_;
  ByName<Target> targets_;
  ByName<NotificationPolicy> notification_policies_;
  std::deque<std::string> target_names_;           // what the keys of targets_ point into
  ByName<AccessPolicy> access_policies_;           // the first
  const AccessPolicy* policy_ = nullptr;           // likewise
  std::map<std::string_view, const Team*> teams_;  // of policy_
};

}  // namespace headgate::reconciler
