#include "reconciler/reconciler.h"

#include <algorithm>
#include <utility>

#include "engine/base/digest.h"
#include "engine/domain/access.h"
#include "engine/domain/governance.h"
#include "engine/ports/caught.h"
#include "engine/ports/submit_and_wait.h"
#include "reconciler/documents_parser.h"
#include "reconciler/observed_commit.h"
#include "reconciler/schedules.h"
#include "reconciler/windows.h"
#include "reconciler/yaml_diagnostics.h"
#include "reconciler/yaml_tree.h"

namespace headgate::reconciler {
namespace {

constexpr std::size_t max_commits = 20'000;  // recorded one by one of a push; of a larger one the newest
constexpr std::size_t commits_per_command = 200;
constexpr std::size_t documents_per_command = 200;

bool same_rules(const std::vector<ApprovalRule>& some, const std::vector<ApprovalRule>& others) {
  return std::ranges::equal(some, others, [](const ApprovalRule& a, const ApprovalRule& b) {
    return a.team == b.team && a.count == b.count;
  });
}

}  // namespace

Reconciler::Reconciler(ReconcilerOptions options, Repository& repository, const DocumentParser& parser, People& people,
                       CommandDriver& driver, const StateView& state, CommandSink& sink, Clock& clock, Notice notice)
    : options_(std::move(options)),
      repository_(repository),
      parser_(parser),
      people_(people),
      driver_(driver),
      state_(state),
      sink_(sink),
      clock_(clock),
      notice_(std::move(notice)) {}

Reconciler::~Reconciler() = default;  // the thread is asked to stop and joined

void Reconciler::start() {
  thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

RepositoryStatus Reconciler::status() const {
  const std::scoped_lock lock(mutex_);
  return status_;
}

bool Reconciler::has_looked() const {
  const std::scoped_lock lock(mutex_);
  return has_looked_;
}

void Reconciler::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    const auto began = clock_.steady();
    bool accepted = false;
    const auto looked = caught([&]() -> Result<void> {
      accepted = look(stop).has_value();
      join_people();
      if (stop.stop_requested()) return {};
      renew_windows();
      renew_schedules();
      return {};
    });
    if (stop.stop_requested()) return;
    if (!looked) {
      notice_(NoticeLevel::warning, "the repository could not be looked at: " + looked.error().message,
              options_.repository);
    }
    {
      const std::scoped_lock lock(mutex_);
      has_looked_ = true;
    }
    if (accepted && options_.looked) options_.looked(clock_.steady() - began);
    repository_.wait(options_.poll, stop);
  }
}

Result<Receipt> Reconciler::submit(Command command) {
  return submit_and_wait(sink_, {.command = std::move(command)});
}

// Only a policy in force makes one person of several ids: what was merely pushed must not.
void Reconciler::join_people() {
  std::vector<Person> people;
  state_.with_state([&](const State& state) {
    if (const auto* policy = state.access(); policy && policy->people != joined_) people = policy->people;
  });
  if (people.empty()) return;
  for (const auto& person : people) {
    const auto joined = people_.join({person.id, person.also});
    if (joined) continue;
    notice_(NoticeLevel::warning,
            "the directory of people does not join what identifies them: " + joined.error().message, person.id);
  }
  joined_ = std::move(people);
}

Result<bool> Reconciler::look(std::stop_token stop) {
  join_people();
  std::string known;
  state_.with_state([&](const State& state) {
    const auto at = state.repositories.find(options_.repository);
    if (at != state.repositories.end()) known = at->second.head;
  });
  const auto head = repository_.fetch(known, max_commits, stop);
  if (stop.stop_requested()) return false;
  {
    const std::scoped_lock lock(mutex_);
    if (head) {
      status_ = {head->sha, clock_.now(), {}};
    } else {
      status_.error = head.error().message;
    }
  }
  if (!head) {
    if (!std::exchange(unreachable_, true)) {
      notice_(NoticeLevel::warning, "the repository cannot be read: " + head.error().message, options_.repository);
    }
    submit(ReportRepository{options_.repository, head.error().message});
    return std::unexpected(head.error());
  }
  if (std::exchange(unreachable_, false)) {
    notice_(NoticeLevel::info, "the repository can be read again", options_.repository);
  }
  submit(ReportRepository{options_.repository, {}});
  const auto result = [&]() -> Result<bool> {
    if (head->sha != known) HEADGATE_TRY_VOID(observe_commits(*head, known));
    // Read when nobody can approve an older proposal any more.
    const auto standing = standing_of(head->sha);
    if (standing.dealt_with) return false;
    HEADGATE_TRY(const bool accepted, reconcile(head->sha, standing.in_force, stop));
    judged_ = head->sha;
    return accepted;
  }();
  if (!result && !stop.stop_requested()) {
    notice_(NoticeLevel::warning, "commit " + head->sha + " could not be reconciled: " + result.error().message,
            options_.repository);
    const std::scoped_lock lock(mutex_);
    status_.error = result.error().message;
  }
  return result;
}

