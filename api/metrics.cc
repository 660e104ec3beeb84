#include "api/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <tuple>
#include <vector>

namespace headgate::api {
namespace {

using Buckets = prometheus::Histogram::BucketBoundaries;
using prometheus::Counter;
using prometheus::Histogram;
template <class T>
using Family = prometheus::Family<T>;

const Buckets sync_buckets{0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1};
const Buckets count_buckets{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096};
const Buckets request_buckets{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5};
const Buckets work_buckets{0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600};
const Buckets long_buckets{1, 5, 15, 60, 300, 900, 3600, 14'400, 43'200, 86'400, 259'200, 604'800};

constexpr std::array<std::string_view, 5> outcomes{"succeeded", "retryable", "terminal", "unhealthy", "stopped"};
constexpr std::array<std::string_view, 2> denials{"unauthenticated", "forbidden"};
constexpr std::size_t event_types = std::variant_size_v<AnyEvent>;
constexpr std::size_t max_commits = 256;  // whose plans are still awaited

double seconds_of(std::chrono::nanoseconds duration) {
  return std::max(0.0, std::chrono::duration<double>(duration).count());
}

// One name per alternative of Event, in its order.
template <std::size_t... I>
std::array<std::string_view, sizeof...(I)> names_of_types(std::index_sequence<I...>) {
  return {std::variant_alternative_t<I, AnyEvent>::type.name...};
}

template <class E>
constexpr std::optional<Phase> end_phase() {
  if constexpr (std::is_same_v<E, PromotionSucceeded>) return Phase::succeeded;
  if constexpr (std::is_same_v<E, PromotionFailed> || std::is_same_v<E, RollbackFailed>) return Phase::failed;
  if constexpr (std::is_same_v<E, PromotionRejected>) return Phase::rejected;
  if constexpr (std::is_same_v<E, PromotionCancelled>) return Phase::cancelled;
  if constexpr (std::is_same_v<E, PromotionSuperseded>) return Phase::superseded;
  if constexpr (std::is_same_v<E, RollbackSucceeded>) return Phase::rolled_back;
  return std::nullopt;
}

// A gauge whose rows exist only as long as what they tell of.
class GaugeFamily {
 public:
  GaugeFamily(std::string name, std::string help) {
    family_.name = std::move(name);
    family_.help = std::move(help);
    family_.type = prometheus::MetricType::Gauge;
  }
  GaugeFamily& add(double value, std::vector<prometheus::ClientMetric::Label> labels = {}) {
    auto& metric = family_.metric.emplace_back();
    metric.label = std::move(labels);
    metric.gauge.value = value;
    return *this;
  }
  prometheus::MetricFamily take() { return std::move(family_); }

 private:
  prometheus::MetricFamily family_;
};

}  // namespace

struct Metrics::Impl {
  prometheus::Registry registry;

  Family<Counter>& counters(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }
  Family<Histogram>& histograms(const char* name, const char* help) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
  }

  Family<Counter>& events_total = counters("headgate_events_total", "Events appended to the log.");
  Histogram& append_seconds =
      histograms("headgate_append_seconds", "Time of a synced append of one batch.").Add({}, sync_buckets);
  Histogram& append_batch_events =
      histograms("headgate_append_batch_events", "Events in one batch.").Add({}, count_buckets);
  Family<Counter>& commands_total = counters("headgate_commands_total", "Commands decided.");
  Family<Counter>& promotions_total = counters("headgate_promotions_total", "Promotions ended.");
  Histogram& promotion_duration =
      histograms("headgate_promotion_duration_seconds", "Time from a promotion's plan to its end.")
          .Add({}, long_buckets);
  Family<Counter>& rollbacks_total = counters("headgate_rollbacks_total", "Rollbacks begun.");
  Family<Counter>& break_glass_total = counters("headgate_break_glass_total", "Uses of the role breakGlass.");
  Family<Histogram>& reconcile_seconds =
      histograms("headgate_reconcile_seconds", "Time of one round over a repository.");
  Histogram& push_to_plan = histograms("headgate_push_to_plan_seconds",
                                       "Time from the observation of a commit to a plan that it brought about.")
                                .Add({}, work_buckets);
  Family<Histogram>& activity_seconds = histograms("headgate_activity_seconds", "Time of one attempt of an activity.");
  Family<Counter>& http_requests = counters("headgate_http_requests_total", "HTTP requests answered.");
  Family<Histogram>& http_seconds = histograms("headgate_http_request_seconds", "Time to answer an HTTP request.");
  Family<Counter>& denied_total =
      counters("headgate_access_denied_total", "Requests refused for want of a token or role.");
  Family<Counter>& published_total = counters("headgate_checkpoint_publications_total",
                                              "Attempts to bring a checkpoint to a witness or a Git repository.");

