// Finds out who stands behind the releases that promotions wait with: whether their commits are signed, and whose work
// lies between them and what runs. What it learns it submits; what it means is the domain's.
#pragma once

#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "engine/ports/clock.h"
#include "engine/ports/command_sink.h"
#include "engine/ports/people.h"
#include "engine/ports/repository.h"
#include "engine/ports/state_view.h"
#include "reconciler/commit_signature.h"
#include "reconciler/notice.h"

namespace headgate::reconciler {

// Where commits of releases may be found.
struct WatchedCommits {
  std::string name;
  const Repository* repository = nullptr;
};

class AuthorshipWatch {
 public:
  AuthorshipWatch(std::vector<WatchedCommits> repositories, CommitSignatureVerifier& verifier, People& people,
                  const StateView& state, CommandSink& sink, Clock& clock, Notice notice);
  ~AuthorshipWatch();  // the thread is asked to stop and joined
  void start();        // the thread; it looks once a second

  // One look, on the caller's thread.
  void look(std::stop_token stop);

 private:
  struct Range {
    PromotionId promotion;
    std::string from;
    std::string to;
  };
  struct Wanted {
    std::vector<std::string> to_verify;
    std::vector<Range> to_attribute;
    std::vector<Person> people;  // who have signing keys
  };
  struct Checked {
    Duration at;       // steady
    std::string keys;  // that were known then
  };

  Wanted wanted();
  void add_keys(const Person& person, std::vector<PersonKey>& keys) const;
  void verify(const std::string& commit, const Wanted& wanted, std::stop_token stop);
  void attribute(const Range& range, const std::stop_token& stop);
  Result<PromotionAttributed> authors_of(const Range& range, const std::stop_token& stop);
  Result<std::set<std::string>> people_of(const Head& history, const std::stop_token& stop);
  void trouble(const std::string& message, const std::string& where);

  const std::vector<WatchedCommits> repositories_;
  CommitSignatureVerifier& verifier_;
  People& people_;
  const StateView& state_;
  CommandSink& sink_;
  Clock& clock_;
  Notice notice_;
  std::map<std::string, Checked> checked_;       // by commit; those that nobody waits for leave
  std::map<PromotionId, Duration> missed_;       // when they were looked for in vain, steady
  std::map<std::string, std::string> troubles_;  // told, by where
  std::jthread thread_;
};

}  // namespace headgate::reconciler
