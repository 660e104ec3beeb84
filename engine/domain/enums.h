// The closed sets of words, each with the one text that the log, the API and the documents use for it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace headgate {

enum class DocumentKind : std::uint8_t { service, environment, target, access_policy, notification_policy };
enum class Role : std::uint8_t { viewer, auditor, reporter, approver, operator_, break_glass, admin };
enum class GateStatus : std::uint8_t { passed, failed, error };
enum class StepKind : std::uint8_t { gates, approval, wait, run, deploy, health, retire, traffic, pause };
enum class Phase : std::uint8_t {
  waiting,
  running,
  rolling_back,
  succeeded,
  failed,
  rolled_back,
  rejected,
  cancelled,
  superseded
};
enum class Trigger : std::uint8_t { desired, manual, rollback, branch, tag, after, schedule, drift };
// Which of several wishes of a target is followed.
enum class Supersede : std::uint8_t { newest, queue };
// What follows for what runs on a target when its document goes.
enum class OnDelete : std::uint8_t { retain, retire };
// What follows when a metric is out of its bounds and the gate does not fail by that.
enum class Otherwise : std::uint8_t { approval };
enum class WindowKind : std::uint8_t { allow, deny };
// What a stage does about an author whom the AccessPolicy does not know.
enum class UnknownAuthors : std::uint8_t { extra_approval, refuse };
// What came of verifying the signature of a commit. missing: no watched repository holds the commit.
enum class SignatureVerdict : std::uint8_t { good, unsigned_, bad, unknown_key, expired_key, missing };
// What follows when a step fails in one location of an environment that has several.
enum class OnLocationFailure : std::uint8_t { rollback_all, rollback_location, hold };
// What follows when a monitor fails: somebody is told; or what was promoted there goes back as well.
enum class OnMonitorFailure : std::uint8_t { incident, rollback };
// Of one measurement: inconclusive when too few samples are behind it, error when nothing was learnt.
enum class Verdict : std::uint8_t { passed, failed, inconclusive, error };

template <class E>
struct EnumNames;  // names in the order of the enumerators, from 0

#define HEADGATE_ENUM_NAMES(E, ...)                                               \
  template <>                                                                     \
  struct EnumNames<E> {                                                           \
    static constexpr auto names = std::to_array<std::string_view>({__VA_ARGS__}); \
  }

HEADGATE_ENUM_NAMES(DocumentKind, "Service", "Environment", "Target", "AccessPolicy", "NotificationPolicy");
HEADGATE_ENUM_NAMES(Role, "viewer", "auditor", "reporter", "approver", "operator", "breakGlass", "admin");
HEADGATE_ENUM_NAMES(GateStatus, "passed", "failed", "error");
HEADGATE_ENUM_NAMES(StepKind, "gates", "approval", "wait", "run", "deploy", "health", "retire", "traffic", "pause");
HEADGATE_ENUM_NAMES(Phase, "waiting", "running", "rollingBack", "succeeded", "failed", "rolledBack", "rejected",
                    "cancelled", "superseded");
HEADGATE_ENUM_NAMES(Trigger, "desired", "manual", "rollback", "branch", "tag", "after", "schedule", "drift");
HEADGATE_ENUM_NAMES(Supersede, "newest", "queue");
HEADGATE_ENUM_NAMES(OnDelete, "retain", "retire");
HEADGATE_ENUM_NAMES(Otherwise, "approval");
HEADGATE_ENUM_NAMES(WindowKind, "allow", "deny");
HEADGATE_ENUM_NAMES(UnknownAuthors, "extraApproval", "refuse");
HEADGATE_ENUM_NAMES(SignatureVerdict, "good", "unsigned", "bad", "unknownKey", "expiredKey", "missing");
HEADGATE_ENUM_NAMES(OnLocationFailure, "rollbackAll", "rollbackLocation", "hold");
HEADGATE_ENUM_NAMES(OnMonitorFailure, "incident", "rollback");
HEADGATE_ENUM_NAMES(Verdict, "passed", "failed", "inconclusive", "error");

template <class E>
constexpr std::string_view name_of(E value) {
  return EnumNames<E>::names[static_cast<std::size_t>(value)];
}

template <class E>
constexpr std::optional<E> parse_enum(std::string_view text) {
  const auto& names = EnumNames<E>::names;
  const auto found = std::find(names.begin(), names.end(), text);
  if (found == names.end()) return std::nullopt;
  return static_cast<E>(found - names.begin());
}

}  // namespace headgate
