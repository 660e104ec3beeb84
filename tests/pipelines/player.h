// Plays a scenario: a world in virtual time under the documents of a repository, with an executor that does what the
// sentences say.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "reconciler/monitor_tally.h"
#include "reconciler/offline_people.h"
#include "tests/domain/fixture.h"
#include "tests/pipelines/scenario.h"
#include "tests/pipelines/source_repository.h"

namespace headgate::pipelines {

class Player {
 public:
  // `people` is the one that the documents were read with.
  Player(const std::vector<SourcedDocument>& documents, const People& people);

  // The first sentence that does not come true, as "line 12: …"; success: all of them do.
  Result<void> play(const Scenario& scenario);

  // -------------------------------------------------------------------------------------- what sentences speak of
  Result<TargetId> place(const std::string& text) const;                // production, or frontend/production
  Result<std::vector<TargetId>> places(const std::string& text) const;  // staging and production
  Result<std::string> person(const std::string& name) const;            // id
  Result<Timestamp> time(const std::string& text) const;                // 2026-11-23 10:00 UTC
  static Result<Duration> duration(const std::string& text);            // 1 hour and 30 minutes
  Release release(const std::string& service, const std::string& version) const;
  const Promotion* live(const TargetId& id) const;
  const TargetState* target(const TargetId& id) const { return world.state.find(id); }
  Result<const Promotion*> under_way(const TargetId& id) const;  // an error where there is none
  void speak_of(const std::string& service, const std::string& version);
  // The driver says so, in each location that is not on standby where the environment has several.
  Result<void> seen(const TargetId& id, const Observation& observed);

  // ------------------------------------------------------------------------------------------------ what they do
  // Refusals are remembered until the row's then.
  Result<void> tell(const Command& command, const std::string& actor);
  Result<void> ask(const std::string& who, Role role, const TargetId& id, const Command& command);
  Result<void> run_in(const std::vector<TargetId>& ids, const std::string& version);
  Result<void> register_release(const std::string& version, const std::string& service,
                                const std::string& same_as = {});
  Result<void> push(const std::string& version, const std::string& branch, const std::vector<std::string>& paths);
  Result<void> tag(const std::string& name, const std::string& version);
  Result<void> report(const std::string& gate, GateStatus status,
                      const std::map<std::string, Decimal, std::less<>>& metrics);
  Result<void> report_all(const std::string& version, const std::string& but);
  Result<void> finish(const TargetId& id, const std::string& step, Outcome::Kind kind);
  // The gate that Headgate runs itself for a release of the service that was named last.
  Result<Activity> gate_run(const std::string& gate) const;
  Result<void> finish_gate(const std::string& gate, Outcome::Kind kind,
                           const std::map<std::string, Decimal, std::less<>>& metrics);
  // The check of the step answers well at that attempt; 0: never.
  Result<void> answers(const TargetId& id, const std::string& step, std::uint32_t attempt);
  Result<void> everything(const TargetId& id, const std::string& up_to);
  // A monitor looks so many times, as often as its document says; nobody looks while it is silent.
  Result<void> look(const MonitorId& id, int times, bool passes, std::optional<Duration> latency);
  Result<const Monitor*> monitor(const MonitorId& id) const;
  // The step's effect succeeds; its probe, which must be there, saw the service away for so long.
  Result<void> finish_after(const TargetId& id, const std::string& step, Duration away);
  void pass(Duration elapsed);

  test::World world;
  std::string service;
  std::string version;
  std::map<std::string, std::string> renamed;               // version -> the version whose commit and images it shares
  std::map<std::string, Outcome> measured;                  // by metric: what the next measurements say
  std::map<std::string, std::vector<std::string>> authors;  // by version: ids of people
  std::set<std::string> one_factor;                         // who signed in with a password alone, by name
  std::vector<std::string> refused;                         // since the row began
  Timestamp row_began;

 private:
  Result<void> bring(const TargetId& id);
  bool help(const Promotion& p);  // does what one unmet condition asks for
  bool measure();                 // every measurement under way
  void look_at_calendars();
  void look_at_authors();
  void sum_up();  // the hours of monitors that are over

  std::map<MonitorId, reconciler::MonitorTally> tallies_;
  const People& people_;
  SourceRepository source_;
};

}  // namespace headgate::pipelines
