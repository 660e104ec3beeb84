// What is remembered of one target: what runs there, what is wished, and the ways back. See state.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/domain/flow_state.h"
#include "engine/domain/promotion_state.h"

namespace headgate {

struct Observation {
  std::string version;  // empty: nothing runs there
  StringMap artifacts;
  StringMap variables{};  // as TargetObserved has them
  bool operator==(const Observation&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("version", s.version);
    v("artifacts", s.artifacts);
    v("variables", s.variables);
  }
  bool shows(const Release& release) const {
    return version == release.version &&
           (artifacts.empty() || release.artifacts.empty() || artifacts == release.artifacts);
  }
};

// A rollback that was asked for and is not planned yet.
struct WantedRollback {
  std::uint64_t number = 0;  // of the promotion that carries it out
  Wish leaves;
  std::optional<Wish> to;
  bool restore = false;
  std::string reason;
  std::string by;
  bool operator==(const WantedRollback&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("number", s.number);
    v("leaves", s.leaves);
    v("to", s.to);
    v("restore", s.restore);
    v("reason", s.reason);
    v("by", s.by);
  }
};

// What a before-hook said can be restored, before its promotion deployed.
struct RestorePoint {
  std::string name;
  Release of;  // what ran when it was taken
  Json evidence;
  Position position = 0;
  bool operator==(const RestorePoint&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("name", s.name);
    v("of", s.of);
    v("evidence", s.evidence);
    v("position", s.position);
  }
};

// The last irreversible step that began here: whatever was verified before its promotion lies behind it.
struct Irreversible {
  std::uint64_t number = 0;  // of the promotion
  std::string step;
  bool operator==(const Irreversible&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("number", s.number);
    v("step", s.step);
  }
};

// What a target whose stage keeps order came to run, and who was behind the wishes that this fulfilled.
struct FulfilledWish {
  Wish wish;
  std::vector<std::string> people;
  bool operator==(const FulfilledWish&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("wish", s.wish);
    v("people", s.people);
  }
};

// Ways back and what bars them. Empty for most targets.
struct WaysBack {
  std::vector<std::uint64_t> verified_by;  // of each of TargetState::verified, the promotions that there were by then
  std::vector<Position> verified_at;       // likewise, the event that says so; 0: it was only adopted
  std::vector<Release> barred;             // left by hand: no automatic trigger brings them until somebody wishes them
  std::vector<FulfilledWish> fulfilled;    // newest last, at most 16
  std::vector<FulfilledWish> left;         // of those, by going back: inside what is brought next; the oldest last
  Boxed<Irreversible> irreversible;
  Boxed<RestorePoint> restore_point;  // of the promotion that deployed last
  Boxed<WantedRollback> wanted;
  Boxed<Promotion> failed;  // the last one, while it may be retried; of a held target, what left it half done
  bool operator==(const WaysBack&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("verified_by", s.verified_by);
    v("verified_at", s.verified_at);
    v("barred", s.barred);
    v("fulfilled", s.fulfilled);
    v("left", s.left);
    v("irreversible", s.irreversible);
    v("restore_point", s.restore_point);
    v("wanted", s.wanted);
    v("failed", s.failed);
  }
};

// One location of a target.
struct LocationState {
  std::optional<Wish> current;  // what Headgate brought and verified, or adopted, here last
  Position current_at = 0;
  std::string stable_slot;              // what runs it; empty: it runs in no slot
  std::optional<Observation> observed;  // unset: not observed yet
  std::optional<Wish> missed;           // what others of the target run and this one should, but was not brought to
  bool drifted = false;
  bool operator==(const LocationState&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("current", s.current);
    v("current_at", s.current_at);
    v("stable_slot", s.stable_slot);
    v("observed", s.observed);
    v("missed", s.missed);
    v("drifted", s.drifted);
  }
};

struct TargetState {
  std::optional<InForce<Target>> document;
  std::vector<std::string> document_people;  // whose commits brought the document to what it is since the last wish
  Boxed<Wish> desired;                       // what the document wished when it was last looked at, release resolved
  std::string desired_commit;
  Position desired_at = 0;
  std::vector<std::string> people;          // behind wishes of the document that were planned and are not fulfilled yet
  std::vector<std::string> desired_people;  // behind those that were not planned and do not wait in line
  Boxed<Wish> current;                      // what Headgate brought or adopted here last
  Position current_at = 0;
  Timestamp current_since;  // on a clock that never steps: less State::stepped as it was then
  Position brought_at = 0;  // as current_at, but of the mending of drift: that brings nothing that is news
  std::optional<Observation> observed;
  bool drifted = false;
  std::string pinned;             // why Git's wish is not followed; empty: it is
  std::string held;               // why nothing is promoted here by itself until a person acts
  bool orphaned = false;          // its document has gone: what runs there, if anything, is left alone
  bool retiring = false;          // its document went with onDelete: retire
  bool promoted = false;          // a promotion brought `current`: it was neither adopted nor came back by a rollback
  std::uint64_t last_number = 0;  // of promotions
  Boxed<Promotion> promotion;     // the live one
  std::vector<Wish> verified;     // what was verified or adopted here, newest last, at most 16
  Boxed<FailedAttempt> failed;    // the last promotion of what the document wishes, or that should mend drift
  WaysBack back{};
  std::uint32_t open_incidents = 0;
  std::uint32_t mendings = 0;                                     // of drift in a row, each soon after the one before
  Timestamp mended{};                                             // when the last one succeeded, as current_since
  std::string stable_slot{};                                      // what runs `current`; empty: it runs in no slot
  Boxed<FlowState> flow{};                                        // where the stage has triggers
  std::map<std::string, LocationState, std::less<>> locations{};  // by name, where the environment has several
  bool operator==(const TargetState&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("document", s.document);
    v("document_people", s.document_people);
    v("desired", s.desired);
    v("desired_commit", s.desired_commit);
    v("desired_at", s.desired_at);
    v("people", s.people);
    v("desired_people", s.desired_people);
    v("current", s.current);
    v("current_at", s.current_at);
    v("current_since", s.current_since);
    v("brought_at", s.brought_at);
    v("observed", s.observed);
    v("drifted", s.drifted);
    v("pinned", s.pinned);
    v("held", s.held);
    v("orphaned", s.orphaned);
    v("retiring", s.retiring);
    v("promoted", s.promoted);
    v("last_number", s.last_number);
    v("promotion", s.promotion);
    v("verified", s.verified);
    v("failed", s.failed);
    v("back", s.back);
    v("open_incidents", s.open_incidents);
    v("mendings", s.mendings);
    v("mended", s.mended);
    v("stable_slot", s.stable_slot);
    v("flow", s.flow);
    v("locations", s.locations);
  }

  // Whether nothing runs there, as was seen last.
  bool is_empty() const { return !current && observed && observed->version.empty(); }
};

}  // namespace headgate
