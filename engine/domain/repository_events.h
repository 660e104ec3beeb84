// Events of the watched repositories: commits as they come, and what becomes of the connection. See events.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/domain/event_type.h"
#include "engine/domain/names.h"

namespace headgate {

struct CommitObserved {
  static constexpr EventType type{"commit.observed"};
  std::string repository;
  std::string branch;
  std::string sha;
  std::vector<std::string> parents;
  std::string author;  // person ids
  std::string committer;
  std::vector<std::string> co_authors;
  std::string message;        // first line
  std::uint64_t changed = 0;  // files that differ from the commit dealt with before
  bool operator==(const CommitObserved&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.repository);
    v.correlation(s.sha);
    v("branch", s.branch);
    v("parents", s.parents);
    v("author", s.author);
    v("committer", s.committer);
    v("co_authors", s.co_authors);
    v("message", s.message);
    v("changed", s.changed);
  }
};

struct HistoryRewritten {
  static constexpr EventType type{"history.rewritten"};
  std::string repository;
  std::string branch;
  std::string from;
  std::string to;
  bool operator==(const HistoryRewritten&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.repository);
    v.correlation(s.to);
    v("branch", s.branch);
    v("from", s.from);
  }
};

struct RepositoryUnreachable {
  static constexpr EventType type{"repository.unreachable"};
  std::string repository;
  std::string reason;
  bool operator==(const RepositoryUnreachable&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.repository);
    v("reason", s.reason);
  }
};

struct RepositoryRecovered {
  static constexpr EventType type{"repository.recovered"};
  std::string repository;
  bool operator==(const RepositoryRecovered&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.repository);
  }
};

}  // namespace headgate
