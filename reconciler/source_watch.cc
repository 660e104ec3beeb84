#include "reconciler/source_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "engine/base/glob.h"
#include "engine/ports/caught.h"
#include "engine/ports/submit_and_wait.h"
#include "reconciler/observed_commit.h"

namespace headgate::reconciler {
namespace {

constexpr std::size_t max_commits = 200;    // recorded one by one of a push; of a larger one the newest
constexpr std::size_t max_tags = 32;        // at first sight: the newest of those that a service's triggers name
constexpr std::size_t max_branches = 200;   // that no trigger names: the newest
constexpr std::size_t max_absent = 10'000;  // commits that are remembered as not being there
constexpr std::size_t observations_per_command = 100;
constexpr Duration compare_every = std::chrono::seconds(1);

const SourceRef* last_of(const std::vector<SourceRef>& refs, const std::string& name) {
  const auto at = std::find_if(refs.rbegin(), refs.rend(), [&](const SourceRef& ref) { return ref.name == name; });
  return at == refs.rend() ? nullptr : &*at;
}

}  // namespace

SourceWatch::SourceWatch(std::string name, Duration poll, GitRepository& repository, People& people,
                         const StateView& state, CommandSink& sink, Clock& clock, Notice notice)
    : name_(std::move(name)),
      poll_(poll),
      repository_(repository),
      people_(people),
      state_(state),
      sink_(sink),
      clock_(clock),
      notice_(std::move(notice)) {}

void SourceWatch::start() {
  thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

RepositoryStatus SourceWatch::status() const {
  const std::scoped_lock lock(mutex_);
  return status_;
}

void SourceWatch::request_stop() {
  thread_.request_stop();
}

void SourceWatch::run(std::stop_token stop) {
  std::size_t policies = 0;
  while (!stop.stop_requested()) {
    const auto began = clock_.steady();
    const auto looked = caught([&] { return look(stop); });
    if (stop.stop_requested()) return;
    if (!looked) {
      say(looked.error().message);
    } else if (looked_) {
      looked_(clock_.steady() - began);
    }
    bool again = false;
    for (const auto until = clock_.steady() + poll_; !again && !stop.stop_requested() && clock_.steady() < until;) {
      again = repository_.wait(std::min(compare_every, poll_), stop);
      if (stop.stop_requested()) return;
      const auto compared = caught([&]() -> Result<void> {
        compare(stop);
        return {};
      });
      if (!compared) say(compared.error().message);
      // A service that came, or has other paths, wants to know where the branches stand.
      std::size_t now = 0;
      state_.with_state([&](const State& state) { now = state.configuration.position; });
      again = again || std::exchange(policies, now) != now;
    }
  }
}

void SourceWatch::say(const std::string& text) {
  if (std::exchange(said_, text) != text && !text.empty()) notice_(NoticeLevel::warning, text, name_);
}

Result<void> SourceWatch::submit(Command command) {
  HEADGATE_TRY_VOID(submit_and_wait(sink_, {.command = std::move(command)}));
  return {};
}

std::vector<SourceWatch::Watched> SourceWatch::watched() const {
  std::vector<Watched> all;
  state_.with_state([&](const State& state) {
    for (const auto& [name, service] : state.services) {
      const auto* document = state.service(name);
      if (!document || !document->source || document->source->repository != name_) continue;
      auto& watched = all.emplace_back();
      watched.service = name;
      watched.paths = document->source->paths;
      for (const auto& stage : document->stages) {
        for (const auto& trigger : stage.triggers) {
          if (trigger.kind == Trigger::branch) watched.branches.insert(trigger.branch);
          if (trigger.kind == Trigger::tag) watched.tags.insert(trigger.tag);
        }
      }
      if (service.source && service.source->repository == name_) watched.known = *service.source;
      std::set<std::string> commits;
      for (const auto& [key, result] : service.gates) commits.insert(key.first);
      for (const auto& [version, registered] : service.releases) commits.insert(registered.release.commit);
      for (const auto& commit : commits) {
        const bool is_id = commit.size() == 40 && commit.find(':') == std::string::npos;
        if (is_id && !watched.known.trees.contains(commit) && !absent_.contains({name, commit})) {
          watched.to_compare.push_back(commit);
        }
      }
    }
  });
  return all;
}

Result<void> SourceWatch::look(std::stop_token stop) {
  auto refs = repository_.fetch_refs(stop);
  if (stop.stop_requested()) return {};
  {
    const std::scoped_lock lock(mutex_);
    status_.error = refs ? std::string() : refs.error().message;
    if (refs) status_.last_fetch = clock_.now();
  }
  HEADGATE_TRY_VOID(submit(ReportRepository{name_, refs ? std::string() : refs.error().message}));
  if (!refs) return std::unexpected(refs.error());
  StringMap heads;
  std::string head;
  Position policies = 0;
  state_.with_state([&](const State& state) {
    policies = state.configuration.position;
    const auto at = state.repositories.find(name_);
    if (at == state.repositories.end()) return;
    heads = at->second.heads;
    head = at->second.head;
  });
  {
    const std::scoped_lock lock(mutex_);
    status_.head = head;
  }
  const auto services = watched();
  leave_out_branches(*refs, services);
  bool moved = false;
  for (const auto& ref : *refs) {
    if (stop.stop_requested()) return {};
    if (ref.tag || heads[ref.name] == ref.commit) continue;
    moved = true;
    HEADGATE_TRY_VOID(observe_branch(ref, heads[ref.name]));
    const std::scoped_lock lock(mutex_);
    status_.head = ref.commit;
  }
  if (moved) absent_.clear();
  HEADGATE_TRY_VOID(observe_sources(*refs, services, seen_ && seen_->policies == policies, stop));
  if (stop.stop_requested()) return {};
  seen_.emplace().policies = policies;
  for (auto& ref : *refs) seen_->refs[{ref.tag, std::move(ref.name)}] = std::move(ref.commit);
  said_.clear();
  compared_ = 0;
  compare(stop);
  return {};
}

Result<void> SourceWatch::observe_branch(const GitRef& ref, const std::string& known) {
  ObserveCommits command{name_, ref.name, {}, {}};
  auto news = repository_.history(known, ref.commit, max_commits);
  std::uint64_t changed = 0;
  if (news && !known.empty()) {
    const auto lost = repository_.history(ref.commit, known, 1);
    if (lost && lost->commit_count > 0) command.rewritten_from = known;
    if (const auto changes = repository_.changes(known, ref.commit)) changed = changes->size();
  }
  if (!news && news.error().code == ErrorCode::not_found) {  // what was known has gone with a clone
    command.rewritten_from = known;
    news = repository_.history({}, ref.commit, 1);
  }
  if (!news) return std::unexpected(news.error());
  if (news->commits.empty()) {  // the branch went back
    HEADGATE_TRY(auto head, repository_.history({}, ref.commit, 1));
    news->commits = std::move(head.commits);
  }
  for (const auto& commit : news->commits) {
    HEADGATE_TRY(auto observed, observed_commit(commit, name_, ref.name, people_));
    if (commit.sha == ref.commit) observed.changed = changed;
    command.commits.push_back(std::move(observed));
  }
  return submit(std::move(command));
}

void SourceWatch::leave_out_branches(std::vector<GitRef>& refs, const std::vector<Watched>& services) {
  const auto named = [&](const GitRef& ref) {
    return std::ranges::any_of(services, [&](const Watched& service) { return service.branches.contains(ref.name); });
  };
  std::size_t others = 0;
  for (auto& ref : refs | std::views::reverse) {
    if (!ref.tag && !named(ref) && ++others > max_branches) ref.commit.clear();
  }
  std::erase_if(refs, [](const GitRef& ref) { return ref.commit.empty(); });
  const auto left_out = others - std::min(others, max_branches);
  if (std::exchange(branches_left_out_, left_out) > 0 || left_out == 0) return;
  notice_(NoticeLevel::warning,
          fmt::format("{} branches that no trigger names are not followed, only the newest {}: narrow the patterns of "
                      "the repository",
                      left_out, max_branches),
          name_);
}

bool SourceWatch::is_fresh(const GitRef& ref) const {
  if (!seen_) return false;
  const auto at = seen_->refs.find({ref.tag, ref.name});
  return at == seen_->refs.end() || at->second != ref.commit;
}

// Where in the order of their commits the tags begin that are news though nobody saw them come: after the newest one
// that is known, and where none is, with the newest few. An older one must not be brought over what came after it.
std::size_t SourceWatch::first_tag(const std::vector<GitRef>& refs, const Watched& service) {
  std::size_t first = 0;
  std::size_t wanted = 0;
  for (std::size_t i = refs.size(); i > 0; --i) {
    const auto& ref = refs[i - 1];
    if (!ref.tag || !service.wants_tag(ref.name)) continue;
    const auto* known = last_of(service.known.tags, ref.name);
    if (!service.tags.empty() && known && known->head == ref.commit) return i;
    if (++wanted == max_tags) first = i - 1;
  }
  return first;
}

bool SourceWatch::Watched::wants_tag(const std::string& name) const {
  return tags.empty() || std::ranges::any_of(tags, [&](const auto& pattern) { return matches_pattern(pattern, name); });
}

void SourceWatch::tell_left_out(const Watched& service, std::size_t tags) {
  if (tags == 0 || std::exchange(told_[service.service], service.tags) == service.tags) return;
  notice_(NoticeLevel::info,
          fmt::format("{} older tags of repository {} that its triggers name are not followed: put a tag anew, or "
                      "promote it by hand, to bring one of them",
                      tags, name_),
          service.service);
}

Result<void> SourceWatch::observe_sources(const std::vector<GitRef>& refs, const std::vector<Watched>& services,
                                          bool settled, const std::stop_token& stop) {
  std::vector<std::size_t> first(services.size());
  std::vector<std::size_t> left_out(services.size());
  for (std::size_t s = 0; s < services.size(); ++s) {
    if (!settled || services[s].tags.empty()) first[s] = first_tag(refs, services[s]);
  }
  for (std::size_t i = 0; i < refs.size(); ++i) {
    const auto* ref = &refs[i];
    const bool fresh = is_fresh(*ref);
    if (settled && !fresh) continue;  // dealt with
    ObserveSource command;
    for (std::size_t s = 0; s < services.size(); ++s) {
      const auto& service = services[s];
      if (ref->tag && !service.wants_tag(ref->name)) continue;
      const auto* known = last_of(ref->tag ? service.known.tags : service.known.branches, ref->name);
      if (known && known->head == ref->commit) continue;
      const bool by_trigger = !service.tags.empty();
      if (ref->tag && i < first[s] && !(by_trigger && (fresh || known))) {
        if (by_trigger) ++left_out[s];
        continue;
      }
      if (stop.stop_requested()) return {};  // the next start looks at all that is not recorded
      const auto tree = repository_.source_at(ref->commit, service.paths);
      if (!tree) return std::unexpected(tree.error());
      if (tree->digest.empty()) continue;
      // Of a branch, what changed nothing under the paths is no news; a tag is one wherever it is put.
      if (known && !ref->tag && known->tree == tree->digest && known->commit == tree->commit) continue;
      command.observed.push_back({{service.service},
                                  tree->commit,
                                  name_,
                                  ref->tag ? std::string() : ref->name,
                                  ref->tag ? ref->name : std::string(),
                                  ref->commit,
                                  tree->digest});
      if (command.observed.size() >= observations_per_command) {
        HEADGATE_TRY_VOID(submit(std::exchange(command, {})));
      }
    }
    if (!command.observed.empty()) HEADGATE_TRY_VOID(submit(std::move(command)));
  }
  for (std::size_t s = 0; s < services.size(); ++s) tell_left_out(services[s], left_out[s]);
  return {};
}

void SourceWatch::compare(const std::stop_token& stop) {
  Position size = 0;
  state_.with_state([&](const State& state) { size = state.next; });
  if (std::exchange(compared_, size) == size) return;
  for (const auto& service : watched()) {
    ObserveSource command;
    for (const auto& commit : service.to_compare) {
      if (stop.stop_requested()) return;
      const auto tree = repository_.source_at(commit, service.paths);
      if (tree && !tree->digest.empty()) {
        command.observed.push_back({{service.service}, commit, name_, {}, {}, {}, tree->digest});
        if (command.observed.size() >= observations_per_command) break;
        continue;
      }
      if (absent_.size() >= max_absent) absent_.clear();
      absent_.emplace(service.service, commit);  // until a branch moves
    }
    if (command.observed.empty()) continue;
    if (const auto done = submit(std::move(command)); !done) say(done.error().message);
  }
}

}  // namespace headgate::reconciler
