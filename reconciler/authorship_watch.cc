#include "reconciler/authorship_watch.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "engine/ports/caught.h"
#include "engine/ports/pause.h"

namespace headgate::reconciler {
namespace {

constexpr Duration look_every = std::chrono::seconds(1);
// A key may expire, and a commit be pushed later than the wish for it.
constexpr Duration look_again_after = std::chrono::minutes(10);
constexpr Duration look_for_missing_after = std::chrono::seconds(15);
constexpr std::size_t max_commits = 20'000;  // of one promotion
// So many ids fit one record.
constexpr std::size_t max_people = 2'000;

bool needs_authors(const Promotion& p) {
  return std::ranges::any_of(p.steps, [&](const LiveStep& s) {
    return s.step->unknown_authors || (s.step->kind == StepKind::approval && !p.rules.self_approval);
  });
}

bool needs_signature(const Promotion& p) {
  return std::ranges::any_of(p.steps, [](const LiveStep& s) { return s.step->signed_commit.has_value(); });
}

}  // namespace

AuthorshipWatch::AuthorshipWatch(std::vector<WatchedCommits> repositories, CommitSignatureVerifier& verifier,
                                 People& people, const StateView& state, CommandSink& sink, Clock& clock, Notice notice)
    : repositories_(std::move(repositories)),
      verifier_(verifier),
      people_(people),
      state_(state),
      sink_(sink),
      clock_(clock),
      notice_(std::move(notice)) {}

AuthorshipWatch::~AuthorshipWatch() = default;

void AuthorshipWatch::start() {
  thread_ = std::jthread([this](std::stop_token stop) {
    while (!stop.stop_requested()) {
      const auto looked = caught([&]() -> Result<void> {
        look(stop);
        return {};
      });
      if (!looked) trouble(looked.error().message, "");
      pause(look_every, stop);
    }
  });
}

AuthorshipWatch::Wanted AuthorshipWatch::wanted() {
  Wanted wanted;
  std::set<std::string> commits;
  std::set<PromotionId> waiting;
  state_.with_state([&](const State& state) {
    for (const auto& id : state.active) {
      const auto& p = *state.targets.at(id).promotion;
      const auto& to = p.to.release.commit;
      if (p.phase != Phase::waiting || to.empty()) continue;
      if (needs_signature(p)) commits.insert(to);
      const bool told = p.attribution && (p.attribution->known || p.attribution->commits > 0);
      if (needs_authors(p) && !told) {
        waiting.insert(p.id);
        wanted.to_attribute.push_back({p.id, p.from ? p.from->release.commit : std::string(), to});
      }
    }
    if (const auto* policy = state.access(); policy && !commits.empty()) {
      std::ranges::copy_if(policy->people, std::back_inserter(wanted.people),
                           [](const Person& person) { return !person.keys.empty(); });
    }
  });
  std::erase_if(checked_, [&](const auto& entry) { return !commits.contains(entry.first); });
  std::erase_if(missed_, [&](const auto& entry) { return !waiting.contains(entry.first); });
  wanted.to_verify.assign(commits.begin(), commits.end());
  return wanted;
}

void AuthorshipWatch::look(std::stop_token stop) {
  const auto wanted = this->wanted();
  for (const auto& commit : wanted.to_verify) {
    if (stop.stop_requested()) return;
    verify(commit, wanted, stop);
  }
  for (const auto& range : wanted.to_attribute) {
    if (stop.stop_requested()) return;
    attribute(range, stop);
  }
}

// Of any id of theirs: until the directory has joined these, each has its own.
void AuthorshipWatch::add_keys(const Person& person, std::vector<PersonKey>& keys) const {
  std::set<std::string> texts;
  const auto add = [&](const std::string& id) {
    if (const auto record = people_.find(id)) texts.insert(record->signing_keys.begin(), record->signing_keys.end());
  };
  add(person.id);
  std::ranges::for_each(person.also, add);
  for (const auto& text : texts) {
    auto key = parse_signing_key(text);
    // The directory remembers keys that the policy does not name any more.
    if (key && std::ranges::find(person.keys, key->fingerprint) != person.keys.end()) {
      keys.push_back({person.id, std::move(*key)});
    }
  }
}

void AuthorshipWatch::verify(const std::string& commit, const Wanted& wanted, std::stop_token stop) {
  std::string known_keys;
  for (const auto& person : wanted.people) {
    for (const auto& key : person.keys) known_keys += person.id + " " + key + "\n";
  }
  if (const auto at = checked_.find(commit);
      at != checked_.end() && at->second.keys == known_keys && clock_.steady() < at->second.at) {
    return;
  }
  CommitVerified verified;
  verified.commit = commit;
  verified.reason = "no watched repository holds it";
  for (const auto& [name, repository] : repositories_) {
    const auto read = repository->signed_commit(commit);
    if (!read && read.error().code == ErrorCode::not_found) continue;
    if (!read) return trouble(read.error().message, name);
    std::vector<PersonKey> keys;
    for (const auto& person : wanted.people) add_keys(person, keys);
    const auto report = verifier_.verify(*read, keys, stop);
    if (stop.stop_requested()) return;
    if (!report) return trouble(report.error().message, name);
    verified.repository = name;
    verified.verdict = report->verdict;
    verified.signer = report->person;
    verified.key = report->key;
    verified.reason = report->reason;
    break;
  }
  const bool missing = verified.verdict == SignatureVerdict::missing;
  if (!sink_.submit({.command = RecordSignature{std::move(verified)}}, [](Result<Receipt>) {})) return;
  trouble({}, "");
  checked_[commit] = {clock_.steady() + (missing ? look_for_missing_after : look_again_after), std::move(known_keys)};
}

// Where the commit that runs is not at hand, nobody knows where its work ends: all that the new one holds counts.
Result<PromotionAttributed> AuthorshipWatch::authors_of(const Range& range, const std::stop_token& stop) {
  PromotionAttributed attributed;
  attributed.promotion = range.promotion;
  attributed.from = range.from;
  attributed.to = range.to;
  for (const bool whole : {false, true}) {
    if (whole && range.from.empty()) break;
    for (const auto& [name, repository] : repositories_) {
      const auto history = whole ? repository->whole_history(range.to, max_commits)
                                 : repository->history(range.from, range.to, max_commits);
      if (!history && history.error().code == ErrorCode::not_found) continue;
      if (!history) return std::unexpected(history.error());
      attributed.repository = name;
      attributed.commits = history->commit_count;
      HEADGATE_TRY(auto people, people_of(*history, stop));
      // Some of them would be none of them: whoever is left out could approve.
      attributed.known = history->commit_count <= history->commits.size() && people.size() <= max_people;
      if (attributed.known) attributed.people.assign(people.begin(), people.end());
      return attributed;
    }
  }
  return attributed;
}

Result<std::set<std::string>> AuthorshipWatch::people_of(const Head& history, const std::stop_token& stop) {
  std::set<std::string> people;
  const auto add = [&](const CommitPerson& person) -> Result<void> {
    HEADGATE_TRY(auto id, people_.person_by_email(person.name, person.email));
    people.insert(std::move(id));
    return {};
  };
  for (const auto& commit : history.commits) {
    if (stop.stop_requested()) return fail(ErrorCode::unavailable, "the look was stopped");
    HEADGATE_TRY_VOID(add(commit.author));
    HEADGATE_TRY_VOID(add(commit.committer));
    for (const auto& person : commit.co_authors) HEADGATE_TRY_VOID(add(person));
    if (people.size() > max_people) break;
  }
  return people;
}

void AuthorshipWatch::attribute(const Range& range, const std::stop_token& stop) {
  if (const auto at = missed_.find(range.promotion); at != missed_.end() && clock_.steady() < at->second) return;
  auto attributed = authors_of(range, stop);
  if (stop.stop_requested()) return;
  missed_[range.promotion] = clock_.steady() + look_for_missing_after;
  if (!attributed) return trouble(attributed.error().message, to_string(range.promotion));
  sink_.submit({.command = RecordAuthors{std::move(*attributed)}}, [](Result<Receipt>) {});
}

// Said once until it is another one.
void AuthorshipWatch::trouble(const std::string& message, const std::string& where) {
  if (message.empty()) return troubles_.clear();
  if (troubles_.size() > 1'000) troubles_.clear();
  if (std::exchange(troubles_[where], message) != message) {
    notice_(NoticeLevel::warning, "who stands behind a release cannot be found out: " + message, where);
  }
}

}  // namespace headgate::reconciler
