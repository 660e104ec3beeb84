// Asks a Prometheus server for single numbers over its HTTP API (/api/v1/query).
#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "engine/domain/activity.h"
#include "engine/ports/http_client.h"

namespace headgate::reconciler {

// The one sample of an instant vector or scalar; unset when there is none, or it is not a number (0/0). An Error when
// nothing was learnt: no answer, another status than success, several samples, an infinite value.
Result<std::optional<Decimal>> parse_query_answer(const std::string& body);

class Prometheus {
 public:
  explicit Prometheus(HttpClient& http) : http_(http) {}

  // Value, samples and baseline of one metric, each by one query bounded in time and size. Thread-safe.
  Result<Measured> measure(const std::string& address, const Measure& measure, std::stop_token stop) const;

 private:
  Result<std::optional<Decimal>> query(const std::string& address, const std::string& query,
                                       std::optional<Timestamp> time, std::stop_token stop) const;
  HttpClient& http_;
};

}  // namespace headgate::reconciler