  // Of the one thread that command_done and batch_appended come from (runtime/observer.h).
  std::array<Counter*, event_types> by_type{};
  std::map<std::string_view, std::array<Counter*, 2>> by_command;
  std::map<TargetId, std::map<Phase, Counter*>> by_target;
  std::map<TargetId, Timestamp> planned;  // live promotions that were planned since the start
  std::mutex by_hand_mutex;
  std::map<TargetId, std::uint64_t> by_hand;  // number of the newest rollback that is a promotion of its own
  std::map<std::string, Timestamp, std::less<>> commits;
  std::vector<std::string> commit_order;
  std::map<TargetId, Timestamp> wished;  // by a commit, not planned yet

  std::array<std::array<Histogram*, outcomes.size()>, EnumNames<StepKind>::names.size()> by_activity{};
  std::array<Counter*, denials.size()> by_denial{};
  std::atomic<Position> snapshot{0};

  // A route's text lives as long as the router, so that its address stands for it.
  std::vector<std::function<std::vector<Gauge>()>> gauges;

  using RequestKey = std::tuple<const char*, const char*, int>;
  mutable std::shared_mutex requests_mutex;
  std::map<RequestKey, Counter*> by_request;
  std::map<const char*, Histogram*> by_route;

  Impl() {
    const auto names = names_of_types(std::make_index_sequence<event_types>());
    for (std::size_t i = 0; i < names.size(); ++i) by_type[i] = &events_total.Add({{"type", std::string(names[i])}});
    for (std::size_t kind = 0; kind < by_activity.size(); ++kind) {
      Step step;
      step.kind = static_cast<StepKind>(kind);
      if (!step.has_activity() && step.kind != StepKind::pause) continue;
      for (std::size_t outcome = 0; outcome < outcomes.size(); ++outcome) {
        by_activity[kind][outcome] = &activity_seconds.Add(
            {{"kind", std::string(name_of(step.kind))}, {"outcome", std::string(outcomes[outcome])}}, work_buckets);
      }
    }
    for (std::size_t i = 0; i < denials.size(); ++i) {
      by_denial[i] = &denied_total.Add({{"reason", std::string(denials[i])}});
    }
  }

  template <class E>
  void tell(const E& e, const Meta& meta) {
    if constexpr (std::is_same_v<E, CommitObserved>) {
      remember(e.sha, meta.time);
    } else if constexpr (std::is_same_v<E, DesiredChanged>) {
      if (const auto at = commits.find(e.commit); at != commits.end()) wished[e.target] = at->second;
    } else if constexpr (std::is_same_v<E, PromotionPlanned>) {
      planned[e.promotion.target] = meta.time;
      if (e.trigger == Trigger::rollback) note_by_hand(e.promotion);
      if (const auto at = wished.find(e.promotion.target); at != wished.end()) {
        if (e.trigger == Trigger::desired) push_to_plan.Observe(seconds_of(meta.time - at->second));
        wished.erase(at);
      }
    } else if constexpr (std::is_same_v<E, TargetOrphaned> || std::is_same_v<E, TargetAdopted>) {
      wished.erase(e.target);
    } else if constexpr (std::is_same_v<E, BreakGlassUsed>) {
      break_glass_total.Add({{"environment", e.promotion.target.environment}, {"action", e.action}}).Increment();
    } else if constexpr (std::is_same_v<E, RollbackStarted>) {
      rollbacks_total
          .Add({{"environment", e.promotion.target.environment}, {"trigger", e.automatic ? "automatic" : "manual"}})
          .Increment();
    }
    if constexpr (end_phase<E>().has_value()) ended(e.promotion, *end_phase<E>(), meta.time);
  }
  void note_by_hand(const PromotionId& promotion) {
    const std::scoped_lock lock(by_hand_mutex);
    by_hand[promotion.target] = promotion.number;
  }
  // Its end is what was asked for; of another promotion the same event says that it came to nothing.
  bool was_by_hand(const PromotionId& promotion) {
    const std::scoped_lock lock(by_hand_mutex);
    const auto at = by_hand.find(promotion.target);
    return at != by_hand.end() && at->second == promotion.number;
  }
  void remember(const std::string& sha, Timestamp time) {
    if (!commits.try_emplace(sha, time).second) return;
    commit_order.push_back(sha);
    if (commit_order.size() <= max_commits) return;
    commits.erase(commit_order.front());
    commit_order.erase(commit_order.begin());
  }
  void ended(const PromotionId& promotion, Phase phase, Timestamp time) {
    const auto& target = promotion.target;
    if (phase == Phase::rolled_back && was_by_hand(promotion)) phase = Phase::succeeded;
    auto& counter = by_target[target][phase];
    if (!counter) {
      counter = &promotions_total.Add(
          {{"service", target.service}, {"environment", target.environment}, {"outcome", std::string(name_of(phase))}});
    }
    counter->Increment();
    const auto began = planned.find(target);
    if (began == planned.end()) return;
    promotion_duration.Observe(seconds_of(time - began->second));
    planned.erase(began);
  }
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::started(const State& state) {
  for (const auto& [id, target] : state.targets) {
    const auto& last = target.promotion ? target.promotion : target.back.failed;  // it may be tried again
    if (last && last->trigger == Trigger::rollback) impl_->note_by_hand(last->id);
  }
}

void Metrics::command_done(std::string_view command, bool accepted) {
  auto& counter = impl_->by_command[command][accepted ? 1 : 0];
  if (!counter) {
    counter =
        &impl_->commands_total.Add({{"command", std::string(command)}, {"outcome", accepted ? "accepted" : "refused"}});
  }
  counter->Increment();
}

void Metrics::batch_appended(std::span<const Recorded<Event>> events, Duration took) {
  std::array<std::uint32_t, event_types> counts{};
  for (const auto& recorded : events) {
    ++counts[recorded.event.index()];
    std::visit([&](const auto& e) { impl_->tell(e, recorded.meta); }, recorded.event);
  }
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0) impl_->by_type[i]->Increment(counts[i]);
  }
  impl_->append_seconds.Observe(seconds_of(took));
  impl_->append_batch_events.Observe(static_cast<double>(events.size()));
}