Reconciler::Standing Reconciler::standing_of(const std::string& commit) const {
  Standing standing;
  state_.with_state([&](const State& state) {
    const auto& c = state.configuration;
    standing.in_force = c.commit;
    if (c.proposal && c.proposal->commit != commit) return;
    standing.dealt_with = commit == c.commit || (commit == c.rejected_commit && commit == judged_) ||
                          (c.declined && c.declined->commit == commit) ||
                          (c.proposal && same_rules(c.proposal->change.governance, options_.governance));
  });
  return standing;
}

// Each of them is recorded: whoever is left out could approve their own work.
Result<void> Reconciler::observe_commits(const Head& head, const std::string& known) {
  std::uint64_t changed = 0;
  if (const auto changes = repository_.changes(known, head.sha)) changed = changes->size();
  auto commits = head.commits;
  auto count = head.commit_count;
  if (commits.empty()) {  // the branch went back
    HEADGATE_TRY(auto history, repository_.history({}, head.sha, 1));
    commits = std::move(history.commits);
  } else if (!known.empty() && count > commits.size()) {  // of the one before nothing is at hand, or they are too many
    HEADGATE_TRY(auto history, repository_.whole_history(head.sha, max_commits));
    if (history.commits.size() > commits.size()) commits = std::move(history.commits);
  }
  const bool too_many = !known.empty() && count > commits.size();
  if (too_many) {
    notice_(NoticeLevel::warning,
            "a push of " + std::to_string(count) + " commits: the newest " + std::to_string(commits.size()) +
                " are recorded one by one, and nobody can approve what it brings",
            options_.repository);
  }
  ObserveCommits command{options_.repository, options_.branch, head.rewritten ? known : std::string(), {}, head.sha};
  for (const auto& commit : commits) {
    HEADGATE_TRY(auto observed, observed_commit(commit, options_.repository, options_.branch, people_));
    if (commit.sha == head.sha) {
      observed.changed = changed;
      if (too_many) observed.co_authors.emplace_back(anybody);
    }
    command.commits.push_back(std::move(observed));
    if (command.commits.size() < commits_per_command) continue;
    HEADGATE_TRY_VOID(submit(command));
    command.commits.clear();
    command.rewritten_from.clear();
  }
  if (!command.commits.empty()) HEADGATE_TRY_VOID(submit(std::move(command)));
  return {};
}

Result<bool> Reconciler::reconcile(const std::string& commit, const std::string& in_force,
                                   const std::stop_token& stop) {
  if (!in_force_ || in_force_commit_ != in_force) {
    state_.with_state([&](const State& state) {
      in_force_ = DocumentSet::of(state);
      in_force_commit_ = state.configuration.commit;
    });
  }
  auto changes = repository_.changes(in_force, commit);
  if (!changes && changes.error().code == ErrorCode::not_found && !in_force.empty()) {
    // The commit in force may have gone with a rewrite and a new clone.
    changes = repository_.changes({}, commit);
    if (changes) {
      // All files of the commit; those in force that are not among them have gone.
      std::set<std::string> gone = in_force_->file_names();
      for (const auto& change : *changes) gone.erase(change.path);
      for (const auto& path : gone) changes->push_back({path, {}, false});
    }
  }
  if (!changes) return std::unexpected(changes.error());
  HEADGATE_TRY(auto read, read_files(commit, *changes));
  std::optional<Error> trouble;
  const auto files = files_of(commit, trouble);
  append_new(read.diagnostics, parser_.check(in_force_->to_check(read.files, read.not_read), files, read.not_read));
  if (trouble) return std::unexpected(*trouble);
  if (read.diagnostics.empty()) return accept(commit, std::move(read.files), stop);
  notice_(NoticeLevel::warning,
          "commit " + commit +
              " is rejected, the last good configuration stays in force: " + to_string(read.diagnostics.front()),
          options_.repository);
  HEADGATE_TRY_VOID(submit(RejectConfiguration{options_.repository, commit, std::move(read.diagnostics)}));
  return false;
}

void Reconciler::Read::refuse(Diagnostic diagnostic) {
  append_new(diagnostics, {std::move(diagnostic)});
  not_read.others = true;
}

