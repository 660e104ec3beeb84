#include "reconciler/prometheus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "tests/fakes/http_client.h"

namespace headgate::reconciler {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string vector_of(const std::string& samples) {
  return R"({"status":"success","data":{"resultType":"vector","result":[)" + samples + "]}}";
}
std::string sample(const std::string& value) {
  return R"({"metric":{},"value":[1763629200.1,")" + value + R"("]})";
}

TEST(Prometheus, ReadsOneSampleExactly) {
  for (const std::string value : {"0.051234567890123", "0", "1e-05", "-3.5", "1e+06"}) {
    const auto read = parse_query_answer(vector_of(sample(value)));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ((*read)->text, value);
  }
  const auto scalar =
      parse_query_answer(R"({"status":"success","data":{"resultType":"scalar","result":[1763629200,"2"]}})");
  EXPECT_EQ((*scalar)->text, "2");
}

TEST(Prometheus, NoSampleAndNoNumberAreNothing) {
  for (const auto& body : {vector_of(""), vector_of(sample("NaN"))}) {
    const auto read = parse_query_answer(body);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_FALSE(*read);
  }
}

TEST(Prometheus, EverythingElseIsAnErrorThatSaysWhy) {
  const std::vector<std::pair<std::string, const char*>> rows{
      {vector_of(sample("1") + "," + sample("2")), "2 samples, expected one"},
      {vector_of(sample("+Inf")), "value Inf"},
      {vector_of("{}"), "without a value"},
      {R"({"status":"success","data":{"resultType":"matrix","result":[]}})", "a matrix"},
      {R"({"status":"success","data":{}})", "without a result"},
      {R"({"status":"success"})", "without a result"},
      {R"({"status":"error","errorType":"bad_data","error":"parse error at char 3"})", "parse error at char 3"},
      {R"([])", "something else than its JSON"},
      {"<html>", "something else than its JSON"},
      {vector_of(R"({"value":["now",1]})"), "another shape"},
  };
  for (const auto& [body, message] : rows) {
    const auto read = parse_query_answer(body);
    ASSERT_FALSE(read) << body;
    EXPECT_THAT(read.error().message, HasSubstr(message));
  }
}

// Answers each query with the number of those that were asked.
class PrometheusTest : public testing::Test {
 protected:
  std::vector<std::string> urls_;
  int status_ = 200;
  fakes::FakeHttpClient http_{[this](const HttpRequest& request, const std::stop_token&) {
    urls_.push_back(request.url);
    EXPECT_LE(request.timeout, std::chrono::seconds(10));
    EXPECT_LE(request.max_response_bytes, std::size_t{256} << 10);
    HttpResponse response;
    response.status = status_;
    response.body = vector_of(sample(std::to_string(urls_.size())));
    return response;
  }};
};

TEST_F(PrometheusTest, AsksForValueSamplesAndBaseline) {
  Measure what;
  what.metric.query = "up{slot=\"green\"} or vector(0)";
  what.metric.min_samples = MinSamples{"n", Decimal{"50"}};
  what.metric.baseline = Baseline{Duration(std::chrono::hours(1)), {}, Decimal{"1.2"}, "up{slot=\"blue\"}"};
  what.rollout_began = Timestamp(std::chrono::milliseconds(1'763'629'200'250));
  const auto measured = Prometheus(http_).measure("http://127.0.0.1:9090", what, {});
  ASSERT_TRUE(measured) << measured.error().message;
  EXPECT_EQ(measured->value->text, "1");
  EXPECT_EQ(measured->samples->text, "2");
  EXPECT_EQ(measured->baseline->text, "3");
  EXPECT_THAT(urls_,
              ElementsAre("http://127.0.0.1:9090/api/v1/query?query=up%7Bslot%3D%22green%22%7D%20or%20vector%280%29",
                          "http://127.0.0.1:9090/api/v1/query?query=n",
                          "http://127.0.0.1:9090/api/v1/query?query=avg_over_time%28%28up%7Bslot%3D%22blue%22%7D%29%5B"
                          "3600000ms%3A60000ms%5D%29&time=1763629200.250"));
}

TEST_F(PrometheusTest, AnotherStatusIsNoMeasurement) {
  status_ = 503;
  const auto measured = Prometheus(http_).measure("http://127.0.0.1:9090", Measure{}, {});
  ASSERT_FALSE(measured);
  EXPECT_THAT(measured.error().message, HasSubstr("status 503"));
}

}  // namespace
}  // namespace headgate::reconciler
