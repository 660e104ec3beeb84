// A small world around the calculation: no log, no thread, no clock of its own. `when` gives a command to `decide`,
// folds what it makes happen, lets `advance` follow until all is quiet, and tells what happened as lines such as
// "promotion.planned #1 v2" or "step.succeeded gates". A refusal is the one line "refused: <code>: <message>".
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "engine/domain/access.h"
#include "engine/domain/decide.h"
#include "engine/domain/planner.h"
#include "engine/domain/retry.h"

namespace headgate::test {

using namespace std::chrono_literals;  // NOLINT: tests read better with 30min

using Lines = std::vector<std::string>;

// As good as a digest where nobody means harm: four FNV-1a hashes with different beginnings.
std::string test_digest(std::string_view text);
std::string line_of(const Event& event);  // empty for step.planned, which only plans care for
std::string commit_id(std::uint64_t n);   // 40 hexadecimal digits

inline const TargetId development{"gateway", "development"};
inline const TargetId staging{"gateway", "staging"};
inline const TargetId production{"gateway", "production"};

// ------------------------------------------------------------------------------------------------------- documents

Run script(std::vector<std::string> command);
Hook hook(const std::string& name);
Check health(const std::string& name);
Stage stage(const std::string& environment);
Environment environment(const std::string& name, bool can_retire = false);
Environment reporting(const std::string& name);  // drift there is not mended
Service service(
    std::vector<Stage> stages);  // gateway, with the gates unit-tests (coverage >= 90), scan (critical <= 0) and lint
Release release(const std::string& version);  // its commit and artifact follow from the version
Target target(const TargetId& id, const Release& release, StringMap variables = {});
// Teams: managers (carol, dave, erin), platform (alice, bob, carol); each approves everywhere. alice is the operator.
AccessPolicy access_policy();

// ------------------------------------------------------------------------------------------------------------ world

struct Push {
  std::vector<Document> documents;
  std::vector<DocumentKey> removed{};
  std::string author = "person:alice";
  std::vector<std::string> co_authors{};
  std::uint32_t moved_by = 0;  // lines that the documents moved down in their files
};

class World {
 public:
  explicit World(std::span<const Guard> guards = all_guards());

  State state;
  std::vector<Recorded<Event>> log;
  Timestamp now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 20} + 9h};
  Error error;                           // of the last refusal
  std::vector<ApprovalRule> governance;  // as the host's file has it when something is pushed
  Claims claims;                         // of whoever gives the next commands

  // The usual beginning: access policy, environment and service of one stage, release v1 running on the target.
  static World running_v1(const Stage& stage, bool can_retire = false);

  Lines when(const Command& command, const std::string& actor = "token:ci");
  Lines push(const Push& push);
  Lines push(const Document& document, const std::string& author = "person:alice");
  Lines accept(std::vector<SourcedDocument> documents, const std::string& author);  // as they were read from files
  Lines gate(const std::string& gate, const std::string& version, GateStatus status = GateStatus::passed,
             std::map<std::string, Decimal, std::less<>> metrics = {});
  Lines gates_pass(const std::string& version);  // all three of `service`
  Lines observe(const TargetId& id, const std::string& version);
  Lines approve(const PromotionId& id, const std::string& person, const std::string& team = {});
  Lines approve_configuration(const std::string& person, const std::string& team = {});
  Lines decline_configuration(const std::string& person);
  Lines request(const TargetId& id, const std::string& version, const std::string& actor = "person:alice");
  Lines cancel(const PromotionId& id, const std::string& actor = "person:alice");
  Lines plan_by_trigger(const TargetId& id, const std::string& version, Trigger trigger);  // as the engine would

  Lines pass(Duration elapsed);       // time goes by; what falls due happens when it does
  Lines clock_jumps(Duration delta);  // the wall clock jumps, no time goes by

  // What should be going on outside, as "gateway/production/1/deploy#1".
  Lines effects() const;
  Lines finish(const TargetId& id, Outcome::Kind kind = Outcome::Kind::succeeded, const std::string& reason = {});
  Lines finish_all(const TargetId& id);  // every effect succeeds until nothing is pending
  Activity effect(const TargetId& id) const;

  const TargetState& at(const TargetId& id) const;
  const Promotion& live(const TargetId& id) const;
  std::string running(const TargetId& id) const;  // the version Headgate brought there, or "nothing"
  Lines unmet(const TargetId& id) const;          // texts of the conditions that the live promotion waits for
  std::string idle(const TargetId& id) const;     // why nothing is planned there
  Lines steps(const TargetId& id) const;          // of the live promotion's plan

 private:
  Context context(const std::string& actor) const;
  Lines commit(const Push& p, std::vector<SourcedDocument> accepted);
  void record(Event event, const std::string& actor, std::set<TargetId>& touched);
  void settle(std::set<TargetId> touched);
  Lines since(std::size_t position);
  void check_fold();

  std::span<const Guard> guards_;
  std::uint64_t commits_ = 0;
  State folded_;
  std::size_t folded_up_to_ = 0;
};

inline PromotionId promotion(const TargetId& id, std::uint64_t number) {
  return {id, number};
}

MATCHER_P(Refused, text, "is a refusal that says '" + std::string(text) + "'") {
  return arg.size() == 1 && arg[0].starts_with("refused: ") && arg[0].find(text) != std::string::npos;
}
// Happened in this order, among other things.
MATCHER_P(InOrder, expected, "holds in this order: " + testing::PrintToString(expected)) {
  std::size_t found = 0;
  for (const auto& line : arg) {
    if (found < expected.size() && line == expected[found]) ++found;
  }
  if (found < expected.size()) *result_listener << "where '" << expected[found] << "' is missing";
  return found == expected.size();
}
template <class... T>
auto happened_in_order(const T&... lines) {
  return InOrder(Lines{lines...});
}

}  // namespace headgate::test
