// Everybody who does something to Headgate: developers who push, CI, approvers, operators, drivers, clocks. What they
// do is random, and now and then wrong.
#pragma once

#include <map>
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
  struct Candidates {
    std::vector<Release> releases;
  };
  void clear_the_way();
  Stage random_stage(const std::string& environment, const std::vector<std::string>& before);
  Service random_service(const std::string& name);
  AccessPolicy random_policy();
  Environment random_environment(const std::string& name);
  void expand_windows();
  void look_by_a_monitor();
  void freeze_or_lift();
  void roll_back_some();       // whatever is under way there
  void go_on_after_failure();  // retry what failed, resolve an incident
  Release new_release(const std::string& service);
  Target random_wish(const TargetId& id);
  void push(std::vector<Document> documents, std::vector<DocumentKey> removed = {});
  void push_something();
  void push_nothing_new();
  void push_nonsense();
  void remove_many();
  void answer_what_is_proposed();
  void report_gate(const std::string& service, const Release& release, const std::string& gate, bool good);
  void report_some_gate();
  void report_what_is_waited_for();
  void approve(const PromotionId& id, const std::string& person);
  void observe(const TargetId& id, bool truly);
  void let_an_activity_end();
  void promote_by_hand();
  void act_alone();
  void give_what_is_missing(const PromotionId& id);
  void with_live_promotion(void (Actors::*action)(const Promotion&));
  void approve_some(const Promotion& p);
  void reject_some(const Promotion& p);
  void cancel_some(const Promotion& p);
  void override_some(const Promotion& p);
  void expedite_some(const Promotion& p);

  std::vector<const Promotion*> live() const;
  // What somebody gives as a reason: now and then long, and of characters of three bytes, wherever it may be cut.
  std::string reason(const std::string& text);
  std::string person() { return world_.any_of(people_); }
  std::string next_commit();

  World& world_;
  std::vector<std::string> people_;
  std::vector<std::string> service_names_;
  std::vector<std::string> environment_names_;
  std::vector<TargetId> ids_;
  std::map<std::string, Service> services_;
  std::map<TargetId, Target> wishes_;
  std::map<std::string, Candidates> candidates_;
  AccessPolicy policy_;
  std::vector<ApprovalRule> governance_;  // of the host's file
  std::uint64_t commits_ = 0;
  std::uint64_t reports_ = 0;
};

}  // namespace headgate::sim
