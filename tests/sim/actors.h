// Everybody who does something to Headgate: developers who push, CI, approvers, operators, drivers, clocks. What they
// do is random, and now and then wrong.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/world.h"

namespace headgate::sim {

class Actors {
 public:
  explicit Actors(World& world);

  void act();
  // From now on everybody does their best: at the end nothing may be under way but what waits for something that nobody
  // here can give. What is under way for no good reason is returned.
  std::vector<std::string> do_their_best();

 private:
  // A service, whatever it is called by now.
  struct Product {
    std::string name;
    bool has_source = false;
    bool is_built = true;  // CI registers what was built of its commits; else they are its releases themselves
    std::vector<Release> releases;
  };
  // What stays as it is about an environment, so that what documents say of each other fits together.
  struct Site {
    std::string name;
    bool has_slots = false;
    bool has_locations = false;
  };
  using Tree = std::map<DocumentKey, Document>;
  // Of the one source repository: by product, the newest commit that changed something of it, and what it was by then.
  struct SourceCommit {
    std::string sha;
    std::vector<std::pair<std::string, std::string>> seen;
  };

  // documents, drawn anew (actors_documents.cc)
  Stage random_stage(const Product& product, const Site& site);
  void draw_protection(Stage& stage);
  void draw_strategy(Stage& stage, const Site& site);
  void draw_triggers(Stage& stage, const Product& product, const Site& site);
  void draw_way_back(Stage& stage);
  Service random_service(const Product& product);
  void draw_metrics(Service& service);
  AccessPolicy random_policy();
  Environment random_environment(const Site& site);
  void draw_locations(Environment& place);
  void draw_monitors(Environment& place);
  Target random_wish(const TargetId& id);
  Release new_release(Product& product);
  const Release& some_release(const std::string& service);

  // repositories (actors_git.cc)
  void put(Document document);
  void commit();  // the tree as it is, in one to three commits; they are seen at once, unless the repository is away
  void fetch();
  bool stage_and_accept(const std::string& sha);
  std::vector<SourcedDocument> differing(const std::string& sha);
  std::vector<DocumentKey> gone() const;
  bool is_up_to_date() const;  // the tree is in force, or proposed
  void push_something();
  void push_nonsense();
  void remove_many();
  void rename_a_service();
  void go_back_in_history();
  void repositories_come_and_go();
  void push_to_the_source();
  void look_at(const SourceCommit& head, const std::string& branch, const std::string& tag);
  void who_stands_behind(const Promotion& p);
  void answer_what_is_proposed();

  // CI and machines (actors_ci.cc)
  void expand_windows();
  void expand_schedules();
  void look_by_a_monitor();
  void report_gate(const std::string& service, const Release& release, const std::string& gate, bool good);
  void report_some_gate();
  void report_what_is_waited_for();
  void observe(const TargetId& id, bool truly);
  void let_an_activity_end();
  Outcome outcome_of(const Activity& activity, Outcome::Kind kind);
  void answer_everything();    // every activity succeeds, until nothing is pending
  void roll(Duration length);  // time goes by, and meanwhile too

  // people (actors_people.cc)
  void freeze_or_lift();
  void roll_back_some();       // whatever is under way there
  void go_on_after_failure();  // retry what failed, resolve an incident
  void approve(const PromotionId& id, const std::string& person);
  void promote_by_hand();
  void act_alone();
  void clear_the_way();
  std::set<std::string, std::less<>> missing(const PromotionId& id) const;
  void give_what_is_missing(const PromotionId& id);
  void with_live_promotion(void (Actors::*action)(const Promotion&));
  void approve_some(const Promotion& p);
  void reject_some(const Promotion& p);
  void cancel_some(const Promotion& p);
  void retry_some(const Promotion& p);
  void override_some(const Promotion& p);
  void expedite_some(const Promotion& p);
  void resume_some(const Promotion& p);
  bool waits_for_time(const Promotion& p) const;
  bool waits_in_vain(const Promotion& p) const;

  std::vector<const Promotion*> live() const;
  Product& product(const std::string& service);
  // What somebody gives as a reason: now and then long, and of characters of three bytes, wherever it may be cut.
  std::string reason(const std::string& text);
  std::string person() { return world_.any_of(people_); }
  std::string next_commit();
  const TargetId& some_target() { return world_.any_of(ids_); }

  World& world_;
  double failure_rate_;  // of activities
  std::vector<std::string> people_;
  std::vector<Product> products_;
  std::vector<Site> sites_;  // in the order of a release
  std::vector<TargetId> ids_;
  std::vector<ApprovalRule> governance_;  // of the host's file

  Tree tree_;                                         // of the environments repository, at its head
  std::deque<std::pair<std::string, Tree>> history_;  // oldest first, bounded
  std::vector<CommitObserved> unseen_;                // commits that were not fetched yet
  std::string rewritten_from_;                        // the head that is no ancestor of them
  std::set<std::string> away_;                        // repositories that do not answer
  std::vector<SourceCommit> source_;                  // oldest first
  std::uint64_t commits_ = 0;
  std::uint64_t reports_ = 0;
  std::uint64_t tags_ = 0;
  std::uint64_t renames_ = 0;
};

}  // namespace headgate::sim
