#include "api/problem.h"

#include <gtest/gtest.h>

#include "api/json.h"

namespace headgate::api {
namespace {

TEST(Problem, CarriesTheFieldsOfRfc9457) {
  const Response response = problem(Error{ErrorCode::not_found, "no service 'gatway'; the nearest is 'gateway'", {}});
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(*response.header("content-type"), "application/problem+json");
  EXPECT_EQ(response.body, R"({"type":"/problems/not-found","title":"Not found","status":404,)"
                           R"("detail":"no service 'gatway'; the nearest is 'gateway'"})");
}

TEST(Problem, ListsWrongFields) {
  const Response response = problem(
      Error{ErrorCode::invalid_input, "2 fields are wrong", {{"/a", "1", "a string"}, {"/b", "\"", "nothing"}}}, 422);
  EXPECT_EQ(response.status, 422);
  const auto body = parse_json(response.body);
  ASSERT_TRUE(body.has_value());
  EXPECT_EQ(*body->find("type")->string(), "/problems/unprocessable");
  const JsonArray& errors = *body->find("errors")->array();
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_EQ(*errors[1].find("pointer")->string(), "/b");
  EXPECT_EQ(*errors[1].find("found")->string(), "\"");
  EXPECT_EQ(*errors[1].find("expected")->string(), "nothing");
}

TEST(Problem, EveryErrorCodeHasItsStatusAndType) {
  struct Case {
    ErrorCode code;
    int status;
    const char* type;
  };
  for (const Case& expected :
       {Case{ErrorCode::invalid_input, 400, "/problems/invalid-input"},
        Case{ErrorCode::unauthenticated, 401, "/problems/unauthenticated"},
        Case{ErrorCode::forbidden, 403, "/problems/forbidden"}, Case{ErrorCode::not_found, 404, "/problems/not-found"},
        Case{ErrorCode::conflict, 409, "/problems/conflict"}, Case{ErrorCode::too_large, 413, "/problems/too-large"},
        Case{ErrorCode::unavailable, 503, "/problems/unavailable"},
        Case{ErrorCode::timed_out, 504, "/problems/timed-out"}, Case{ErrorCode::io, 500, "/problems/io"},
        Case{ErrorCode::corrupt, 500, "/problems/corrupt"}}) {
    const Response response = problem(Error{expected.code, "why", {}});
    EXPECT_EQ(response.status, expected.status);
    EXPECT_EQ(*parse_json(response.body)->find("type")->string(), expected.type);
  }
}

TEST(Problem, TellsHowToGoOn) {
  EXPECT_NE(problem(401, "no token").header("WWW-Authenticate"), nullptr);
  EXPECT_NE(problem(503, "full").header("Retry-After"), nullptr);
  EXPECT_EQ(problem(404, "nothing").header("Retry-After"), nullptr);
}

TEST(Reply, AnswersBySomeoneElseOrByItself) {
  std::vector<int> statuses;
  const auto keep = [&](Response response) { statuses.push_back(response.status); };
  {
    Reply first(keep);
    Reply second(std::move(first));
    second(Response::json(201, "{}"));
  }
  EXPECT_EQ(statuses, std::vector<int>{201});
  { Reply dropped(keep); }
  EXPECT_EQ(statuses, (std::vector<int>{201, 500}));
  Reply replaced(keep);
  replaced = Reply([](Response) {});
  EXPECT_EQ(statuses, (std::vector<int>{201, 500, 500}));
}

TEST(Fields, OneRefusesASecondValue) {
  Fields headers(Fields::Names::any_case);
  headers.add("Idempotency-Key", "a");
  EXPECT_EQ(*headers.one("idempotency-KEY"), "a");
  EXPECT_EQ(*headers.one("authorization"), std::nullopt);
  headers.add("IDEMPOTENCY-key", "b");
  const auto twice = headers.one("Idempotency-Key");
  ASSERT_FALSE(twice.has_value());
  EXPECT_EQ(twice.error().fields[0].found, "2 values");
  Fields query(Fields::Names::exact);
  query.add("Limit", "1");
  EXPECT_EQ(*query.one("limit"), std::nullopt);
}

}  // namespace
}  // namespace headgate::api
