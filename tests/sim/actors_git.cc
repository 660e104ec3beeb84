// Git that races, is rewritten and disappears: the environments repository, the source of the services, and who stands
// behind their commits.
#include <algorithm>

#include "tests/domain/fixture.h"
#include "tests/sim/actors.h"

namespace headgate::sim {
namespace {

constexpr std::size_t max_history = 8;

bool is_in_force(const State& state, const Document& document) {
  const auto same = [](const auto* known, const auto& wished) { return known && known->document == wished; };
  if (const auto* service = std::get_if<Service>(&document)) {
    const auto* known = state.service(service->name);
    return known && *known == *service;
  }
  if (const auto* place = std::get_if<Environment>(&document)) {
    const auto at = state.environments.find(place->name);
    return at != state.environments.end() && same(&at->second, *place);
  }
  if (const auto* target = std::get_if<Target>(&document)) {
    const auto* known = state.find(target->id);
    return known && known->document && same(&*known->document, *target);
  }
  return state.access() && *state.access() == std::get<AccessPolicy>(document);
}

}  // namespace

// ----------------------------------------------------------------------------------------- the environments repository
// repository

void Actors::put(Document document) {
  tree_.insert_or_assign(key_of(document), std::move(document));
}

void Actors::commit() {
  for (auto count = world_.chance(0.2) ? 2 + world_.below(2) : 1; count > 0; --count) {
    CommitObserved commit;
    commit.repository = "environments";
    commit.branch = "main";
    commit.sha = next_commit();
    commit.author = person();
    commit.committer = world_.chance(0.8) ? commit.author : person();
    if (world_.chance(0.2)) commit.co_authors = {person()};
    unseen_.push_back(std::move(commit));
  }
  history_.emplace_back(unseen_.back().sha, tree_);
  if (history_.size() > max_history) history_.pop_front();
  if (!away_.contains("environments")) fetch();
}

// What the reconciler does with one fetch; whatever a crash took is done again.
void Actors::fetch() {
  if (unseen_.empty()) return;
  const auto sha = unseen_.back().sha;
  const ObserveCommits observed{"environments", "main", rewritten_from_, unseen_};
  for (int tries = 0; tries < 50 && world_.submit(observed, "engine") == World::Answer::none; ++tries) {
  }
  for (int tries = 0; tries < 50 && !stage_and_accept(sha); ++tries) {
  }
  unseen_.clear();
  rewritten_from_.clear();
}

bool Actors::stage_and_accept(const std::string& sha) {
  const auto base = world_.state().configuration.commit;
  const StageDocuments staged{sha, differing(sha), gone()};
  if (world_.submit(staged, "engine") == World::Answer::none) return false;
  if (world_.state().configuration.proposal && world_.chance(0.1)) answer_what_is_proposed();  // it races with people
  return world_.submit(AcceptConfiguration{"environments", sha, governance_, base, {}}, "engine") ==
         World::Answer::accepted;
}

// What is not in force as the tree has it, and now and then what is: a commit may say the same in other words.
std::vector<SourcedDocument> Actors::differing(const std::string& sha) {
  std::vector<SourcedDocument> all;
  const auto lines_moved = static_cast<std::uint32_t>(world_.below(3));
  for (const auto& [key, document] : tree_) {
    if (is_in_force(world_.state(), document) && !world_.chance(0.03)) continue;
    all.push_back({{key.name + ".yaml", 1 + lines_moved, sha}, document});
  }
  std::ranges::shuffle(all, world_.random);
  return all;
}

std::vector<DocumentKey> Actors::gone() const {
  std::vector<DocumentKey> all;
  for (const auto& [name, service] : world_.state().services) {
    if (service.document && !tree_.contains({DocumentKind::service, name}))
      all.push_back({DocumentKind::service, name});
  }
  for (const auto& [id, target] : world_.state().targets) {
    const DocumentKey key{DocumentKind::target, id.service + "." + id.environment};
    if (target.document && !tree_.contains(key)) all.push_back(key);
  }
  return all;
}

bool Actors::is_up_to_date() const {
  if (world_.state().configuration.proposal) return true;
  return gone().empty() &&
         std::ranges::all_of(tree_, [&](const auto& entry) { return is_in_force(world_.state(), entry.second); });
}

void Actors::push_something() {
  const auto dice = world_.below(22);
  if (dice < 12) {
    for (std::size_t i = 0; i <= world_.below(2); ++i) put(random_wish(some_target()));
  } else if (dice == 12 && world_.chance(0.3)) {
    return remove_many();
  } else if (dice == 12) {
    const auto& id = some_target();
    tree_.erase({DocumentKind::target, id.service + "." + id.environment});
  } else if (dice < 16) {
    put(random_service(world_.any_of(products_)));
  } else if (dice == 16) {
    put(random_environment(world_.any_of(sites_)));
  } else if (dice == 17) {
    put(random_policy());
  } else if (dice == 18) {
    const auto& id = some_target();
    if (const auto at = tree_.find({DocumentKind::target, id.service + "." + id.environment}); at != tree_.end()) {
      auto& target = std::get<Target>(at->second);
      target.suspend = !target.suspend;
    }
  }  // else nothing new
  commit();
}

// Every target of a service, or of an environment.
void Actors::remove_many() {
  const bool of_service = world_.chance(0.5);
  const auto& some = some_target();
  for (const auto& id : ids_) {
    if (of_service ? id.service != some.service : id.environment != some.environment) continue;
    tree_.erase({DocumentKind::target, id.service + "." + id.environment});
  }
  commit();
}

void Actors::push_nonsense() {
  if (!unseen_.empty()) return;
  const auto sha = next_commit();
  if (world_.chance(0.5)) {  // and Headgate ends before it knows better
    auto changed = random_service(world_.any_of(products_));
    world_.submit(StageDocuments{sha, {{{"x.yaml", 1, sha}, changed}}, {}}, "engine");
  }
  if (world_.chance(0.7)) {
    world_.submit(RejectConfiguration{"environments", sha, {{"x.yaml", 1, 1, "unknown field", "a", "b"}}}, "engine");
  }
}

// With its targets, whatever is under way there. Its name stays where it was in the alphabet, so that no circle comes
// of it.
void Actors::rename_a_service() {
  auto& of = products_[world_.below(products_.size())];
  const auto from = of.name;
  if (!tree_.contains({DocumentKind::service, from}) || !world_.state().service(from)) return;
  of.name = from.substr(0, from.find('-')) + "-" + std::to_string(++renames_);
  tree_.erase({DocumentKind::service, from});
  auto renamed = random_service(of);
  renamed.formerly = from;
  put(std::move(renamed));
  for (auto& [key, document] : tree_) {
    if (auto* service = std::get_if<Service>(&document)) {
      for (auto& other : service->depends_on) {
        if (other.service == from) other.service = of.name;
      }
    } else if (auto* place = std::get_if<Environment>(&document)) {
      for (auto& monitor : place->monitors) std::ranges::replace(monitor.services, from, of.name);
    }
  }
  for (auto& id : ids_) {
    if (id.service != from) continue;
    id.service = of.name;
    auto target = tree_.extract({DocumentKind::target, from + "." + id.environment});
    if (target.empty()) continue;
    std::get<Target>(target.mapped()).id = id;
    put(std::move(target.mapped()));
  }
  history_.clear();  // before it, everything had another name
  commit();
}

// The branch is put back to where it stood some commits before.
void Actors::go_back_in_history() {
  if (history_.size() < 2) return;
  rewritten_from_ = world_.state().repositories.find("environments")->second.head;
  const auto [sha, tree] = history_[world_.below(history_.size() - 1)];
  tree_ = tree;
  if (world_.chance(0.5)) return commit();  // and something else was put on top
  CommitObserved again;
  again.repository = "environments";
  again.branch = "main";
  again.sha = sha;
  again.author = again.committer = person();
  unseen_ = {again};
  history_.emplace_back(sha, tree_);
  if (!away_.contains("environments")) fetch();
}

void Actors::answer_what_is_proposed() {
  const auto& proposal = world_.state().configuration.proposal;
  const auto digest = proposal && world_.chance(0.95) ? proposal->change.digest : std::string("sha256:stale");
  const auto who = world_.chance(0.15) ? std::string("token:root") : person();
  if (world_.chance(0.08)) {
    world_.submit(DeclineConfiguration{digest, "not now"}, who);
    return;
  }
  const auto team =
      world_.chance(0.8) ? std::string() : world_.any_of(std::vector<std::string>{"managers", "platform"});
  world_.submit(ApproveConfiguration{digest, team, {}}, who);
}

void Actors::repositories_come_and_go() {
  const std::string name = world_.chance(0.5) ? "environments" : "monorepo";
  if (away_.erase(name) == 0) {
    away_.insert(name);
    world_.submit(ReportRepository{name, reason("no route to host")}, "engine");
    return;
  }
  world_.submit(ReportRepository{name, {}}, "engine");
  if (name == "environments") fetch();
}

// ---------------------------------------------------------------------------------------------------------- the source

// A new commit of the branch, a tag, a branch that is put back, or an old commit that is told of only now.
void Actors::push_to_the_source() {
  if (away_.contains("monorepo") || std::ranges::none_of(products_, &Product::has_source)) {
    if (source_.empty()) source_.push_back({next_commit(), {}});
    return;
  }
  const bool rewrites = source_.size() > 2 && world_.chance(0.15);
  if (source_.empty() || world_.chance(0.6)) {
    SourceCommit fresh{next_commit(), source_.empty() ? decltype(SourceCommit::seen){} : source_.back().seen};
    if (rewrites) fresh.seen = source_[world_.below(source_.size())].seen;
    fresh.seen.resize(products_.size());
    for (auto& [commit, tree] : fresh.seen) {
      if (!commit.empty() && world_.chance(0.4)) continue;  // nothing of this one has changed
      commit = fresh.sha;
      if (tree.empty() || world_.chance(0.85)) tree = "sha256:tree-" + fresh.sha.substr(0, 10);
    }
    source_.push_back(std::move(fresh));
  }
  const auto& head = world_.chance(0.8) ? source_.back() : world_.any_of(source_);
  const auto dice = world_.below(10);
  if (dice == 0) return look_at(head, {}, {});
  if (dice < 4) return look_at(head, {}, "t" + std::to_string(world_.chance(0.9) ? ++tags_ : tags_));
  CommitObserved commit;
  commit.repository = "monorepo";
  commit.branch = world_.chance(0.9) ? "main" : "feature";
  commit.sha = head.sha;
  commit.author = commit.committer = person();
  const auto known = world_.state().repositories.find("monorepo");
  const bool known_head = known != world_.state().repositories.end() && !known->second.head.empty();
  world_.submit(ObserveCommits{"monorepo", commit.branch, rewrites && known_head ? known->second.head : "", {commit}},
                "engine");
  look_at(head, commit.branch, {});
}

void Actors::look_at(const SourceCommit& head, const std::string& branch, const std::string& tag) {
  ObserveSource command;
  for (std::size_t i = 0; i < products_.size(); ++i) {
    const auto& [commit, tree] = head.seen[i];
    if (products_[i].has_source) {
      command.observed.push_back({{products_[i].name}, commit, "monorepo", branch, tag, head.sha, tree});
    }
  }
  world_.submit(command, "engine");
}

// Who signed the commit, and whose work it brings: found out for what waits.
void Actors::who_stands_behind(const Promotion& p) {
  const auto& commit = p.to.release.commit;
  if (p.phase != Phase::waiting || commit.empty()) return;
  const bool asked = std::ranges::any_of(p.steps, [](const LiveStep& s) { return s.step->signed_commit.has_value(); });
  if (asked || world_.chance(0.1)) {
    CommitVerified v{"monorepo", commit, SignatureVerdict::good, {}, {}, {}};
    v.signer = person();
    v.key = "SHA256:" + v.signer;
    if (world_.chance(0.2)) {
      v = {"monorepo", commit, static_cast<SignatureVerdict>(1 + world_.below(5)), {}, v.key, reason("it says")};
    }
    world_.submit(RecordSignature{std::move(v)}, "engine");
  }
  if (!world_.chance(0.7)) return;
  PromotionAttributed a{p.id, "monorepo", p.from ? p.from->release.commit : std::string(), commit, true, 1, {}};
  a.known = world_.chance(0.85);
  a.commits = a.known || world_.chance(0.5) ? 1 + world_.below(3) : 0;
  if (a.known) a.people = {world_.chance(0.05) ? std::string("person:stranger") : person()};
  world_.submit(RecordAuthors{std::move(a)}, "engine");
}

}  // namespace headgate::sim
