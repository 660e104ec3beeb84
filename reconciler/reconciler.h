// Follows the environments repository: learns of a commit, fetches once, reads and parses only what differs from the
// configuration in force, and brings it to the engine. A commit with any mistake is rejected whole; the last good
// configuration stays in force.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "engine/ports/clock.h"
#include "engine/ports/command_sink.h"
#include "engine/ports/document_parser.h"
#include "engine/ports/people.h"
#include "engine/ports/repository.h"
#include "engine/ports/state_view.h"
#include "reconciler/command_driver.h"
#include "reconciler/document_set.h"
#include "reconciler/notice.h"

namespace headgate::reconciler {

struct ReconcilerOptions {
  std::string repository;  // its name
  std::string branch;
  Duration poll = std::chrono::minutes(1);
  std::vector<ApprovalRule> governance{};  // that a change of the policy takes; empty: none
  // Where the policy may change by signed commits alone: why a commit is not signed by one of the allowed signers;
  // unset when it is. Empty: nobody asks. An Error: nothing was learnt, look again later.
  std::function<Result<std::optional<std::string>>(const std::string& commit, const std::stop_token& stop)>
      why_not_signed{};
  // After each look that came to its end: how long it took.
  std::function<void(Duration took)> looked{};
};

struct RepositoryStatus {
  std::string head;
  std::optional<Timestamp> last_fetch;  // that succeeded
  std::string error;                    // of the last fetch, empty when it succeeded
};

class Reconciler {
 public:
  Reconciler(ReconcilerOptions options, Repository& repository, const DocumentParser& parser, People& people,
             CommandDriver& driver, const StateView& state, CommandSink& sink, Clock& clock, Notice notice);
  ~Reconciler();

  RepositoryStatus status() const;
  bool has_looked() const;  // whether the first look has ended, whatever it found

  // One look, on the caller's thread; the constructor's thread does it again and again. Public for tests and
  // benchmarks.
  Result<bool> look(std::stop_token stop);
  // Works out the windows of environments whose expansion is missing or runs out. After every look.
  void renew_windows();
  void renew_schedules();  // likewise of the schedules of stages
  void start();            // the thread

 private:
  struct Read {
    DocumentSet::Files files;
    std::vector<Diagnostic> diagnostics;
    NotRead not_read;
    void refuse(Diagnostic diagnostic);  // of a file that cannot be read at all
  };

  // How a commit stands to the configuration in force.
  struct Standing {
    std::string in_force;
    bool dealt_with = false;  // in force, proposed, declined, or rejected since the start
  };

  void run(std::stop_token stop);
  Standing standing_of(const std::string& commit) const;
  Result<void> observe_commits(const Head& head, const std::string& known);
  Result<bool> reconcile(const std::string& commit, const std::string& in_force, const std::stop_token& stop);
  // Its files, for the parser; what stands in the way of reading one becomes `trouble`. Both must outlive them.
  CommitFiles files_of(const std::string& commit, std::optional<Error>& trouble) const;
  Result<Read> read_files(const std::string& commit, const std::vector<FileChange>& changes) const;
  Result<bool> accept(const std::string& commit, DocumentSet::Files files, const std::stop_token& stop);
  bool was_rejected_for_it(const AcceptConfiguration& command, const DocumentSet::Difference& difference) const;
  Result<void> prepare_scripts(const std::vector<SourcedDocument>& documents);
  void join_people();
  Result<Receipt> submit(Command command);

  ReconcilerOptions options_;
  Repository& repository_;
  const DocumentParser& parser_;
  People& people_;
  CommandDriver& driver_;
  const StateView& state_;
  CommandSink& sink_;
  Clock& clock_;
  Notice notice_;

  std::optional<DocumentSet> in_force_;  // of `in_force_commit_`
  std::string in_force_commit_;
  std::string judged_;          // the last commit that was, since the start: what the host lacked may be there by now
  std::vector<Person> joined_;  // of the AccessPolicy in force: the directory knows them by it
  mutable std::mutex mutex_;
  RepositoryStatus status_;
  bool has_looked_ = false;
  bool unreachable_ = false;  // of the last look; its own thread's alone
  std::jthread thread_;
};

}  // namespace headgate::reconciler
