#include "reconciler/target_observer.h"

#include <algorithm>
#include <boost/json.hpp>

#include "engine/base/utf8.h"
#include "engine/domain/planner.h"
#include "engine/ports/caught.h"
#include "engine/ports/submit_and_wait.h"
#include "reconciler/command_outcome.h"

namespace headgate::reconciler {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// An orphaned one is left alone.
bool is_observed(const TargetState& target) {
  return target.document || (!target.orphaned && (target.current || target.flow));
}

// A variable of a Target is text, and what its document writes as 3 or true is "3" and "true".
std::optional<std::string> as_a_document_writes_it(const boost::json::value& value) {
  if (value.is_string()) return std::string(value.as_string());
  if (value.is_int64()) return std::to_string(value.as_int64());
  if (value.is_uint64()) return std::to_string(value.as_uint64());
  if (value.is_bool()) return value.as_bool() ? "true" : "false";
  return std::nullopt;
}

constexpr auto one_object =
    "one JSON object on the last line, such as {\"version\":\"v1.4.2\"}, or {\"version\":null} where nothing runs";

constexpr Duration look_every = seconds(5);  // for targets that left or came without a nudge

}  // namespace

Duration time_to_observe(const Run& observe, Duration observe_every) {
  return std::min(observe.timeout, std::clamp<Duration>(observe_every, minutes(1), minutes(5)));
}

Result<Observation> parse_observation(const std::string& evidence_json) {
  const auto bad = [&](const char* expected) {
    return fail(ErrorCode::invalid_input,
                "the observe command printed " + evidence_json.substr(0, 200) + "; expected " + expected);
  };
  boost::system::error_code error;
  const auto value = boost::json::parse(evidence_json, error);
  if (error || !value.is_object()) return bad(one_object);
  Observation observation;
  if (const auto* version = value.as_object().if_contains("version"); version && !version->is_null()) {
    if (!version->is_string()) return bad("\"version\" to be a text or null");
    observation.version = version->as_string();
    if (!observation.version.empty() && !is_version(observation.version)) return bad("\"version\" to be a version");
  }
  if (const auto* artifacts = value.as_object().if_contains("artifacts"); artifacts && !artifacts->is_null()) {
    if (!artifacts->is_object()) return bad("\"artifacts\" to be an object of texts");
    for (const auto& [name, reference] : artifacts->as_object()) {
      if (!reference.is_string() || reference.as_string().size() > 512)
        return bad("\"artifacts\" to be an object of texts");
      observation.artifacts.emplace(name, reference.as_string());
    }
  }
  if (const auto* variables = value.as_object().if_contains("variables"); variables && !variables->is_null()) {
    constexpr auto expected = "\"variables\" to be an object of texts, whole numbers, true and false";
    if (!variables->is_object()) return bad(expected);
    for (const auto& [name, seen] : variables->as_object()) {
      auto text = as_a_document_writes_it(seen);
      if (!text || text->size() > 4096) return bad(expected);
      observation.variables.emplace(name, std::move(*text));
    }
  }
  return observation;
}

std::string TargetObserver::Place::name() const {
  return to_string(target) + (location.empty() ? "" : "/" + location);
}

TargetObserver::TargetObserver(std::size_t workers, const StateView& state, CommandSink& sink, CommandDriver& driver,
                               Clock& clock, Notice notice)
    : state_(state), sink_(sink), driver_(driver), clock_(clock), notice_(std::move(notice)), turns_(workers) {
  threads_.emplace_back([this](std::stop_token stop) { follow(std::move(stop)); });
  for (std::size_t i = 0; i < workers; ++i) {
    threads_.emplace_back([this](std::stop_token stop) { work(std::move(stop)); });
  }
}

TargetObserver::~TargetObserver() {
  for (auto& thread : threads_) thread.request_stop();
  threads_.clear();
}

void TargetObserver::nudge() {
  {
    const std::scoped_lock lock(nudge_mutex_);
    nudged_ = true;
  }
  nudge_.notify_one();
}

TargetObserver::Look TargetObserver::last_look(const TargetId& target, const std::string& location) const {
  const std::scoped_lock lock(mutex_);
  const auto known = known_.find(Place{target, location});
  return known == known_.end() ? Look{} : known->second;
}