void Metrics::activity_done(const Activity& activity, const Outcome& outcome, Duration took) {
  auto* histogram =
      impl_->by_activity[static_cast<std::size_t>(activity.step.kind)][static_cast<std::size_t>(outcome.kind)];
  if (histogram) histogram->Observe(seconds_of(took));
}

void Metrics::snapshot_saved(Position position, Duration) {
  impl_->snapshot.store(position, std::memory_order_relaxed);
}

void Metrics::on_request(const Access& access) {
  const Impl::RequestKey key{access.route.data(), access.method.data(), access.status};
  Counter* counter = nullptr;
  Histogram* histogram = nullptr;
  {
    const std::shared_lock lock(impl_->requests_mutex);
    if (const auto at = impl_->by_request.find(key); at != impl_->by_request.end()) {
      counter = at->second;
      histogram = impl_->by_route.at(access.route.data());
    }
  }
  if (!counter) {
    const std::unique_lock lock(impl_->requests_mutex);
    const std::string route(access.route);
    counter = &impl_->http_requests.Add(
        {{"route", route}, {"method", std::string(access.method)}, {"code", std::to_string(access.status)}});
    histogram = &impl_->http_seconds.Add({{"route", route}}, request_buckets);
    impl_->by_request[key] = counter;
    impl_->by_route[access.route.data()] = histogram;
  }
  counter->Increment();
  // The stay of a stream's reader is no measure of the server.
  if (!access.streamed) histogram->Observe(seconds_of(access.duration));
}

void Metrics::access_denied(Denial reason) {
  impl_->by_denial[static_cast<std::size_t>(reason)]->Increment();
}

void Metrics::checkpoint_published(std::string_view to, bool succeeded) {
  impl_->published_total.Add({{"to", std::string(to)}, {"outcome", succeeded ? "succeeded" : "failed"}}).Increment();
}

void Metrics::reconciled(std::string_view repository, Duration took) {
  impl_->reconcile_seconds.Add({{"repository", std::string(repository)}}, work_buckets).Observe(seconds_of(took));
}

