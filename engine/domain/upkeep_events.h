// Events of the log itself, of the engine, and of who may come to them: what concerns no service. See events.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/domain/event_type.h"
#include "engine/domain/names.h"
#include "engine/domain/time.h"

namespace headgate {

// -------------------------------------------------------------------------------------------------------- log, engine

// The log of another origin that a restored log goes on from: as far as its newest known checkpoint.
struct PreviousLog {
  std::string origin;
  std::uint64_t size = 0;  // records
  std::string root;        // sha256:<hex> of the tree of that size
  bool operator==(const PreviousLog&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("origin", s.origin);
    v("size", s.size);
    v("root", s.root);
  }
};

// The first record; a second one begins a new origin, in a log that was restored behind a checkpoint of its old one.
struct LogCreated {
  static constexpr EventType type{"log.created", 2};
  std::string origin;
  std::string verifier_key;  // C2SP signed-note: name+hash+key
  std::optional<PreviousLog> previous;
  bool operator==(const LogCreated&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("origin", s.origin);
    v("verifier_key", s.verifier_key);
    v("previous", s.previous);
  }
};

struct EngineStarted {
  static constexpr EventType type{"engine.started"};
  std::string version;
  bool operator==(const EngineStarted&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("version", s.version);
  }
};

struct EngineStopped {
  static constexpr EventType type{"engine.stopped"};
  bool operator==(const EngineStopped&) const = default;
  template <class Self, class V>
  static void describe(Self&, V&) {}
};

// The wall clock parted from the steady clock by more than 5 s; running timers move by `delta` to keep their length.
struct ClockStepped {
  static constexpr EventType type{"clock.stepped"};
  Duration delta{0};  // whole milliseconds
  bool operator==(const ClockStepped&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("delta_ms", s.delta);
  }
};

// From here on checkpoints are signed by another key. The old key stays good for the checkpoints that it signed.
struct KeyRotated {
  static constexpr EventType type{"key.rotated"};
  std::string verifier_key;  // the new one
  std::string previous;      // the old one
  bool operator==(const KeyRotated&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("verifier_key", s.verifier_key);
    v("previous", s.previous);
  }
};

// ------------------------------------------------------------------------------------------------- backup and restore

// A backup holds the first `size` records, whose root is `root`.
struct BackupCompleted {
  static constexpr EventType type{"backup.completed"};
  std::uint64_t id = 0;
  std::uint64_t size = 0;  // records
  std::string root;        // sha256:<hex>
  std::uint64_t bytes = 0;
  bool operator==(const BackupCompleted&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("id", s.id);
    v("size", s.size);
    v("root", s.root);
    v("bytes", s.bytes);
  }
};

// Every record of the backup was read again, and its tree has the root of the log.
struct BackupVerified {
  static constexpr EventType type{"backup.verified"};
  std::uint64_t id = 0;
  std::uint64_t size = 0;
  std::string root;
  bool operator==(const BackupVerified&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("id", s.id);
    v("size", s.size);
    v("root", s.root);
  }
};

struct BackupFailed {
  static constexpr EventType type{"backup.failed"};
  std::uint64_t id = 0;  // 0: it did not come so far as to have one
  std::string reason;
  bool operator==(const BackupFailed&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("id", s.id);
    v("reason", s.reason);
  }
};

// The log goes on from a backup. What came after `size` in the log that was lost is not here.
struct LogRestored {
  static constexpr EventType type{"log.restored"};
  std::uint64_t backup = 0;
  std::uint64_t size = 0;  // records that came from the backup
  std::string root;        // of them
  bool operator==(const LogRestored&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("backup", s.backup);
    v("size", s.size);
    v("root", s.root);
  }
};

// Everything outside stands still: no activity begins, running ones are stopped and taken up again later.
struct EffectsPaused {
  static constexpr EventType type{"effects.paused"};
  std::string reason;
  bool operator==(const EffectsPaused&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("reason", s.reason);
  }
};

struct EffectsResumed {
  static constexpr EventType type{"effects.resumed"};
  std::string reason;
  bool operator==(const EffectsResumed&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("reason", s.reason);
  }
};

// ------------------------------------------------------------------------------------------------------------ access

struct TokenCreated {
  static constexpr EventType type{"token.created"};
  std::string id;           // token:<id>; its name is beside the log
  std::string hash;         // sha256:<hex> of the token's text
  std::vector<Role> roles;  // held everywhere, besides what the AccessPolicy grants
  std::optional<Timestamp> expires;
  bool operator==(const TokenCreated&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
    v("hash", s.hash);
    v("roles", s.roles);
    v("expires", s.expires);
  }
};

struct TokenRevoked {
  static constexpr EventType type{"token.revoked"};
  std::string id;
  bool operator==(const TokenRevoked&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.id);
  }
};

// Requests that were refused for want of a token or a role, added up over a minute.
struct AccessDenied {
  static constexpr EventType type{"access.denied"};
  std::string reason;  // unauthenticated, forbidden
  std::uint64_t count = 1;
  std::string route;  // that they asked for
  bool operator==(const AccessDenied&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("reason", s.reason);
    v("count", s.count);
    v("route", s.route);
  }
};

// Somebody took records out of the log's keeping: an export or an evidence bundle.
struct AuditExported {
  static constexpr EventType type{"audit.exported"};
  std::string kind;    // evidence, records
  std::string filter;  // as it was asked, key=value joined by &
  std::uint64_t records = 0;
  std::uint64_t size = 0;  // of the log that it was taken from
  bool operator==(const AuditExported&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("kind", s.kind);
    v("filter", s.filter);
    v("records", s.records);
    v("size", s.size);
  }
};

// The directory beside the log has forgotten the names and addresses of this person; the log never held them.
struct PersonErased {
  static constexpr EventType type{"person.erased"};
  std::string person;  // <random id>
  bool operator==(const PersonErased&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v.subject(s.person);
  }
};

}  // namespace headgate
