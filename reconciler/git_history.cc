#include "reconciler/git_history.h"

#include <strings.h>

#include <algorithm>

#include "engine/base/utf8.h"

namespace headgate::reconciler {
namespace {

constexpr std::size_t kSubjectBytes = 200;
constexpr std::size_t kNameBytes = 200;
constexpr std::size_t kEmailBytes = 320;        // RFC 3696: 64 + 1 + 255
constexpr std::size_t kMessageBytes = 1 << 20;  // of which co-authors are read
constexpr std::size_t kCoAuthors = 256;
constexpr std::size_t kParents = 64;

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

CommitPerson person_of(const git_signature* signature) {
  if (signature == nullptr) return {};
  return {clean_text(signature->name, kNameBytes), clean_text(signature->email, kEmailBytes)};
}

Timestamp time_of(const git_commit* commit) {
  constexpr git_time_t kFirst = -62'167'219'200;  // 0000-01-01T00:00:00Z
  constexpr git_time_t kLast = 253'402'300'799;   // 9999-12-31T23:59:59Z
  return Timestamp(std::chrono::seconds(std::clamp(git_commit_time(commit), kFirst, kLast)));
}

}  // namespace

std::string clean_text(std::string_view text, std::size_t max_bytes) {
  std::string clean;
  while (!text.empty()) {
    const std::size_t length = utf8_character(text);
    std::string_view piece = length == 0 ? kReplacementCharacter : text.substr(0, length);
    const auto first = static_cast<unsigned char>(piece.front());
    const bool c1_control = length == 2 && first == 0xC2 && static_cast<unsigned char>(piece[1]) < 0xA0;
    if (first < 0x20 || first == 0x7F || c1_control) piece = " ";
    if (clean.size() + piece.size() > max_bytes) break;
    clean += piece;
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return clean;
}

std::vector<CommitPerson> co_authors_of(std::string_view message) {
  constexpr std::string_view kKey = "co-authored-by:";
  std::vector<CommitPerson> people;
  message = message.substr(0, kMessageBytes);
  while (!message.empty() && people.size() < kCoAuthors) {
    const std::size_t end = std::min(message.find('\n'), message.size());
    std::string_view line = trim(message.substr(0, end));
    message.remove_prefix(std::min(end + 1, message.size()));
    if (line.size() <= kKey.size() || ::strncasecmp(line.data(), kKey.data(), kKey.size()) != 0) continue;
    line = trim(line.substr(kKey.size()));
    const std::size_t open = line.rfind('<');
    const std::size_t close = line.rfind('>');
    CommitPerson person;
    if (open != std::string_view::npos && close != std::string_view::npos && close > open) {
      person.name = clean_text(trim(line.substr(0, open)), kNameBytes);
      person.email = clean_text(trim(line.substr(open + 1, close - open - 1)), kEmailBytes);
    } else {
      person.name = clean_text(line, kNameBytes);
    }
    const auto same = [&](const CommitPerson& other) {
      return other.name == person.name && other.email == person.email;
    };
    if (std::ranges::none_of(people, same)) people.push_back(std::move(person));
  }
  return people;
}

Result<Commit> read_commit(git_repository* repository, const git_oid& id) {
  HEADGATE_TRY(const CommitHandle handle, read_commit_object(repository, id));
  Commit commit;
  commit.sha = format_oid(id);
  const std::size_t parents = std::min<std::size_t>(git_commit_parentcount(handle.get()), kParents);
  for (unsigned i = 0; i < parents; ++i) commit.parents.push_back(format_oid(*git_commit_parent_id(handle.get(), i)));
  commit.author = person_of(git_commit_author(handle.get()));
  commit.committer = person_of(git_commit_committer(handle.get()));
  const char* text = git_commit_message(handle.get());  // leading newlines are gone
  const std::string_view message = text != nullptr ? text : "";
  commit.subject = clean_text(trim(message.substr(0, message.find('\n'))), kSubjectBytes);
  commit.co_authors = co_authors_of(message);
  commit.time = time_of(handle.get());
  return commit;
}

Result<SignedCommit> read_signed_commit(git_repository* repository, const git_oid& id) {
  git_buf signature = GIT_BUF_INIT;
  git_buf payload = GIT_BUF_INIT;
  git_oid asked = id;
  const int code = git_commit_extract_signature(&signature, &payload, repository, &asked, nullptr);
  SignedCommit commit;
  if (code == 0) {
    commit.signature.assign(signature.ptr, signature.size);
    commit.payload.assign(payload.ptr, payload.size);
  }
  git_buf_dispose(&signature);
  git_buf_dispose(&payload);
  if (code == GIT_ENOTFOUND && git_error_last() != nullptr && git_error_last()->klass == GIT_ERROR_OBJECT)
    return commit;
  if (code != 0) return std::unexpected(unreadable_object(repository, id, "commit"));
  return commit;
}

Result<History> history_between(git_repository* repository, const git_oid* known, const git_oid& head,
                                std::size_t max_commits, std::uint64_t max_count) {
  RevwalkHandle walk;
  if (git_revwalk_new(out(walk), repository) != 0) {
    return std::unexpected(libgit_error(ErrorCode::io, "the history cannot be read"));
  }
  git_revwalk_sorting(walk.get(), known != nullptr ? GIT_SORT_TOPOLOGICAL | GIT_SORT_TIME : GIT_SORT_TIME);
  if (git_revwalk_push(walk.get(), &head) != 0) return std::unexpected(unreadable_object(repository, head, "commit"));
  if (known != nullptr && git_revwalk_hide(walk.get(), known) != 0) {
    return std::unexpected(unreadable_object(repository, *known, "commit"));
  }
  History history;
  std::vector<git_oid> newest;
  git_oid id;
  int code = 0;
  while (history.count < max_count && (code = git_revwalk_next(&id, walk.get())) == 0) {
    ++history.count;
    if (newest.size() < max_commits) newest.push_back(id);
  }
  if (code != 0 && code != GIT_ITEROVER) {
    return std::unexpected(libgit_error(ErrorCode::corrupt, "the history of " + format_oid(head) + " cannot be read"));
  }
  for (auto it = newest.rbegin(); it != newest.rend(); ++it) {
    HEADGATE_TRY(Commit commit, read_commit(repository, *it));
    history.commits.push_back(std::move(commit));
  }
  return history;
}

}  // namespace headgate::reconciler
