#include "reconciler/redactor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "engine/base/base64.h"

namespace headgate::reconciler {
namespace {

using testing::HasSubstr;
using testing::Not;

Redactor redactor_of(std::string secret) {
  return Redactor({{"name", std::move(secret)}});
}

TEST(Redactor, HidesASecretInEachFormItIsPrintedIn) {
  const auto redactor = redactor_of("p@ss w0rd/\"x\"?");
  EXPECT_EQ(redactor.redact("password is p@ss w0rd/\"x\"?."), "password is [redacted].");
  EXPECT_EQ(redactor.redact("b64 cEBzcyB3MHJkLyJ4Ij8= end"), "b64 [redacted] end");
  EXPECT_EQ(redactor.redact("b64 cEBzcyB3MHJkLyJ4Ij8 end"), "b64 [redacted] end");
  EXPECT_EQ(redactor.redact("?a=p%40ss%20w0rd%2F%22x%22%3F&b"), "?a=[redacted]&b");
  EXPECT_EQ(redactor.redact("?a=p%40ss%20w0rd%2f%22x%22%3f&b"), "?a=[redacted]&b");
  EXPECT_EQ(redactor.redact("a=p%40ss+w0rd%2F%22x%22%3F&b"), "a=[redacted]&b");
  EXPECT_EQ(redactor.redact(R"({"a":"p@ss w0rd/\"x\"?"})"), R"({"a":"[redacted]"})");
}

TEST(Redactor, HidesASecretWhoseControlCharactersJsonEscapes) {
  EXPECT_EQ(redactor_of("a\tb\x01\b/c").redact(R"({"a":"a\tb\u0001\b/c"})"), R"({"a":"[redacted]"})");
  // Not UTF-8: in JSON any such secret would look like this.
  EXPECT_EQ(redactor_of("\xff\xfe\xff\xfe").redact("\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"),
            "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Redactor, HidesASecretInsideBasicAuthentication) {
  const auto redactor = redactor_of("hunter2-password");
  // base64 of u:…, us:… and use:…, so each place within three bytes.
  for (const auto* encoded :
       {"dTpodW50ZXIyLXBhc3N3b3Jk", "dXM6aHVudGVyMi1wYXNzd29yZA==", "dXNlOmh1bnRlcjItcGFzc3dvcmQ="}) {
    const auto shown = redactor.redact(std::string("Authorization: Basic ") + encoded);
    EXPECT_THAT(shown, HasSubstr("[redacted]"));
    EXPECT_LE(shown.size(), std::string("Authorization: Basic [redacted]").size() + 8) << shown;
  }
}

TEST(Redactor, LeavesOrdinaryTextAlone) {
  EXPECT_EQ(redactor_of("hunter2").redact("hunter1 hunter hunte r2"), "hunter1 hunter hunte r2");
  EXPECT_EQ(Redactor({}).redact("anything"), "anything");
}

TEST(Redactor, HidesWhatHasTheFormOfATokenOfOurs) {
  const std::string token = "hg_" + std::string(21, 'a') + "-_0Z" + std::string(18, 'b');
  ASSERT_EQ(token.size(), Redactor::token_bytes);
  const auto redactor = redactor_of("bbbb.");
  EXPECT_EQ(redactor.redact("Authorization: Bearer " + token + "\n"), "Authorization: Bearer [redacted]\n");
  EXPECT_EQ(redactor.redact(token + "."), "[redacted]") << "and what begins within it";
  const auto shorter = token.substr(0, token.size() - 1);
  EXPECT_EQ(redactor.redact(shorter), shorter);
  EXPECT_EQ(redactor.redact(shorter + "!"), shorter + "!");
  RedactedStream stream{redactor};
  auto shown = stream.push("x " + token.substr(0, 20));
  shown += stream.push(token.substr(20) + " y");
  EXPECT_EQ(shown + stream.finish(), "x [redacted] y");
}

TEST(Redactor, RefusesWhatWouldBlotOutEverything) {
  const Redactor redactor({{"pin", "123"}, {"blank", "\n"}, {"fine", "1234"}});
  ASSERT_EQ(redactor.refused().size(), 2U);
  EXPECT_EQ(redactor.refused()[0].name, "pin");
  EXPECT_THAT(redactor.refused()[0].reason, HasSubstr("3 bytes"));
  EXPECT_EQ(redactor.redact("123 1234"), "123 [redacted]");
}

TEST(Redactor, HidesOverlappingSecretsWholly) {
  const Redactor redactor({{"a", "abcdef"}, {"b", "defghi"}, {"c", "cdef"}});
  EXPECT_EQ(redactor.redact("xabcdefghiy"), "x[redacted]y");
  EXPECT_EQ(redactor.redact("abcdefabcdef."), "[redacted].");
}

TEST(Redactor, HidesTheLinesOfAKeyOneByOne) {
  const auto redactor = redactor_of("-----BEGIN KEY-----\r\nMIIabcdefghijkl\r\nshort\n-----END KEY-----\n");
  EXPECT_EQ(redactor.redact("  MIIabcdefghijkl\n  short\n"), "  [redacted]\n  short\n");
}

TEST(Redactor, KnowsWhatWritersOfJsonEscapeBesideWhatTheyMust) {
  const auto redactor = redactor_of("Gr\u00fcn/<k\U0001F600>&");
  for (const std::string_view written :
       {R"(Gr\u00fcn/<k\ud83d\ude00>&)", R"(Gr\u00FCn\/<k\uD83D\uDE00>&)", "Gr\u00fcn\\/<k\U0001F600>&",
        R"(Gr\u00fcn\/\u003ck\ud83d\ude00\u003e\u0026)"}) {
    EXPECT_EQ(redactor.redact("{\"a\":\"" + std::string(written) + "\"}"), "{\"a\":\"[redacted]\"}");
  }
}

TEST(Redactor, FindsBase64OverLineBreaks) {
  std::string secret;
  for (int i = 0; i < 90; ++i) secret += static_cast<char>('!' + i);
  const auto redactor = redactor_of(secret);
  const auto encoded = encode_base64(secret);
  for (const std::string_view line_break : {"\n", "\r\n", "\\n", "\\r\\n"}) {
    for (const std::size_t width : {1U, 3U, 64U, 76U}) {
      std::string text = "begin ";
      for (std::size_t at = 0; at < encoded.size(); at += width) {
        text += (at == 0 ? "" : std::string(line_break)) + encoded.substr(at, width);
      }
      text += " end";
      EXPECT_EQ(redactor.redact(text), "begin [redacted] end") << width;
      RedactedStream stream{redactor};
      std::string shown;
      for (const char c : text) shown += stream.push(std::string_view(&c, 1));
      EXPECT_EQ(shown + stream.finish(), "begin [redacted] end") << width;
    }
  }
  EXPECT_EQ(redactor_of("hunter2-password").redact("hunter2-\npassword"), "hunter2-\npassword");
}

TEST(Redactor, FindsASecretOverAnyBorder) {
  const auto redactor = redactor_of("hunter2-password");
  const std::string text = "before hunter2-password between hunter2-passwor and hunter2-passwordhunter2-password";
  const auto whole = redactor.redact(text);
  EXPECT_EQ(whole, "before [redacted] between hunter2-passwor and [redacted]");
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    RedactedStream stream{redactor};
    auto shown = stream.push(text.substr(0, cut));
    shown += stream.push(text.substr(cut));
    shown += stream.finish();
    EXPECT_EQ(shown, whole) << cut;
  }
}

TEST(Redactor, PiecesOfAnySizeGiveTheSameText) {
  const Redactor redactor({{"a", "aabab"}, {"b", "babbaabb"}, {"c", "bbbb"}});
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    std::string text;
    for (int i = 0; i < 300; ++i) text += (random() & 1U) != 0 ? 'a' : 'b';
    RedactedStream stream{redactor};
    std::string shown;
    for (std::size_t at = 0; at < text.size();) {
      const auto size = random() % 12;
      shown += stream.push(std::string_view(text).substr(at, size));
      at += size;
    }
    shown += stream.finish();
    EXPECT_EQ(shown, redactor.redact(text)) << "seed " << seed;
    for (const auto* secret : {"aabab", "babbaabb", "bbbb"}) EXPECT_THAT(shown, Not(HasSubstr(secret)));
  }
}

}  // namespace
}  // namespace headgate::reconciler