CommitFiles Reconciler::files_of(const std::string& commit, std::optional<Error>& trouble) const {
  const auto find = [this, &commit, &trouble](std::string_view path) -> std::optional<std::string> {
    auto blob = repository_.blob_at(commit, std::string(path));
    if (blob) return *blob;
    trouble = blob.error();
    return std::nullopt;
  };
  const auto read = [this, &trouble](const std::string& blob, std::size_t max_bytes) {
    auto text = repository_.read_blob(blob, max_bytes);
    if (!text && text.error().code != ErrorCode::too_large) trouble = text.error();
    return text;
  };
  return {find, read};
}

Result<Reconciler::Read> Reconciler::read_files(const std::string& commit,
                                                const std::vector<FileChange>& changes) const {
  Read read;
  std::map<std::string, std::string> to_parse;  // path -> blob
  std::set<std::string> other;
  std::set<std::string> nameless;  // removed, and never to be read under that name
  for (const auto& change : changes) {
    if (!is_document_file(change.path)) {
      other.insert(change.path);
    } else if (auto problem = name_problem(change.path)) {
      if (change.blob.empty()) {
        nameless.insert(std::move(problem->file));
      } else {
        read.refuse(std::move(*problem));
      }
    } else if (change.blob.empty()) {
      read.files[change.path] = {};
    } else {
      to_parse[change.path] = change.blob;
    }
  }
  // A script that changed is another script, and a file of variables gives others: their documents are read anew.
  if (!other.empty()) {
    for (const auto& path : in_force_->files_bound_to(other)) {
      if (read.files.contains(path) || to_parse.contains(path)) continue;
      HEADGATE_TRY(auto blob, repository_.blob_at(commit, path));
      if (blob) {
        to_parse[path] = *blob;
      } else {
        read.refuse({path,
                     1,
                     1,
                     "a document of the file is in force, and the commit has no file of that name",
                     {},
                     "a name in UTF-8 without control characters: rename the file"});
      }
    }
  }
  // Once such files were taken, under a name that several may have come to: what is in force goes with the last.
  std::erase_if(nameless, [&](const std::string& path) { return in_force_->file(path) == nullptr; });
  if (!nameless.empty()) {
    HEADGATE_TRY(const auto all, repository_.changes({}, commit));
    for (const auto& file : all) {
      nameless.erase(file.path);
      if (auto problem = is_document_file(file.path) ? name_problem(file.path) : std::nullopt) {
        read.refuse(std::move(*problem));
      }
    }
    for (const auto& path : nameless) read.files[path] = {};
  }
  std::optional<Error> trouble;
  const auto commit_files = files_of(commit, trouble);
  for (const auto& [path, blob] : to_parse) {
    auto text = repository_.read_blob(blob, kMaxFileBytes);
    if (!text && text.error().code == ErrorCode::too_large) {
      read.diagnostics.push_back({path, 1, 1, "the file is too large", text.error().message, "at most 1 MiB"});
      read.not_read.others = true;
      read.files[path] = {};
      continue;
    }
    if (!text) return std::unexpected(text.error());
    auto parsed = parser_.parse({path, blob, std::move(*text)}, commit_files);
    if (trouble) return std::unexpected(*trouble);
    append_new(read.diagnostics, std::move(parsed.diagnostics));
    read.not_read.add(std::move(parsed.not_read));
    for (const auto& document : parsed.documents) {
      const auto key = key_of(document.document);
      const auto bytes = stored_size_bound(document.document);
      if (bytes <= max_document_bytes(key.kind)) continue;
      read.diagnostics.push_back({path, document.source.line, 1,
                                  std::string(name_of(key.kind)) + " '" + key.name + "' is too large for one record",
                                  "about " + std::to_string(bytes) + " bytes once resolved",
                                  "at most " + std::to_string(max_document_bytes(key.kind)) + " bytes"});
    }
    read.files[path] = std::move(parsed.documents);
  }
  return read;
}

void Reconciler::renew_schedules() {
  const auto now = clock_.now();
  std::vector<std::pair<TargetId, std::string>> due;
  state_.with_state([&](const State& state) { due = schedules_due(state, now); });
  for (const auto& [target, schedule] : due) {
    auto expanded = expand_schedule(target, schedule, now);
    const auto recorded =
        expanded ? submit(ExpandSchedule{std::move(*expanded)}) : Result<Receipt>(std::unexpected(expanded.error()));
    if (!recorded)
      notice_(NoticeLevel::warning, "its schedule stands still: " + recorded.error().message, to_string(target));
  }
  std::vector<DueGateSchedule> gates;
  state_.with_state([&](const State& state) { gates = gate_schedules_due(state, now); });
  for (const auto& [service, gate, schedule] : gates) {
    auto expanded = expand_gate_schedule(service, gate, schedule, now);
    const auto recorded = expanded ? submit(ExpandGateSchedule{std::move(*expanded)})
                                   : Result<Receipt>(std::unexpected(expanded.error()));
    if (recorded) continue;
    notice_(NoticeLevel::warning, "the schedule of gate " + gate + " stands still: " + recorded.error().message,
            service);
  }
}