std::map<std::string, std::size_t> TargetObserver::unobserved() const {
  const std::scoped_lock lock(mutex_);
  std::map<std::string, std::size_t> counts;
  const TargetId* counted = nullptr;  // the places of a target follow each other
  for (const auto& [place, look] : known_) {
    auto& count = counts[place.target.environment];
    if (look.error.empty() || (counted != nullptr && *counted == place.target)) continue;
    counted = &place.target;
    ++count;
  }
  return counts;
}

void TargetObserver::follow(std::stop_token stop) {
  while (!stop.stop_requested()) {
    look_for_targets();
    wait_for_nudge(stop);
  }
}

void TargetObserver::wait_for_nudge(std::stop_token stop) {
  std::unique_lock lock(nudge_mutex_);
  nudge_.wait_for(lock, std::move(stop), look_every, [this] { return nudged_; });
  nudged_ = false;
}

// Every target that has come into sight is due at once.
void TargetObserver::look_for_targets() {
  const auto now = clock_.steady();
  Position seen = 0;
  bool lately = false;
  {
    const std::scoped_lock lock(mutex_);
    seen = seen_configuration_;
    lately = !known_.empty() && now < looked_ + look_every;
  }
  std::vector<Place> places;
  bool looked = false;
  state_.with_state([&](const State& state) {
    // A target without a document comes into sight with the first wish of a trigger, without a configuration.
    looked = !lately || state.configuration.position != seen;
    if (!looked) return;
    seen = state.configuration.position;
    for (const auto& [id, target] : state.targets) {
      if (!is_observed(target)) continue;
      const auto environment = state.environments.find(id.environment);
      if (environment == state.environments.end()) continue;
      const auto& locations = environment->second.document.locations;
      if (locations.empty()) places.push_back({id, {}});
      for (const auto& location : locations) places.push_back({id, location.name});
    }
  });
  if (!looked) return;
  {
    const std::scoped_lock lock(mutex_);
    seen_configuration_ = seen;
    looked_ = now;
    ++arrivals_;
    for (auto& place : places) {
      if (known_.emplace(place, Look{}).second) due_.insert({now, std::move(place)});
    }
  }
  arrived_.notify_all();
  stop_what_has_changed();
}

// What an old command would still say is of no use, and one that hangs would keep its worker.
void TargetObserver::stop_what_has_changed() {
  std::map<Place, UnderWay> under_way;
  {
    const std::scoped_lock lock(mutex_);
    under_way = under_way_;
  }
  for (auto& [place, look] : under_way) {
    const auto task = task_of(place);
    if (!task.observable || task.observe != look.observe) look.stop.request_stop();
  }
}

TargetObserver::Task TargetObserver::task_of(const Place& place) const {
  Task task;
  const auto& id = place.target;
  state_.with_state([&](const State& state) {
    const auto* target = state.find(id);
    const auto environment = state.environments.find(id.environment);
    if (!target || environment == state.environments.end() || !is_observed(*target)) return;
    const auto& document = environment->second.document;
    const auto location = std::ranges::find(document.locations, place.location, &Location::name);
    const bool is_location = location != document.locations.end();
    if (is_location == document.locations.empty() || is_location == place.location.empty()) return;  // others now
    task.observable = true;
    task.begun = state.next;
    const auto* stage = state.stage(id);
    const auto* in = is_location ? &*location : nullptr;
    task.observe = stage ? driver_of(*stage, document, in).observe : document.driver.observe;
    task.every = document.observe_every;
    task.observe.timeout = time_to_observe(task.observe, task.every);
    if (target->document) task.variables = target->document->document.variables;
    StringMap values{{"service", id.service}, {"environment", id.environment}, {"location", place.location}};
    for (const auto& [name, value] : task.variables) values["variables." + name] = value;
    for (auto& argument : task.observe.command) argument = interpolate(argument, values);
  });
  return task;
}

void TargetObserver::work(std::stop_token stop) {
  while (!stop.stop_requested()) {
    if (const auto due = next_due(stop)) take_turn(*due, stop);
  }
}

