#include "engine/domain/decimal.h"

#include <gtest/gtest.h>

#include "engine/domain/rollout.h"

namespace headgate {
namespace {

TEST(Decimals, AddExactly) {
  const std::vector<std::array<const char*, 3>> rows{
      {"0.1", "0.2", "0.3"},     {"1", "-1", "0"},          {"0.05", "0.01", "0.06"},  {"999", "1", "1000"},
      {"-0.5", "0.25", "-0.25"}, {"0.25", "-0.5", "-0.25"}, {"1e-05", "1", "1.00001"}, {"100", "0.001", "100.001"},
      {"-1", "-2", "-3"},        {"1e3", "1", "1001"},      {"0", "-7", "-7"},         {"10", "-9.99", "0.01"}};
  for (const auto& [a, b, expected] : rows) {
    const auto result = sum({a}, {b});
    ASSERT_TRUE(result) << a << " + " << b;
    EXPECT_EQ(compare(*result, {expected}), std::strong_ordering::equal) << a << " + " << b << " = " << result->text;
  }
  EXPECT_FALSE(sum({"1e999"}, {"1e-999"}));
}

TEST(Decimals, MultiplyExactly) {
  const std::vector<std::array<const char*, 3>> rows{
      {"0.1", "1.2", "0.12"},    {"0", "5", "0"},      {"-2", "3", "-6"},   {"-2", "-3", "6"},
      {"1e-05", "2", "0.00002"}, {"99", "99", "9801"}, {"2e2", "5", "1000"}};
  for (const auto& [a, b, expected] : rows) {
    const auto result = product({a}, {b});
    ASSERT_TRUE(result) << a << " x " << b;
    EXPECT_EQ(compare(*result, {expected}), std::strong_ordering::equal) << a << " x " << b << " = " << result->text;
  }
  EXPECT_FALSE(product({std::string(60, '7')}, {std::string(60, '7')})) << "longer than a Decimal may be";
}

TEST(Measurements, AreJudgedByEachRuleInTurn) {
  Metric metric;
  metric.name = "m";
  metric.min = Decimal{"0.01"};
  metric.max = Decimal{"0.5"};
  metric.min_samples = MinSamples{"q", Decimal{"50"}};
  metric.baseline = Baseline{{}, Decimal{"0.1"}, Decimal{"2"}, "q"};
  const auto d = [](const char* text) { return text ? std::optional<Decimal>(Decimal{text}) : std::nullopt; };
  struct Row {
    const char *value, *samples, *baseline;
    Verdict verdict;
  };
  const std::vector<Row> rows{
      {"0.1", "50", "0.1", Verdict::passed},          {"0.1", "49", "0.1", Verdict::inconclusive},
      {"0.1", nullptr, "0.1", Verdict::inconclusive}, {nullptr, "50", "0.1", Verdict::inconclusive},
      {"0.1", "50", nullptr, Verdict::inconclusive},  {"0.6", "50", nullptr, Verdict::failed},
      {"0.6", "49", "0.6", Verdict::inconclusive},    {"0.001", "50", "0.1", Verdict::failed},
      {"0.5", "50", "0.4", Verdict::passed},          {"0.4", "50", "0.29", Verdict::failed},
      {"0.4", "50", "0.3", Verdict::passed},          {"0.11", "50", "0.05", Verdict::failed},
      {"0.10", "50", "0.05", Verdict::passed},
  };
  for (const auto& row : rows) {
    const auto judged = judge_measurement(metric, {d(row.value), d(row.samples), d(row.baseline)});
    EXPECT_EQ(judged.verdict, row.verdict) << (row.value ? row.value : "none") << ": " << judged.reason;
    EXPECT_EQ(judged.reason.empty(), row.verdict == Verdict::passed);
  }
}

}  // namespace
}  // namespace headgate