namespace {

struct StateCounts {
  std::map<std::pair<std::string, Phase>, std::size_t> active;
  std::map<std::string, std::size_t> approvals;
  std::map<std::string, std::size_t> drifted;
  std::map<std::string, std::size_t> orphaned;
  std::map<std::string, std::size_t> failing;  // monitors
};

// A thousand targets at a time, so that the writer never waits long for its turn.
StateCounts count_state(const runtime::Engine& engine) {
  constexpr std::size_t step = 1'000;
  StateCounts counts;
  std::optional<TargetId> last;
  bool more = true;
  while (more) {
    more = engine.read([&](const State& state) {
      if (!last) {
        for (const auto& [name, environment] : state.environments) {
          for (const auto phase : {Phase::waiting, Phase::running, Phase::rolling_back}) counts.active[{name, phase}];
          counts.approvals[name];
          counts.drifted[name];
          counts.orphaned[name];
          counts.failing[name];
        }
        for (const auto& [id, monitor] : state.monitors) {
          if (monitor.failing) ++counts.failing[id.environment];
        }
      }
      auto at = last ? state.targets.upper_bound(*last) : state.targets.begin();
      for (std::size_t i = 0; i < step && at != state.targets.end(); ++i, ++at) {
        const auto& [id, target] = *at;
        last = id;
        if (target.drifted) ++counts.drifted[id.environment];
        if (target.orphaned && !target.is_empty()) ++counts.orphaned[id.environment];
        if (!target.promotion) continue;
        ++counts.active[{id.environment, target.promotion->phase}];
        const auto* current = target.promotion->current();
        if (current && current->status == StepStatus::started && current->step->kind == StepKind::approval) {
          ++counts.approvals[id.environment];
        }
      }
      return at != state.targets.end();
    });
  }
  return counts;
}

}  // namespace

void Metrics::add_gauges(std::function<std::vector<Gauge>()> ask) {
  impl_->gauges.push_back(std::move(ask));
}

std::string Metrics::page(const runtime::Engine& engine, std::optional<Timestamp> checkpoint, Timestamp now) const {
  auto families = impl_->registry.Collect();
  const auto counts = count_state(engine);
  // Nothing for an empty log: the engine has written its start by the time that anybody can ask.
  families.push_back(GaugeFamily("headgate_log_position", "Position of the last event.")
                         .add(static_cast<double>(engine.position()) - 1)
                         .take());
  families.push_back(GaugeFamily("headgate_command_queue_depth", "Commands that wait for the writer.")
                         .add(static_cast<double>(engine.queue_depth()))
                         .take());
  families.push_back(GaugeFamily("headgate_snapshot_position", "Events in the newest snapshot of this process.")
                         .add(static_cast<double>(impl_->snapshot.load(std::memory_order_relaxed)))
                         .take());
  const bool paused = engine.read([](const State& state) { return state.effects_paused.has_value(); });
  families.push_back(
      GaugeFamily("headgate_effects_paused", "1 while everything outside stands still.").add(paused ? 1 : 0).take());
  for (const auto& ask : impl_->gauges) {
    std::optional<GaugeFamily> family;
    std::string name;
    for (auto& gauge : ask()) {
      if (family && gauge.name != name) families.push_back(family->take());
      if (!family || gauge.name != name) family.emplace(gauge.name, gauge.help);
      name = gauge.name;
      std::vector<prometheus::ClientMetric::Label> labels;
      for (const auto& [label, value] : gauge.labels) labels.push_back({label, value});
      family->add(gauge.value, std::move(labels));
    }
    if (family) families.push_back(family->take());
  }
  if (checkpoint) {
    families.push_back(GaugeFamily("headgate_checkpoint_age_seconds", "Age of the newest signed checkpoint.")
                           .add(seconds_of(now - *checkpoint))
                           .take());
  }
  families.push_back(
      GaugeFamily("headgate_configuration_proposed", "1 while a configuration waits for people before it takes force.")
          .add(engine.read([](const State& state) { return state.configuration.proposal.has_value(); }) ? 1 : 0)
          .take());
  GaugeFamily orphaned("headgate_orphaned_targets",
                       "Targets whose document has gone and where what runs is left alone.");
  for (const auto& [environment, count] : counts.orphaned) {
    orphaned.add(static_cast<double>(count), {{"environment", environment}});
  }
  families.push_back(orphaned.take());
  GaugeFamily active("headgate_promotions_active", "Promotions that have not ended.");
  for (const auto& [key, count] : counts.active) {
    active.add(static_cast<double>(count), {{"environment", key.first}, {"phase", std::string(name_of(key.second))}});
  }
  families.push_back(active.take());
  GaugeFamily approvals("headgate_approvals_waiting", "Promotions that wait for people.");
  for (const auto& [environment, count] : counts.approvals) {
    approvals.add(static_cast<double>(count), {{"environment", environment}});
  }
  families.push_back(approvals.take());
  GaugeFamily drifted("headgate_drifted_targets", "Targets that run something else than Headgate brought there.");
  for (const auto& [environment, count] : counts.drifted) {
    drifted.add(static_cast<double>(count), {{"environment", environment}});
  }
  families.push_back(drifted.take());
  GaugeFamily failing("headgate_monitors_failing", "Monitors of environments that fail.");
  for (const auto& [environment, count] : counts.failing) {
    failing.add(static_cast<double>(count), {{"environment", environment}});
  }
  families.push_back(failing.take());
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace headgate::api
