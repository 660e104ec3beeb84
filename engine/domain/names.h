// Names of targets, releases, promotions and activities, and the texts by which the log, the API and people refer to
// them. A name never holds '/', so that paths split without escaping.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/error.h"

namespace headgate {

using Position = std::uint64_t;             // of an event in the log, from 0, dense
using Hash = std::array<std::uint8_t, 32>;  // SHA-256

// Lower-case letters, digits and '-', beginning and ending with a letter or digit; 1 to 63 characters (RFC 1123 label).
bool is_name(std::string_view text);
// What a version may look like: letters, digits and . _ + -, beginning with a letter or digit; 1 to 128 characters.
bool is_version(std::string_view text);

struct TargetId {
  std::string service;
  std::string environment;
  auto operator<=>(const TargetId&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("service", s.service);
    v("environment", s.environment);
  }
};

struct PromotionId {
  TargetId target;
  std::uint64_t number = 0;  // the n-th promotion of its target, from 1
  auto operator<=>(const PromotionId&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("target", s.target);
    v("number", s.number);
  }
};

// A step of a promotion; it is also the id of the step's activity and the idempotency key of each of its attempts.
struct StepId {
  PromotionId promotion;
  std::string step;
  auto operator<=>(const StepId&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("promotion", s.promotion);
    v("step", s.step);
  }
};

struct ReleaseId {
  std::string service;
  std::string version;
  auto operator<=>(const ReleaseId&) const = default;
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("service", s.service);
    v("version", s.version);
  }
};

std::string to_string(const TargetId& id);     // gateway/production
std::string to_string(const PromotionId& id);  // gateway/production/7
std::string to_string(const StepId& id);       // gateway/production/7/deploy, or …/7/deploy.eu in a location
std::string to_string(const ReleaseId& id);    // gateway/v1.4.2

// The name of a Target's document, gateway.production, and back; what has no '.' is a service alone.
std::string document_name(const TargetId& id);
TargetId target_of(std::string_view document_name);

Result<TargetId> parse_target_id(std::string_view text);
Result<PromotionId> parse_promotion_id(std::string_view text);

// A number exactly as it was measured or written; compared exactly, never through a binary fraction.
struct Decimal {
  std::string text;                                 // -?digits[.digits][e[+-]digits], as in JSON
  bool operator==(const Decimal&) const = default;  // of the texts: 1.0 and 1.00 differ here
};
bool is_decimal(std::string_view text);
std::strong_ordering compare(const Decimal& a, const Decimal& b);  // of the values; both must be decimals

template <class T>
void add_unique(std::vector<T>& to, const T& value) {
  if (std::ranges::find(to, value) == to.end()) to.push_back(value);
}

using StringMap = std::map<std::string, std::string, std::less<>>;

// The candidate behind a release's version: two versions of the same service, commit and artifacts are one candidate.
struct Release {
  std::string version;
  std::string commit;   // full hexadecimal id, or empty where the release names none
  StringMap artifacts;  // name -> reference by digest
  bool operator==(const Release&) const = default;
  bool same_candidate(const Release& other) const {
    // Without commit and artifacts nothing but the version tells two candidates apart.
    if (commit.empty() && artifacts.empty())
      return other.commit.empty() && other.artifacts.empty() && version == other.version;
    return commit == other.commit && artifacts == other.artifacts;
  }
  template <class Self, class V>
  static void describe(Self& s, V& v) {
    v("version", s.version);
    v("commit", s.commit);
    v("artifacts", s.artifacts);
  }
};

}  // namespace headgate