void Reconciler::renew_windows() {
  const auto now = clock_.now();
  std::vector<std::pair<std::string, std::vector<Window>>> due;
  state_.with_state([&](const State& state) {
    for (const auto& [name, environment] : state.environments) {
      const auto known = state.windows.find(name);
      const auto& windows = environment.document.windows;
      if (expansion_is_due(windows, known == state.windows.end() ? nullptr : &known->second, now)) {
        due.emplace_back(name, windows);
      }
    }
  });
  for (auto& [name, windows] : due) {
    auto expanded = expand_windows(name, windows, now);
    const auto recorded = expanded ? submit(ExpandWindows{std::move(windows), std::move(*expanded)})
                                   : Result<Receipt>(std::unexpected(expanded.error()));
    if (!recorded) {
      notice_(NoticeLevel::warning, "environment " + name + " stays closed: " + recorded.error().message, name);
    }
  }
}

Result<void> Reconciler::prepare_scripts(const std::vector<SourcedDocument>& documents) {
  for (const auto& document : documents) {
    for (const auto* run : runs_of(document.document)) HEADGATE_TRY_VOID(driver_.prepare(*run));
  }
  return {};
}

// Whether the commit is known to be rejected for its signature, and would be again: its documents need not be staged
// once more at each start to learn that.
bool Reconciler::was_rejected_for_it(const AcceptConfiguration& command,
                                     const DocumentSet::Difference& difference) const {
  if (!command.not_signed) return false;
  std::vector<Staged> staged;
  for (const auto& document : difference.accepted) staged.push_back({key_of(document.document), document});
  for (const auto& key : difference.removed) staged.push_back({key, std::nullopt});
  bool was = false;
  state_.with_state([&](const State& state) {
    const auto& known = state.configuration;
    if (known.rejected_commit != command.commit || known.diagnostics.size() != 1) return;
    const auto change = change_of(state, command, staged, sha256_digest);
    was = change.policy > 0 &&
          known.diagnostics.front() == not_signed(change, staged, command.commit, *command.not_signed);
  });
  return was;
}

Result<bool> Reconciler::accept(const std::string& commit, DocumentSet::Files files, const std::stop_token& stop) {
  auto difference = in_force_->difference(files);
  HEADGATE_TRY_VOID(prepare_scripts(difference.accepted));
  // Signatures are asked for where more than Targets changes; whether that is the policy is for the engine to say.
  const bool of_policy =
      std::ranges::any_of(difference.accepted,
                          [](const SourcedDocument& d) { return !std::holds_alternative<Target>(d.document); }) ||
      std::ranges::any_of(difference.removed, [](const DocumentKey& key) { return key.kind != DocumentKind::target; });
  std::optional<std::string> not_signed;
  if (options_.why_not_signed && of_policy) {
    HEADGATE_TRY(not_signed, options_.why_not_signed(commit, stop));
  }
  const AcceptConfiguration command{options_.repository, commit, options_.governance, in_force_commit_, not_signed};
  if (was_rejected_for_it(command, difference)) return false;
  StageDocuments stage{commit, {}, {}};
  const auto flush = [&]() -> Result<void> {
    HEADGATE_TRY_VOID(submit(stage));
    stage.accepted.clear();
    stage.removed.clear();
    return {};
  };
  for (auto& document : difference.accepted) {
    stage.accepted.push_back(std::move(document));
    if (stage.accepted.size() >= documents_per_command) HEADGATE_TRY_VOID(flush());
  }
  for (auto& key : difference.removed) {
    stage.removed.push_back(std::move(key));
    if (stage.accepted.size() + stage.removed.size() >= documents_per_command) HEADGATE_TRY_VOID(flush());
  }
  if (!stage.accepted.empty() || !stage.removed.empty()) HEADGATE_TRY_VOID(flush());
  HEADGATE_TRY_VOID(submit(command));
  bool in_force = false;
  std::optional<ConfigurationChange> proposed;
  state_.with_state([&](const State& state) {
    in_force = state.configuration.commit == commit;
    if (!in_force && state.configuration.proposal) proposed = state.configuration.proposal->change;
  });
  if (proposed) {
    notice_(NoticeLevel::info,
            "commit " + commit + " waits for approval: " + describe_change(*proposed) + "; headgate config approve " +
                proposed->digest,
            options_.repository);
  }
  if (!in_force) return false;
  in_force_->replace(std::move(files));
  in_force_commit_ = commit;
  return true;
}

}  // namespace headgate::reconciler
