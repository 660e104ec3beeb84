#include "api/erasure.h"

#include <algorithm>

#include "engine/domain/admins.h"
#include "engine/ports/submit_and_wait.h"

namespace headgate::api {
namespace {

constexpr std::size_t page_records = 500;

// Every record of one type, as an event of type E.
template <class E, class Visit>
Result<void> each_of(const EventLog& log, Visit visit) {
  EventQuery query;
  query.filter.type = std::string(E::type.name);
  query.limit = page_records;
  for (;;) {
    HEADGATE_TRY(const auto page, log.query(query));
    for (const auto& record : page.records) {
      HEADGATE_TRY_VOID(log.fold(record.position, record.position + 1, [&](const Recorded<Event>& found) {
        if (const auto* event = std::get_if<E>(&found.event)) visit(record.position, *event);
      }));
    }
    if (!page.more || page.records.empty()) return {};
    query.after = page.records.back().position;
  }
}

bool names(const AccessPolicy& policy, std::string_view person) {
  return std::ranges::any_of(
             policy.people,
             [&](const Person& p) { return p.id == person || std::ranges::find(p.also, person) != p.also.end(); }) ||
         std::ranges::any_of(policy.grants, [&](const Grant& g) { return g.person == person; });
}

bool names_token(const AccessPolicy& policy, const std::string& token) {
  return std::ranges::any_of(policy.people,
                             [&](const Person& p) { return std::ranges::find(p.tokens, token) != p.tokens.end(); }) ||
         std::ranges::any_of(policy.grants, [&](const Grant& g) { return g.token == token; });
}

}  // namespace

Result<Receipt> Eraser::run(Command command, const std::string& actor) {
  return submit_and_wait(sink_, {.command = std::move(command), .actor = actor});
}

Result<std::optional<Position>> Eraser::erased_at(std::string_view id) const {
  std::optional<Position> found;
  HEADGATE_TRY_VOID(each_of<PersonErased>(log_, [&](Position position, const PersonErased& event) {
    if (event.person == id) found = position;
  }));
  return found;
}

Result<void> Eraser::check(const std::string& id) const {
  if (!id.starts_with("person:") || !people_.find(id)) {
    return fail(ErrorCode::not_found, "no person of that id; see: headgate people list");
  }
  HEADGATE_TRY(const auto tokens, tokens_of(id));
  bool named = false;
  bool last_admin = false;
  state_.with_state([&](const State& state) {
    named = state.access() != nullptr && names(*state.access(), id);
    last_admin = hold_last_admin(state, tokens, clock_.now());
  });
  if (named) {
    return fail(ErrorCode::conflict,
                "the AccessPolicy in force names this person, and its next change would bring them back: take them out "
                "of it first");
  }
  if (!last_admin) return {};
  return fail(ErrorCode::conflict,
              "their tokens end with them, and no other lets an administrator in: create one first (headgate token "
              "create --role admin)");
}

Result<Eraser::Erasure> Eraser::erase(const std::string& asked, const std::string& actor) {
  const auto known = people_.find(asked);
  const auto id = known ? known->id : asked;  // of several ids of one person, the one that the policy has
  HEADGATE_TRY(const auto before, erased_at(id));
  if (before) {
    HEADGATE_TRY_VOID(forget(id));
    HEADGATE_TRY(const auto leaf, log_.leaf_hash(*before));
    return Erasure{*before, leaf, true};
  }
  HEADGATE_TRY_VOID(check(id));
  HEADGATE_TRY(const auto receipt, run(ErasePerson{id}, actor));
  HEADGATE_TRY_VOID(forget(id));
  return Erasure{receipt.last, receipt.leaf_hash, false};
}

Result<void> Eraser::forget(const std::string& id) {
  if (!people_.find(id)) return {};
  HEADGATE_TRY(const auto tokens, tokens_of(id));
  std::string kept;
  for (const auto& token : tokens) {
    bool valid = false;
    state_.with_state([&](const State& state) { valid = state.tokens.contains(token); });
    const auto revoked = valid ? run(RevokeToken{token}, "engine") : Result<Receipt>();
    if (!revoked && revoked.error().code == ErrorCode::conflict) {
      kept = token;
    } else if (!revoked && revoked.error().code != ErrorCode::not_found) {
      return std::unexpected(revoked.error());
    }
    if (people_.token_name(token)) HEADGATE_TRY_VOID(people_.erase(token));
  }
  HEADGATE_TRY_VOID(people_.erase(id));
  if (kept.empty()) return {};
  return fail(ErrorCode::conflict, "the person is erased, but " + kept +
                                       " stays valid, since no other token lets an administrator in: create another "
                                       "one, then: headgate token revoke " +
                                       kept);
}

Result<std::set<std::string>> Eraser::tokens_of(std::string_view id) const {
  std::set<std::string> tokens;
  HEADGATE_TRY_VOID(each_of<DocumentAccepted>(log_, [&](Position, const DocumentAccepted& event) {
    const auto* policy = std::get_if<AccessPolicy>(&event.document);
    if (policy == nullptr) return;
    for (const auto& person : policy->people) {
      if (person.id == id) tokens.insert(person.tokens.begin(), person.tokens.end());
    }
  }));
  state_.with_state([&](const State& state) {
    std::erase_if(tokens, [&](const auto& token) { return state.access() && names_token(*state.access(), token); });
  });
  return tokens;
}

std::vector<std::string> Eraser::resume() {
  std::vector<std::string> unfinished;
  std::vector<std::string> trouble;
  const auto read = each_of<PersonErased>(log_, [&](Position, const PersonErased& event) {
    if (people_.find(event.person)) unfinished.push_back(event.person);
  });
  if (!read) trouble.push_back("erasures that a crash interrupted cannot be looked for: " + read.error().message);
  for (const auto& id : unfinished) {
    const auto done = forget(id);
    if (!done) trouble.push_back("the erasure of " + id + ": " + done.error().message);
  }
  return trouble;
}

}  // namespace headgate::api
