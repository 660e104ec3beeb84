#include "engine/domain/authorship.h"

#include <algorithm>

#include "engine/domain/approvals.h"
#include "engine/domain/conditions.h"

namespace headgate {
namespace {

std::string short_id(const std::string& commit) {
  return "commit " + commit.substr(0, 12);
}

const Person* owner_of(const AccessPolicy* policy, std::string_view key) {
  if (!policy || key.empty()) return nullptr;
  const auto at = std::ranges::find_if(policy->people,
                                       [&](const Person& p) { return std::ranges::find(p.keys, key) != p.keys.end(); });
  return at == policy->people.end() ? nullptr : &*at;
}

std::string what_to_do(SignatureVerdict verdict) {
  switch (verdict) {
    case SignatureVerdict::good:
    case SignatureVerdict::unknown_key:
      return "if the key is a colleague's, add it to their signingKeys in the AccessPolicy; else look at that commit";
    case SignatureVerdict::unsigned_:
      return "sign a new commit (git commit -S) with a key of the AccessPolicy, and release that one";
    case SignatureVerdict::bad:
      return "look at that commit: it may have been altered; sign a new one, and release that one";
    case SignatureVerdict::expired_key:
      return "sign a new commit with a key that is in force, and release that one; or extend the key and put it into "
             "signingKeys anew";
    case SignatureVerdict::missing:
      return "push it to where Headgate watches, or release a commit that is there";
  }
  return {};
}

}  // namespace

std::vector<Condition> judge_signed_commit(const State& state, const Promotion& p, Timestamp) {
  const auto* step = first_of(p, StepKind::gates);
  if (!step || !step->step->signed_commit) return {};
  auto c = condition_of(p, "signedCommit", step->step->signed_commit->line);
  const auto& commit = p.to.release.commit;
  if (commit.empty()) {
    c.text = "release " + p.to.release.version + " names no commit that could be signed";
    c.remedy = "release a version that names its commit";
    return {std::move(c)};
  }
  const auto known = state.signatures.find(commit);
  if (known == state.signatures.end()) {
    c.text = "the signature of " + short_id(commit) + " is not verified yet";
    c.remedy = "wait: the watched repository is being looked through";
    return {std::move(c)};
  }
  const auto& signature = known->second;
  c.events = {signature.position};
  const auto* owner = owner_of(state.access(), signature.key);
  c.met = signature.verdict == SignatureVerdict::good && owner != nullptr;
  if (c.met) {
    c.text = short_id(commit) + " is signed by " + owner->id + " with key " + signature.key;
    return {std::move(c)};
  }
  if (signature.verdict == SignatureVerdict::good) {
    c.text = short_id(commit) + " is signed with key " + signature.key + ", which is nobody's any more";
  } else {
    c.text = short_id(commit) + " has no good signature: " + signature.reason +
             (signature.key.empty() ? std::string() : " (" + signature.key + ")");
  }
  c.remedy = what_to_do(signature.verdict);
  return {std::move(c)};
}

std::vector<Condition> judge_authors(const State& state, const Promotion& p, Timestamp) {
  const auto* approval = first_of(p, StepKind::approval);
  const auto* rule = unknown_authors_step(p);
  if (p.to.release.commit.empty() || (!rule && (!approval || p.rules.self_approval))) return {};
  const auto* service = state.service(p.id.target.service);
  // Where commits come from a source that is watched, somebody looks; else the log must show that somebody does.
  if (!p.attribution && !state.attributes && !(service && service->source)) return {};
  auto c = condition_of(p, "authors", rule ? rule->step->unknown_authors->line : approval->step->line);
  const bool too_many = p.attribution && !p.attribution->known && p.attribution->commits > 0;
  // Where its commits come from is known: what is not there yet may be anybody's.
  const bool brings_work = !p.from || p.from->release.commit != p.to.release.commit;
  const bool missing = p.attribution && !p.attribution->known && !too_many && brings_work && service && service->source;
  c.met = p.attribution && !too_many && !missing;
  const auto to = short_id(p.to.release.commit);
  if (too_many) {
    c.text = "whose work " + to + " brings cannot be told: " + std::to_string(p.attribution->commits) +
             " commits are too many, or of too many people, for one promotion";
    c.remedy =
        "promote a release in between first; where the commit that runs is not at hand, push it to where "
        "Headgate watches; or take the rule that asks for authors from the stage (selfApproval: true, no "
        "unknownAuthors)";
    c.events = {p.attribution->position};
  } else if (missing) {
    c.text = "whose work " + to + " brings is not known: no watched repository holds it";
    c.remedy = "push it to a branch of " + service->source->repository +
               " that Headgate watches (headgate get repositories says what it sees of it), or promote a commit that "
               "is there";
    c.events = {p.attribution->position};
  } else if (!c.met) {
    c.text = "whose work " + to + " brings is not known yet";
    c.remedy = "wait: the watched repository is being looked through";
    c.events = {p.planned_at};
  } else if (p.attribution->known) {
    c.text = "whose work " + to + " brings is known: " + std::to_string(p.attribution->commits) +
             (p.attribution->commits == 1 ? " commit" : " commits");
    c.events = {p.attribution->position};
  } else {
    c.text = "no watched repository holds " + to + ": only those who wished it count as its authors";
    c.events = {p.attribution->position};
  }
  return {std::move(c)};
}

std::vector<Condition> judge_unknown_authors(const State& state, const Promotion& p, Timestamp) {
  const auto* step = unknown_authors_step(p);
  if (!step || step->step->unknown_authors->then != UnknownAuthors::refuse) return {};
  auto c = condition_of(p, "unknownAuthors", step->step->unknown_authors->line);
  const auto unknown = unknown_authors(state, p);
  c.met = unknown.empty();
  c.events = {p.planned_at};
  if (p.attribution) c.events.push_back(p.attribution->position);
  c.text = c.met ? std::string("the AccessPolicy knows everybody whose work is inside")
                 : "the AccessPolicy does not know " + joined(unknown, ", ") + ", whose work is inside";
  if (!c.met) c.remedy = "name them in the AccessPolicy, or release something without their work";
  return {std::move(c)};
}

}  // namespace headgate
