// Events of who stands behind a release: whether its commit is signed, and whose work it holds. See events.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/domain/enums.h"
#include "engine/domain/event_type.h"
#include "engine/domain/names.h"

namespace headgate {

// The signature of a commit was verified against the signing keys of the AccessPolicy's people: written once, and again
// when it comes out otherwise (a key was added, or expired). Keys themselves stay in the directory of people.
struct CommitVerified {
  static constexpr EventType type{"commit.verified"};
  std::string repository;  // that holds the commit; empty when none does
  std::string commit;
  SignatureVerdict verdict = SignatureVerdict::missing;
  std::string signer;  // person id, of a good signature
  std::string key;     // fingerprint, where the signature names one: SHA256:… of SSH, 40 digits of OpenPGP
  std::string reason;  // why it is not good
  bool operator==(const CommitVerified&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.repository);
    v.correlation(s.commit);
    v("verdict", s.verdict);
    v("signer", s.signer);
    v("key", s.key);
    v("reason", s.reason);
  }
};

// Whose work lies between the release that runs and the one to come: everybody who authored, co-authored or committed
// any of those commits. They may not approve it.
struct PromotionAttributed {
  static constexpr EventType type{"promotion.attributed"};
  PromotionId promotion;
  std::string repository;  // that holds the commits; empty when none does
  std::string from;        // commit of the release that runs; empty: there is none, only `to` itself counts
  std::string to;
  bool known = false;  // whether the people could be told
  std::uint64_t commits = 0;
  std::vector<std::string> people;  // person ids
  bool operator==(const PromotionAttributed&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.promotion);
    v("repository", s.repository);
    v("from", s.from);
    v("to", s.to);
    v("known", s.known);
    v("commits", s.commits);
    v("people", s.people);
  }
};

}  // namespace headgate
