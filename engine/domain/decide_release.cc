// Releases, gates, targets as observed: decide for what is reported from outside.
#include <algorithm>

#include "engine/domain/decide_parts.h"
#include "engine/domain/gates.h"
#include "engine/domain/locations.h"
#include "engine/domain/record_size.h"
#include "engine/domain/renames.h"
#include "engine/domain/rollback.h"
#include "engine/domain/self_heal.h"

namespace headgate {
namespace {

bool is_hex_id(std::string_view text) {
  return (text.size() == 40 || text.size() == 64) &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

template <class Map>
std::string known_names(const Map& map) {
  std::string names;
  for (const auto& [name, value] : map) {
    if (names.size() > 200) return names + ", …";
    names += (names.empty() ? "" : ", ") + name;
  }
  return names.empty() ? "none" : names;
}

Result<const Service*> service_in_force(const State& state, const std::string& name) {
  if (const auto* service = state.service(name)) return service;
  std::map<std::string, bool> known;
  for (const auto& [service, entry] : state.services) {
    if (entry.document) known[service] = true;
  }
  return fail(ErrorCode::not_found,
              "no service '" + name + "' in the configuration in force; known: " + known_names(known),
              {{"/service", name, known_names(known)}});
}

}  // namespace

Result<void> check_release(const Release& release) {
  std::vector<FieldError> errors;
  if (!is_version(release.version)) {
    errors.push_back(
        {"/version", release.version, "letters, digits and . _ + -, beginning with a letter or digit, at most 128"});
  }
  if (!release.commit.empty() && !is_hex_id(release.commit)) {
    errors.push_back({"/commit", release.commit, "a full commit id: 40 or 64 lower-case hexadecimal digits"});
  }
  if (release.artifacts.size() > 32) {
    errors.push_back({"/artifacts", std::to_string(release.artifacts.size()) + " artifacts", "at most 32"});
  }
  for (const auto& [name, reference] : release.artifacts) {
    if (!is_name(name)) errors.push_back({"/artifacts/" + name, name, "a name of lower-case letters, digits and '-'"});
    const bool printable = std::ranges::all_of(reference, [](char ch) { return ch > ' ' && ch < 0x7F; });
    if (reference.empty() || reference.size() > 512 || reference.front() == '-' || !printable) {
      errors.push_back({"/artifacts/" + name, reference.substr(0, 64),
                        "a reference of 1 to 512 printable characters that does not begin with '-'"});
    }
  }
  if (!errors.empty()) return fail(ErrorCode::invalid_input, "the release is not well-formed", std::move(errors));
  const auto bytes = stored_size_bound(Wish{release, {}});
  if (bytes > max_release_bytes) {
    return fail(ErrorCode::too_large, "release " + release.version + " takes up to " + std::to_string(bytes) +
                                          " bytes, at most " + std::to_string(max_release_bytes));
  }
  return {};
}

Result<void> check_text(std::string_view pointer, std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return {};
  return fail(ErrorCode::invalid_input, "a text is too long",
              {{std::string(pointer), std::to_string(text.size()) + " bytes",
                "at most " + std::to_string(max_bytes) + " bytes"}});
}

// Where a release comes from is recorded once, too: a later word on it would be lost.
Result<void> check_origin(const ReleaseId& id, const RegisteredRelease& known, const RegisterRelease& c) {
  std::vector<FieldError> errors;
  if (!c.branch.empty() && c.branch != known.branch) {
    errors.push_back({"/branch", c.branch, known.branch.empty() ? "none" : known.branch});
  }
  for (const auto& tag : c.tags) {
    if (std::ranges::find(known.tags, tag) != known.tags.end()) continue;
    std::string tags;
    for (const auto& registered : known.tags) tags += (tags.empty() ? "one of " : ", ") + registered;
    errors.push_back({"/tags", tag, tags.empty() ? "none" : tags});
  }
  if (errors.empty()) return {};
  return fail(ErrorCode::conflict,
              "release " + to_string(id) + " is registered with another branch or other tags: a release never changes",
              std::move(errors));
}

Decision decide_command(const State& state, const RegisterRelease& c, const Context&) {
  HEADGATE_TRY_VOID(service_in_force(state, c.service));
  HEADGATE_TRY_VOID(check_release(c.release));
  HEADGATE_TRY_VOID(check_text("/branch", c.branch, 256));
  if (c.tags.size() > 32)
    return fail(ErrorCode::invalid_input, "too many tags", {{"/tags", std::to_string(c.tags.size()), "at most 32"}});
  for (const auto& tag : c.tags) HEADGATE_TRY_VOID(check_text("/tags", tag, 256));
  const ReleaseId id{c.service, c.release.version};
  const auto* known = state.release(id);
  if (known && known->release == c.release) {
    HEADGATE_TRY_VOID(check_origin(id, *known, c));
    return Events{};
  }
  if (known || state.was_another(c.service, c.release)) {
    return fail(ErrorCode::conflict, "release " + to_string(id) +
                                         " is registered with another commit or other artifacts: "
                                         "a release never changes, give the new one a new version");
  }
  return Events{ReleaseRegistered{id, c.release.commit, c.release.artifacts, c.branch, c.tags}};
}

Decision decide_command(const State& state, const ReportGate& c, const Context&) {
  HEADGATE_TRY(const Service* service, service_in_force(state, c.service));
  const auto gate = std::ranges::find(service->gates, c.gate, &Gate::name);
  if (gate == service->gates.end()) {
    std::map<std::string, bool> known;
    for (const auto& other : service->gates) known[other.name] = true;
    return fail(ErrorCode::invalid_input, "service " + c.service + " has no gate '" + c.gate + "'",
                {{"/gate", c.gate, "one of: " + known_names(known)}});
  }
  GateReported report{{c.service}, c.commit, c.version, c.gate, c.status, c.metrics, c.url, c.summary, c.report, {}};
  if (c.commit.empty() == c.version.empty()) {
    return fail(ErrorCode::invalid_input, "a gate is reported for a commit or for a version",
                {{"/commit", c.commit.empty() ? "neither" : "both", "one of commit and version"}});
  }
  if (!c.commit.empty() && !is_hex_id(c.commit)) {
    return fail(ErrorCode::invalid_input, "the commit is not a full id",
                {{"/commit", c.commit, "40 or 64 lower-case hexadecimal digits"}});
  }
  if (!c.version.empty()) {
    const auto* release = state.release({c.service, c.version});
    if (!release) return fail(ErrorCode::not_found, "release " + c.service + "/" + c.version + " is not registered");
    if (!release->release.commit.empty()) {
      report.commit = release->release.commit;
      report.version.clear();
    }
  }
  if (c.metrics.size() > 64) {
    return fail(ErrorCode::invalid_input, "too many metrics",
                {{"/metrics", std::to_string(c.metrics.size()), "at most 64"}});
  }
  for (const auto& [name, value] : c.metrics) {
    if (!is_metric_name(name)) {
      return fail(
          ErrorCode::invalid_input, "wrong name of a metric",
          {{"/metrics", name.empty() ? "an empty name" : name.substr(0, 64), "up to 63 letters, digits and . _ -"}});
    }
    if (!is_decimal(value.text)) {
      return fail(ErrorCode::invalid_input, "a metric is not a number",
                  {{"/metrics/" + name, value.text, "a decimal number"}});
    }
  }
  HEADGATE_TRY_VOID(check_text("/url", c.url, 2048));
  HEADGATE_TRY_VOID(check_text("/summary", c.summary, 4096));
  HEADGATE_TRY_VOID(check_text("/report", c.report, 80));
  report.after = passed_by_now(state, c.service, {report.version, report.commit, {}}, *gate);
  return Events{std::move(report)};
}

Decision decide_command(const State& state, const QuarantineRelease& c, const Context&) {
  HEADGATE_TRY_VOID(check_text("/reason", c.reason, max_reason_bytes));
  if (c.reason.empty())
    return fail(ErrorCode::invalid_input, "a quarantine needs a reason", {{"/reason", "nothing", "a text"}});
  const auto* known = state.release(c.release);
  if (!known) return fail(ErrorCode::not_found, "release " + to_string(c.release) + " is not registered");
  if (state.quarantine(c.release.service, known->release)) return Events{};
  return Events{ReleaseQuarantined{c.release, known->release.commit, known->release.artifacts, c.reason}};
}

Decision decide_command(const State& state, const ReinstateRelease& c, const Context&) {
  HEADGATE_TRY_VOID(check_text("/reason", c.reason, max_reason_bytes));
  const auto owner = state.services.find(c.release.service);
  if (owner != state.services.end()) {
    for (const auto& entry : owner->second.quarantined) {
      if (entry.release.version == c.release.version) return Events{ReleaseReinstated{c.release, c.reason}};
    }
  }
  // Quarantine follows the candidate: whichever of its versions is named, the entry is lifted.
  const auto* known = state.release(c.release);
  const auto* entry = known ? state.quarantine(c.release.service, known->release) : nullptr;
  if (!entry) return fail(ErrorCode::not_found, "release " + to_string(c.release) + " is not quarantined");
  return Events{ReleaseReinstated{{c.release.service, entry->release.version}, c.reason}};
}

Decision decide_command(const State& state, const RecordObservation& c, const Context&) {
  const auto* target = state.find(c.target);
  if (!target) return Events{};
  // While a promotion changes the target, what is seen there proves nothing; nor does what was asked before it ended.
  if (target->promotion && target->promotion->phase != Phase::waiting) return Events{};
  const auto locations = locations_of(state, c.target);
  const bool known = c.location.empty() ? locations.empty()
                                        : std::ranges::find(locations, c.location, &Location::name) != locations.end();
  if (!known) return Events{};  // asked before the locations were others
  const auto& there = at_location(*target, c.location);
  const auto current = c.location.empty() ? std::optional<Wish>(target->current) : there.current;
  if (current && c.begun <= (c.location.empty() ? target->current_at : there.current_at)) return Events{};
  // What it should run but was not brought to is missed until a promotion brings it, or another wish comes.
  const auto* expected = there.missed ? &*there.missed : current ? &*current : nullptr;
  auto observed = c.observed;
  observed.variables = variables_that_count(state, c.target, expected, c.observed.variables);
  const bool fits = observed.version.size() <= 128 &&
                    stored_size_bound(Wish{{observed.version, {}, observed.artifacts}, {}}) <= max_release_bytes &&
                    stored_size_bound(Wish{{}, observed.variables}) <= max_wish_bytes;
  if (!fits) {
    return fail(ErrorCode::invalid_input, "the driver's observation of " + to_string(c.target) + " is too large");
  }
  Events events;
  if ((c.location.empty() ? target->observed : there.observed) != observed) {
    events.emplace_back(TargetObserved{c.target, observed.version, observed.artifacts, c.location, observed.variables});
  }
  if (current) {
    auto differing = variables_that_differ(*expected, observed.variables);
    const bool drifted = !observed.shows(expected->release) || !differing.empty();
    const bool known_already = c.location.empty() ? target->drifted : there.drifted;
    if (drifted && !known_already) {
      events.emplace_back(
          DriftDetected{c.target, expected->release.version, observed.version, c.location, std::move(differing)});
    }
    if (!drifted && known_already) events.emplace_back(DriftResolved{c.target, c.location});
  }
  return events;
}

namespace {

// The next promotion brings its candidate to the slot without traffic: which one that is has to be known.
Result<void> check_slots_known(const State& state, const TargetId& id, const Wish& adopted) {
  const auto& target = *state.find(id);
  std::vector<std::string> places;
  for (const auto& location : locations_of(state, id)) {
    if (at_location(target, location.name).current != adopted) places.push_back(location.name);
  }
  if (locations_of(state, id).empty()) places.emplace_back();
  for (const auto& place : places) {
    if (slot_seen_with(target, adopted.release, place)) continue;
    if (!target.back.failed || target.back.failed->id != PromotionId{id, target.last_number}) {  // not to be retried
      return fail(ErrorCode::conflict, "a promotion failed between two slots here, and release " +
                                           adopted.release.version +
                                           " tells nobody which of them has the traffic: headgate promote");
    }
    const auto failed = to_string(target.back.failed->id);
    return fail(ErrorCode::conflict,
                failed + " failed between two slots" + (place.empty() ? "" : " of location " + place) +
                    ", and release " + adopted.release.version +
                    " tells nobody which of them has the traffic: mend the cause and headgate retry " + failed +
                    " --reason TEXT, or headgate promote");
  }
  return {};
}

}  // namespace

Decision decide_command(const State& state, const AdoptTarget& c, const Context&) {
  HEADGATE_TRY_VOID(check_text("/reason", c.reason, max_reason_bytes));
  const auto* target = state.find(c.target);
  if (!target) return fail(ErrorCode::not_found, "no target " + to_string(c.target));
  HEADGATE_TRY_VOID(check_not_being_renamed(state, c.target));
  if (target->promotion) {
    return fail(ErrorCode::conflict,
                "promotion " + to_string(target->promotion->id) + " is under way: cancel it first");
  }
  if (!target->observed &&
      std::ranges::any_of(target->locations, [](const auto& entry) { return entry.second.observed.has_value(); })) {
    return fail(ErrorCode::conflict, "the locations of " + to_string(c.target) +
                                         " do not run the same, or not all were observed yet: headgate promote "
                                         "brings one release to all of them");
  }
  if (!target->observed || target->observed->version.empty()) {
    return fail(ErrorCode::conflict, target->observed
                                         ? "nothing runs at " + to_string(c.target) + ": there is nothing to adopt"
                                         : to_string(c.target) + " has not been observed yet: try again later");
  }
  Wish wish;
  wish.release = {target->observed->version, {}, target->observed->artifacts};
  if (const auto* known = state.release({c.target.service, wish.release.version})) wish.release = known->release;
  HEADGATE_TRY_VOID(check_release(wish.release));  // what a driver prints may go into commands from here on
  if (target->document) wish.variables = target->document->document.variables;
  if (runs_everywhere(state, c.target, wish) && target->held.empty()) return Events{};
  HEADGATE_TRY_VOID(check_slots_known(state, c.target, wish));
  Events events{TargetAdopted{c.target, wish, c.reason}};
  // At first sight the document has its turn. Later, who adopts something else says that it stays.
  const bool first_sight = !target->current && target->held.empty() && target->pinned.empty();
  if (!first_sight && target->desired && *target->desired != wish) {
    const auto wished = "; the document wishes " + target->desired->release.version;
    events.emplace_back(TargetPinned{c.target, cut_text("release " + wish.release.version + " was adopted" +
                                                            (c.reason.empty() ? "" : ": " + c.reason),
                                                        max_reason_bytes - wished.size()) +
                                                   wished});
  }
  return events;
}

}  // namespace headgate
