// Texts of times, lengths of time, names and decimals: tables of what is read and what is refused.
#include <gtest/gtest.h>

#include <chrono>
#include <compare>

#include "engine/domain/documents.h"
#include "engine/domain/names.h"
#include "engine/domain/time.h"

namespace headgate {
namespace {

using namespace std::chrono_literals;

TEST(Timestamps, AreReadWithAnyOffsetAndWrittenInUtc) {
  struct Row {
    const char* text;
    const char* written;
  };
  for (const auto& [text, written] : {
           Row{"2026-11-20T14:55:01Z", "2026-11-20T14:55:01.000000Z"},
           Row{"2026-11-20t14:55:01z", "2026-11-20T14:55:01.000000Z"},
           Row{"2026-11-20 14:55:01Z", "2026-11-20T14:55:01.000000Z"},  // RFC 3339 leaves it to us
           Row{"2026-11-20T14:55:01.5Z", "2026-11-20T14:55:01.500000Z"},
           Row{"2026-11-20T14:55:01.123456Z", "2026-11-20T14:55:01.123456Z"},
           Row{"2026-11-20T14:55:01.123456789Z", "2026-11-20T14:55:01.123456Z"},
           Row{"2026-11-20T14:55:01.9999999999999999999999+00:00", "2026-11-20T14:55:01.999999Z"},
           Row{"2026-11-20T00:30:00+01:00", "2026-11-19T23:30:00.000000Z"},
           Row{"2026-12-31T23:30:00-01:30", "2027-01-01T01:00:00.000000Z"},
           Row{"2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000Z"},
           Row{"1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"},
       }) {
    const auto time = parse_timestamp(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(format_timestamp(*time), written);
    EXPECT_EQ(parse_timestamp(written), time);
  }
}

TEST(Timestamps, ThatAreNoneAreRefused) {
  for (const auto* text : {"", "now", "2026-11-20", "2026-11-20T14:55", "2026-11-20T14:55:01", "2026-02-29T00:00:00Z",
                           "2026-13-01T00:00:00Z", "2026-11-20T24:00:00Z", "2026-11-20T14:60:00Z",
                           "2026-11-20T14:55:60Z", "2026-11-20T14:55:01.1234567", "2026-11-20T14:55:01.Z",
                           "2026-11-20T14:55:01+24:00", "2026-11-20T14:55:01Z ", "+026-11-20T14:55:01Z"}) {
    const auto time = parse_timestamp(text);
    ASSERT_FALSE(time) << text;
    EXPECT_EQ(time.error().code, ErrorCode::invalid_input);
  }
}

TEST(Durations, AreReadAndWrittenInTheNotationOfTheDocuments) {
  struct Row {
    const char* text;
    Duration length;
    const char* written;
  };
  for (const auto& [text, length, written] : {
           Row{"0s", 0s, "0s"},
           Row{"30s", 30s, "30s"},
           Row{"5m", 5min, "5m"},
           Row{"1h30m", 90min, "1h30m"},
           Row{"90s", 90s, "1m30s"},
           Row{"90d", 24h * 90, "90d"},
           Row{"250ms", 250ms, "250ms"},
           Row{"1d2h3m4s5ms", 24h + 2h + 3min + 4s + 5ms, "1d2h3m4s5ms"},
           Row{"1m5ms", 1min + 5ms, "1m5ms"},
           Row{"007s", 7s, "7s"},
       }) {
    const auto read = parse_duration(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(*read, length) << text;
    EXPECT_EQ(format_duration(length), written);
    EXPECT_EQ(parse_duration(written), length);
  }
}

TEST(Durations, ThatAreNoneAreRefused) {
  for (const auto* text : {"", "5", "m", "5 m", "-5m", "+5m", "1.5h", "30m1h", "1h1h", "5y", "5M", "1h 30m", "5m ",
                           "99999999999999999999s", "9223372036854775807ms", "36526d", "5us"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(Names, AreLabels) {
  const std::string longest(63, 'a');
  for (const auto& text : std::vector<std::string>{"a", "gateway", "a-b", "a1", "1a", longest})
    EXPECT_TRUE(is_name(text)) << text;
  for (const auto& text : std::vector<std::string>{"", "-a", "a-", "A", "a_b", "a.b", "a/b", "ä", longest + "a"}) {
    EXPECT_FALSE(is_name(text)) << text;
  }
}

TEST(Names, VersionsAreBoundedAndHarmless) {
  for (const auto& text :
       std::vector<std::string>{"v1.4.2", "1.0.0+build.5", "V1", "2026-11-20_1", std::string(128, 'v')}) {
    EXPECT_TRUE(is_version(text)) << text;
  }
  for (const auto& text :
       std::vector<std::string>{"", "-v1", ".1", "+1", "v1/2", "v 1", "v1\n", "$v", std::string(129, 'v')}) {
    EXPECT_FALSE(is_version(text)) << text;
  }
}

TEST(Names, PathsAreReadBackAsTheyWereWritten) {
  const StepId step{{{"gateway", "production"}, 7}, "deploy"};
  EXPECT_EQ(to_string(step), "gateway/production/7/deploy");
  EXPECT_EQ(parse_promotion_id("gateway/production/7"), step.promotion);
  EXPECT_EQ(parse_target_id("gateway/production"), step.promotion.target);
  for (const auto* text : {"", "gateway", "gateway/", "/production", "gateway/production/x", "Gateway/production"}) {
    EXPECT_FALSE(parse_target_id(text)) << text;
  }
  for (const auto* text :
       {"gateway/production", "gateway/production/0", "gateway/production/-1", "gateway/production/7x",
        "gateway/production/7/", "gateway/production/99999999999999999999"}) {
    EXPECT_FALSE(parse_promotion_id(text)) << text;
  }
}

TEST(Names, OfATargetsDocumentAreReadBackAsTheyWereWritten) {
  const TargetId id{"gateway", "production"};
  EXPECT_EQ(document_name(id), "gateway.production");
  EXPECT_EQ(target_of("gateway.production"), id);
  EXPECT_EQ(target_of("gateway.eu.production"), (TargetId{"gateway", "eu.production"}));
  EXPECT_EQ(target_of("gateway"), (TargetId{"gateway", ""}));
  EXPECT_EQ(target_of("gateway."), (TargetId{"gateway", ""}));
  EXPECT_EQ(target_of(""), TargetId{});
}

TEST(Decimals, AreNumbersAsJsonWritesThem) {
  for (const auto* text :
       {"0", "-0", "91.2", "-1.5", "1e3", "1E+3", "1.25e-4", "0012", "123456789012345678901234567890"}) {
    EXPECT_TRUE(is_decimal(text)) << text;
  }
  for (const auto* text : {"", "-", ".5", "5.", "1e", "1e+", "+1", "0x1", "1,5", "nan", "inf", " 1", "1 ", "1e99999"}) {
    EXPECT_FALSE(is_decimal(text)) << text;
  }
}

TEST(Decimals, AreComparedByValueAndExactly) {
  struct Row {
    const char* a;
    const char* b;
    std::strong_ordering order;
  };
  const auto less = std::strong_ordering::less;
  const auto equal = std::strong_ordering::equal;
  const auto greater = std::strong_ordering::greater;
  for (const auto& [a, b, order] : {
           Row{"1", "2", less},
           Row{"2", "10", less},
           Row{"10", "9", greater},
           Row{"0.1", "0.10", equal},
           Row{"-0", "0.00e7", equal},
           Row{"-1", "0", less},
           Row{"-1", "-2", greater},
           Row{"-2", "1", less},
           Row{"1e3", "1000", equal},
           Row{"1e-3", "0.001", equal},
           Row{"12.5e1", "125", equal},
           Row{"0.3", "0.30000000000000001", less},
           Row{"9007199254740993", "9007199254740992", greater},
           Row{"89.999999999999999999999", "90", less},
           Row{"0.0499", "0.05", less},
           Row{"1e9999", "9e9998", greater},
           Row{"-0.05", "-0.049", less},
           Row{"00090", "90", equal},
           Row{"0.000001", "1e-6", equal},
       }) {
    EXPECT_EQ(compare(Decimal{a}, Decimal{b}), order) << a << " and " << b;
    EXPECT_EQ(compare(Decimal{b}, Decimal{a}), 0 <=> order) << b << " and " << a;
  }
}

TEST(Releases, AreOneCandidateByCommitAndArtifacts) {
  const Release built{"v1", "c1", {{"image", "i1"}}};
  EXPECT_TRUE(built.same_candidate({"v1-tagged", "c1", {{"image", "i1"}}}));
  EXPECT_FALSE(built.same_candidate({"v1", "c2", {{"image", "i1"}}}));
  EXPECT_FALSE(built.same_candidate({"v1", "c1", {}}));
  const Release bare{"v1", {}, {}};
  EXPECT_TRUE(bare.same_candidate(bare));
  EXPECT_FALSE(bare.same_candidate({"v2", {}, {}}));  // nothing but the version tells them apart
  EXPECT_FALSE(bare.same_candidate(built));
  EXPECT_FALSE(built.same_candidate(bare));
}

TEST(Diagnostics, SayWhereWhatAndWhatElse) {
  EXPECT_EQ(to_string(Diagnostic{"services/a.yaml", 3, 7, "unknown field", "\"stge\"", "one of stages"}),
            "services/a.yaml:3:7: error: unknown field: found \"stge\", expected one of stages");
  EXPECT_EQ(to_string(Diagnostic{"a.yaml", 1, 1, "not YAML", "", ""}), "a.yaml:1:1: error: not YAML");
}

}  // namespace
}  // namespace headgate