// The one that goes first, as fair_turns.h says; unset: after a wait there may be one.
std::optional<TargetObserver::Due> TargetObserver::next_due(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  const auto now = clock_.steady();
  auto patience = look_every;
  auto first = due_.end();
  std::size_t fewest = 0;
  for (auto each = due_.begin(); each != due_.end(); ++each) {
    if (each->at > now) {
      patience = std::min(patience, each->at - now);
      break;
    }
    if (!turns_.allows(each->slow)) continue;  // whoever ends a slow one asks for it
    const auto under_way = turns_.under_way(each->place.target.environment);
    if (first != due_.end() && under_way >= fewest) continue;
    first = each;
    fewest = under_way;
    if (fewest == 0) break;
  }
  if (first == due_.end()) {
    arrived_.wait_for(lock, std::move(stop), patience, [this, seen = arrivals_] { return arrivals_ != seen; });
    return std::nullopt;
  }
  auto due = std::move(due_.extract(first).value());
  turns_.begin(due.place.target.environment, due.slow);
  return due;
}

void TargetObserver::take_turn(const Due& due, const std::stop_token& stop) {
  const auto& place = due.place;
  const auto task = task_of(place);
  const auto began = clock_.steady();
  std::stop_source look;
  if (task.observable) {
    {
      const std::scoped_lock lock(mutex_);
      under_way_.emplace(place, UnderWay{task.observe, look});
    }
    const std::stop_callback stops(stop, [&look] { look.request_stop(); });
    const auto looked = caught([&]() -> Result<void> {
      observe(place, task, look.get_token());
      return {};
    });
    if (!looked) tell(place, looked.error().message);
  }
  const std::scoped_lock lock(mutex_);
  under_way_.erase(place);
  turns_.end(place.target.environment, due.slow);
  const auto now = clock_.steady();
  if (!task.observable) {
    known_.erase(place);  // seen anew when it comes back
  } else if (look.stop_requested()) {
    due_.insert({now, place});
  } else {
    due_.insert({now + task.every, place, now - began >= FairTurns::slow_after});
  }
}

// Of a place that is still known: said once until it works again.
void TargetObserver::tell(const Place& place, const std::string& trouble) {
  {
    const std::scoped_lock lock(mutex_);
    const auto known = known_.find(place);
    if (known == known_.end()) return;
    auto& look = known->second;
    const bool again = !look.error.empty();
    look.error = trouble;
    if (trouble.empty()) look.observed = clock_.now();
    if (trouble.empty() || again) return;
  }
  notice_(NoticeLevel::warning, "cannot observe: " + trouble, place.name());
}

void TargetObserver::observe(const Place& place, const Task& task, std::stop_token stop) {
  const auto& target = place.target;
  const auto activity = "observe/" + place.name();
  auto environment = target_environment(target, task.variables);
  environment["HEADGATE_ACTIVITY"] = activity;
  if (!place.location.empty()) environment["HEADGATE_LOCATION"] = place.location;
  const auto result = driver_.run(task.observe, target, activity, std::move(environment), stop);
  if (!result) return tell(place, result.error().message);
  if (result->end == ProcessResult::End::stopped) return;
  const auto outcome = command_outcome(*result);
  if (outcome.kind != CommandOutcome::Kind::succeeded) return tell(place, outcome.reason);
  // Silence is no observation, and neither is the bare null of a tool that found no field: taken for "nothing runs
  // there" it would start a first promotion over whatever does.
  if (outcome.evidence_json.empty()) {
    const auto found = result->last_line.empty() ? "" : ", found " + valid_utf8(result->last_line, 200);
    return tell(place, "the observe command gave no answer: " + outcome.reason + found + "; expected " + one_object);
  }
  const auto observed = parse_observation(outcome.evidence_json);
  if (!observed) return tell(place, observed.error().message);
  const auto recorded =
      submit_and_wait(sink_, {.command = RecordObservation{target, *observed, task.begun, place.location}});
  // A full queue, or one that closes: the next look tells it.
  if (!recorded && recorded.error().code == ErrorCode::unavailable) return;
  tell(place, recorded ? std::string() : recorded.error().message);
}

}  // namespace headgate::reconciler
