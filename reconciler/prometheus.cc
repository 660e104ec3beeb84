#include "reconciler/prometheus.h"

#include <fmt/core.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>

#include "engine/base/percent.h"

namespace headgate::reconciler {
namespace {

namespace json = boost::json;

constexpr Duration kTimeout = std::chrono::seconds(10);
constexpr std::size_t kMaxAnswerBytes = 256 << 10;

std::unexpected<Error> bad(const std::string& what) {
  return fail(ErrorCode::invalid_input, "Prometheus " + what);
}

// [time, "value"]
Result<std::optional<Decimal>> number_of(const json::value& sample) {
  if (!sample.is_array() || sample.as_array().size() != 2 || !sample.as_array()[1].is_string()) {
    return bad("answered with a sample of another shape than [time, \"value\"]");
  }
  std::string text(sample.as_array()[1].as_string());
  if (text == "NaN") return std::optional<Decimal>();
  if (text.starts_with('+')) text.erase(0, 1);
  if (!is_decimal(text)) return bad("answered with the value " + text.substr(0, 40));
  return Decimal{std::move(text)};
}

// "1.5s" as Prometheus writes durations: whole milliseconds.
std::string promql_duration(Duration duration) {
  return fmt::format("{}ms", std::chrono::ceil<std::chrono::milliseconds>(duration).count());
}

}  // namespace

Result<std::optional<Decimal>> parse_query_answer(const std::string& body) {
  boost::system::error_code error;
  const auto answer = json::parse(body, error);
  const auto* object = error ? nullptr : answer.if_object();
  const auto* status = object ? object->if_contains("status") : nullptr;
  if (!status || !status->is_string()) return bad("answered with something else than its JSON");
  if (status->as_string() != "success") {
    const auto* text = object->if_contains("error");
    return bad("refused the query: " +
               (text && text->is_string() ? std::string(text->as_string()).substr(0, 500) : std::string("no reason")));
  }
  const auto* data = object->if_contains("data");
  const auto* type = data && data->is_object() ? data->as_object().if_contains("resultType") : nullptr;
  const auto* result = data && data->is_object() ? data->as_object().if_contains("result") : nullptr;
  if (!type || !type->is_string() || !result || !result->is_array()) return bad("answered without a result");
  if (type->as_string() == "scalar") return number_of(*result);
  if (type->as_string() != "vector") return bad("answered with a " + std::string(type->as_string()).substr(0, 40));
  const auto& samples = result->as_array();
  if (samples.empty()) return std::optional<Decimal>();
  if (samples.size() > 1) return bad(fmt::format("answered with {} samples, expected one", samples.size()));
  const auto* value = samples[0].is_object() ? samples[0].as_object().if_contains("value") : nullptr;
  if (!value) return bad("answered with a sample without a value");
  return number_of(*value);
}

Result<std::optional<Decimal>> Prometheus::query(const std::string& address, const std::string& query,
                                                 std::optional<Timestamp> time, std::stop_token stop) const {
  HttpRequest request;
  request.url = address + "/api/v1/query?query=" + percent_encoded(query);
  if (time) {
    const auto ms = std::chrono::floor<std::chrono::milliseconds>(time->time_since_epoch()).count();
    request.url += fmt::format("&time={}.{:03}", ms / 1000, ms % 1000);
  }
  request.timeout = kTimeout;
  request.max_response_bytes = kMaxAnswerBytes;
  HEADGATE_TRY(const auto response, http_.send(request, stop));
  // A refused query comes with a status of its own and the reason in the body.
  if (response.status != 200 && response.status != 400 && response.status != 422) {
    return bad(fmt::format("answered with status {}", response.status));
  }
  return parse_query_answer(response.body);
}

Result<Measured> Prometheus::measure(const std::string& address, const Measure& what, std::stop_token stop) const {
  const auto& metric = what.metric;
  Measured measured;
  HEADGATE_TRY(measured.value, query(address, metric.query, {}, stop));
  if (metric.min_samples) {
    HEADGATE_TRY(measured.samples, query(address, metric.min_samples->query, {}, stop));
  }
  if (const auto& baseline = metric.baseline) {
    if (!baseline->window) {
      HEADGATE_TRY(measured.baseline, query(address, baseline->query, {}, stop));
    } else {
      const auto step = std::min(metric.interval, *baseline->window);
      const auto over = fmt::format("avg_over_time(({})[{}:{}])", baseline->query, promql_duration(*baseline->window),
                                    promql_duration(step));
      HEADGATE_TRY(measured.baseline, query(address, over, what.rollout_began, stop));
    }
  }
  return measured;
}

}  // namespace headgate::reconciler
