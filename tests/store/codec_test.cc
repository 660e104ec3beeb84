#include "store/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "tests/store/samples.h"
#include "tests/torture.h"

namespace headgate::store {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kOrigin = "headgate.example.com";

std::string encoded(const Recorded<Event>& record) {
  std::string text;
  encode(text, kOrigin, record);
  return text;
}

Recorded<Event> recorded(Event event) {
  Recorded<Event> record;
  record.meta.position = 7;
  record.meta.time = Timestamp{} + std::chrono::seconds(1'795'186'501);
  record.event = std::move(event);
  return record;
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what << " in " << text;
  return text.replace(at, what.size(), with);
}

void expect_refused(const std::string& text, const std::string& message) {
  const auto result = decode(text);
  ASSERT_FALSE(result.has_value()) << text;
  EXPECT_EQ(result.error().code, ErrorCode::corrupt);
  EXPECT_THAT(result.error().message, HasSubstr(message));
}

TEST(Codec, WritesTheRecordOfTheDesign) {
  ApprovalGranted granted;
  granted.promotion = {{"gateway", "production"}, 7};
  granted.team = "platform";
  granted.plan_digest = "sha256:0f";
  granted.comment = "checked the canary";
  granted.expires = Timestamp{} + std::chrono::seconds(1'795'272'901);
  auto record = recorded(granted);
  record.meta.position = 42;
  record.meta.time = Timestamp{} + std::chrono::seconds(1'795'186'501) + Duration(123'456);
  record.meta.actor = "person:k3v9q2";
  record.meta.cause = 41;
  EXPECT_EQ(encoded(record), R"({"specversion":"1.0","id":"42","source":"headgate.example.com/log",)"
                             R"("type":"dev.headgate.approval.granted.v2","time":"2026-11-20T14:55:01.123456Z",)"
                             R"("subject":"gateway/production/7","actor":"person:k3v9q2","cause":"41",)"
                             R"("correlation":"gateway/production/7","service":"gateway","environment":"production",)"
                             R"("data":{"team":"platform","plan_digest":"sha256:0f","comment":"checked the canary",)"
                             R"("expires":"2026-11-21T14:55:01.000000Z"}})");
}

TEST(Codec, AddressIsThatOfTheDomain) {
  for_each_event_type([]<class E>() {
    const auto record = golden_record<E>();
    const auto address = address_of(record.event);
    const auto text = encoded(record);
    const auto expect = [&](const std::string& name, const std::string& value) {
      std::string quoted;
      if (!value.empty()) {
        quoted = ",\"" + name + "\":\"" + value + "\"";
        EXPECT_THAT(text, HasSubstr(quoted)) << E::type.name;
      } else {
        EXPECT_EQ(text.find(",\"" + name + "\":\"") < text.find(",\"data\":"), false) << E::type.name;
      }
    };
    expect("subject", address.subject);
    expect("correlation", address.correlation);
    expect("service", address.service);
    expect("environment", address.environment);
  });
}

// The bytes of every type, as they were published. HEADGATE_WRITE_GOLDEN=1 writes the files of types that are new;
// a file that changes means a new version of its type.
TEST(Codec, GoldenFilesHoldEveryType) {
  const std::filesystem::path folder = HEADGATE_GOLDEN_DIR;
  const char* write = std::getenv("HEADGATE_WRITE_GOLDEN");
  std::set<std::string> seen;
  const auto check = [&](const std::string& name, const Recorded<Event>& record) {
    EXPECT_TRUE(seen.insert(name).second) << name;
    const auto text = encoded(record);
    if (write != nullptr && std::string_view(write) == "1") std::ofstream(folder / name, std::ios::binary) << text;
    std::ifstream file(folder / name, std::ios::binary);
    ASSERT_TRUE(file.is_open()) << name << " is missing";
    const std::string golden{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(golden, text) << name;
    const auto read = decode(golden);
    ASSERT_TRUE(read.has_value()) << name << ": " << read.error().message;
    EXPECT_TRUE(*read == record) << name;
  };
  for_each_event_type([&]<class E>() {
    check(std::string(E::type.name) + ".v" + std::to_string(E::type.version) + ".json", golden_record<E>());
  });
  for (std::size_t kind = 0; kind < std::variant_size_v<Document>; ++kind) {
    const auto name = std::string(EnumNames<DocumentKind>::names[kind]);
    check("document.accepted.v2." + name + ".json", golden_document(kind));
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    // Older versions stay, and are read through upcasters.
    auto record = decode([&] {
      std::ifstream file(entry.path(), std::ios::binary);
      return std::string{std::istreambuf_iterator<char>(file), {}};
    }());
    EXPECT_TRUE(record.has_value()) << entry.path() << ": " << (record ? "" : record.error().message);
  }
}

TEST(Codec, WhateverIsWrittenIsRead) {
  std::mt19937_64 random(torture_seed("records"));
  Recorded<Event> read;
  for (auto round = torture_rounds(5'000); round > 0; --round) {
    const auto record = random_record(random, random(), RandomSource{random}.time());
    const auto text = encoded(record);
    ASSERT_EQ(text.find('\n'), std::string::npos) << text;
    const auto result = decode(text, read);
    ASSERT_TRUE(result.has_value()) << result.error().message << "\n" << text;
    ASSERT_TRUE(read == record) << text;
    ASSERT_EQ(encoded(read), text) << text;
    ASSERT_EQ(time_of(text), record.meta.time) << text;
  }
}

TEST(Codec, DamageIsRefusedAndNeverCrashes) {
  std::mt19937_64 random(torture_seed("damaged records"));
  std::size_t refused = 0;
  const auto rounds = torture_rounds(3'000);
  for (std::size_t round = 0; round < rounds; ++round) {
    auto text = encoded(random_record(random, random(), RandomSource{random}.time()));
    for (auto n = 1 + random() % 4; n > 0 && !text.empty(); --n) {
      const auto at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text.erase(at, 1 + random() % 20);
          break;
        default:
          text.resize(at);
      }
    }
    if (!decode(text)) ++refused;
  }
  EXPECT_GT(refused, rounds / 3);
}

TEST(Codec, EveryPrefixIsRefused) {
  const auto text = encoded(golden_record<PromotionPlanned>());
  for (std::size_t length = 0; length < text.size(); ++length) {
    ASSERT_FALSE(decode(std::string_view(text).substr(0, length)).has_value()) << length;
  }
}

TEST(Codec, BytesThatAreNoTextBecomeTheReplacementCharacter) {
  StepFailed failed{{{{"gateway", "production"}, 7}, "deploy"}, "a\xC3\x28\xED\xA0\x80\xF0\x9F\x9A"};
  const auto read = decode(encoded(recorded(failed)));
  ASSERT_TRUE(read.has_value()) << read.error().message;
  constexpr std::string_view kLost = "\xEF\xBF\xBD";
  std::string expected = "a";
  expected += kLost;
  expected += '(';
  for (int i = 0; i < 6; ++i) expected += kLost;
  EXPECT_EQ(std::get<StepFailed>(read->event).reason, expected);
}

TEST(Codec, SaysWhatIsWrongWithARecord) {
  const auto text =
      encoded(recorded(GateReported{{"gateway"}, "9f", "", "lint", GateStatus::failed, {}, "", "", "", {}}));
  ASSERT_TRUE(decode(text).has_value());
  expect_refused(
      replaced(text, "gate.reported.v2", "gate.invented.v1"),
      "record 7 cannot be read: type: unknown event type dev.headgate.gate.invented.v1, written by a newer version");
  expect_refused(replaced(text, "gate.reported.v2", "gate.reported.v3"),
                 "unknown event type dev.headgate.gate.reported.v3");
  expect_refused(replaced(text, R"("status":"failed")", R"("status":"maybe")"), "unknown word 'maybe'");
  expect_refused(replaced(text, R"("status":"failed")", R"("status":1)"), "status: unknown word");
  expect_refused(replaced(text, R"(,"status":"failed")", ""), "status: missing");
  expect_refused(replaced(text, R"(,"status":"failed")", R"(,"status":"failed","status":"failed")"),
                 "'status' is unknown or out of order");
  expect_refused(replaced(text, R"("specversion":"1.0")", R"("specversion":"2.0")"), "specversion");
  expect_refused(replaced(text, R"("id":"7")", R"("id":"x")"), "id: expected a position");
  expect_refused(replaced(text, R"("actor")", R"("author")"), "out of order");
  expect_refused(text + "{}", "");
  expect_refused(text + " ,", "");
  expect_refused(std::string(kMaxRecordBytes + 1, ' '), "at most 65535 bytes");
  expect_refused("", "a record cannot be read");
  expect_refused("[]", "specversion");
}

// Times as records have them are read by a way of their own.
TEST(Codec, TimesAreReadAsEverywhereElse) {
  const auto record = encoded(recorded(PromotionStarted{{{"gateway", "production"}, 7}}));
  const std::string_view written = "2026-11-20T14:55:01.000000Z";
  std::vector<std::string> times{"2026-02-29T14:55:01.000000Z", "2024-02-29T23:59:59.999999Z",
                                 "0000-01-01T00:00:00.000000Z", "9999-12-31T00:00:00.000001Z",
                                 "2026-11-20T24:00:00.000000Z", "2026-11-20T14:60:00.000000Z",
                                 "2026-11-20T14:55:60.000000Z", "2026-00-20T14:55:01.000000Z",
                                 "2026-11-20T14:55:01Z",        "2026-11-20T14:55:01.5+01:00"};
  for (std::size_t i = 0; i < written.size(); ++i) {
    for (const char c : {'/', ':', '0', '3', '9', '-', ' ', 'z'}) {
      times.emplace_back(written);
      times.back()[i] = c;
    }
  }
  for (const auto& time : times) {
    const auto decoded = decode(replaced(record, written, time));
    const auto expected = parse_timestamp(time);
    ASSERT_EQ(decoded.has_value(), expected.has_value()) << time;
    if (expected) {
      EXPECT_EQ(decoded->meta.time, *expected) << time;
    }
  }
}

TEST(Codec, RefusesKeysThatStandTwice) {
  GateReported gate{{"gateway"}, "9f", "", "lint", GateStatus::failed, {{"a", {"1"}}, {"b", {"2"}}}, "", "", "", {}};
  const auto text = encoded(recorded(gate));
  expect_refused(replaced(text, R"("b":"2")", R"("a":"2")"), "metrics: the same key twice");
}

TEST(Codec, NumbersStayInTheirRange) {
  const auto text = encoded(recorded(ActivityStarted{{{{"gateway", "production"}, 7}, "deploy"}, 4'294'967'295}));
  ASSERT_TRUE(decode(text).has_value());
  expect_refused(replaced(text, "4294967295", "4294967296"), "attempt: expected a whole number in range");
  expect_refused(replaced(text, "4294967295", "-1"), "attempt");
  expect_refused(replaced(text, "4294967295", "1.5"), "attempt");
  expect_refused(replaced(text, "gateway/production/7/deploy", "gateway/production/x/deploy"), "number of a promotion");
  expect_refused(replaced(text, "gateway/production/7/deploy", "gateway/production/7"), "a part is missing");
  expect_refused(replaced(text, "gateway/production/7/deploy", "gateway/production/7/deploy/eu"), "a part too many");
}

TEST(Codec, OlderVersionsAreBroughtUp) {
  // engine.started had no version number of its own in a version 0, and a number in a version -1.
  const std::array table{
      Upcaster{"engine.started", 0, [](std::string_view) { return std::string(R"({"version":"none"})"); }},
      Upcaster{"engine.stopped", 0, [](std::string_view data) { return "{\"broken\":" + std::string(data) + "}"; }},
  };
  Recorded<Event> read;
  auto text = replaced(encoded(recorded(EngineStarted{"0.1"})), "started.v1", "started.v0");
  ASSERT_TRUE(decode(text, read, table).has_value());
  EXPECT_EQ(std::get<EngineStarted>(read.event).version, "none");
  EXPECT_EQ(read.meta.position, 7U);
  text = replaced(encoded(recorded(EngineStopped{})), "stopped.v1", "stopped.v0");
  const auto broken = decode(text, read, table);
  ASSERT_FALSE(broken.has_value());
  EXPECT_THAT(broken.error().message, HasSubstr("'broken' is unknown"));
}

TEST(Codec, AllocatesNothingButTheText) {
  // Appending to a text with room leaves it where it is.
  std::string out;
  out.reserve(1 << 16);
  const auto* before = out.data();
  const auto record = golden_record<GateReported>();
  for (int i = 0; i < 10; ++i) encode(out, kOrigin, record);
  EXPECT_EQ(out.data(), before);
}

}  // namespace
}  // namespace headgate::store
