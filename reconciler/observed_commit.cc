#include "reconciler/observed_commit.h"

namespace headgate::reconciler {

Result<CommitObserved> observed_commit(const Commit& commit, const std::string& repository, const std::string& branch,
                                       People& people) {
  CommitObserved observed;
  observed.repository = repository;
  observed.branch = branch;
  observed.sha = commit.sha;
  observed.parents = commit.parents;
  HEADGATE_TRY(observed.author, people.person_by_email(commit.author.name, commit.author.email));
  HEADGATE_TRY(observed.committer, people.person_by_email(commit.committer.name, commit.committer.email));
  for (const auto& person : commit.co_authors) {
    HEADGATE_TRY(auto id, people.person_by_email(person.name, person.email));
    observed.co_authors.push_back(std::move(id));
  }
  observed.message = commit.subject;
  return observed;
}

}  // namespace headgate::reconciler
