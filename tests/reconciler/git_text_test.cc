// The small readers: URLs, folders, text of commits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reconciler/git_diff.h"
#include "reconciler/git_history.h"
#include "reconciler/git_url.h"

namespace headgate::reconciler {
namespace {

using Kind = GitUrl::Kind;

TEST(GitUrl, KnowsEveryForm) {
  struct Row {
    const char* text;
    Kind kind;
    const char* display;
    const char* host;
    const char* user;
  };
  for (const Row& row : {
           Row{"/srv/git/x.git/", Kind::local, "/srv/git/x.git", "", ""},
           Row{"/srv/./git/../x", Kind::local, "/srv/x", "", ""},
           Row{"file:///srv/a%20b", Kind::local, "/srv/a b", "", ""},
           Row{"file://localhost/srv/x", Kind::local, "/srv/x", "", ""},
           Row{"git://host:9418/x", Kind::git, "git://host:9418/x", "host", ""},
           Row{"https://u:p@host/x", Kind::https, "https://host/x", "host", "u"},
           Row{"https://u:p@q@host/x", Kind::https, "https://host/x", "host", "u"},
           Row{"http://[::1]:80/x", Kind::http, "http://[::1]:80/x", "::1", ""},
           Row{"ssh://git@host/x", Kind::ssh, "ssh://host/x", "host", "git"},
           Row{"git@host:x/y.git", Kind::ssh, "git@host:x/y.git", "host", "git"},
       }) {
    const auto url = parse_git_url(row.text);
    ASSERT_TRUE(url.has_value()) << row.text << url.error().message;
    EXPECT_EQ(url->kind, row.kind) << row.text;
    EXPECT_EQ(url->display, row.display);
    EXPECT_EQ(url->host, row.host) << row.text;
    EXPECT_EQ(url->user, row.user) << row.text;
  }
  for (const char* wrong : {"", "ftp://x/y", "file://other/x", "https:///x", "/a\nb"}) {
    EXPECT_FALSE(parse_git_url(wrong).has_value()) << wrong;
  }
}

TEST(GitUrl, SecretsAreTakenOutOfText) {
  const auto url = parse_git_url("https://alice:p%40ss@host/x");
  ASSERT_TRUE(url.has_value());
  EXPECT_EQ(without_secrets("https://alice:p%40ss@host/x failed with p@ss and tok", *url, "tok"),
            "https://***host/x failed with *** and ***");
  EXPECT_TRUE(is_loopback("127.0.0.1"));
  EXPECT_FALSE(is_loopback("127.0.0.1.example.com"));
}

TEST(GitFolder, OnlyPlainPathsInsideTheRepository) {
  EXPECT_EQ(parse_folder(".").value_or("?"), "");
  EXPECT_EQ(parse_folder("./a/b/").value_or("?"), "a/b");
  for (const char* wrong : {"..", "a/../b", "/a", "a//b", "a/./b", "a\nb"}) {
    EXPECT_FALSE(parse_folder(wrong).has_value()) << wrong;
  }
}

TEST(GitText, InvalidUtf8IsReplacedAndCutsFallBetweenCharacters) {
  EXPECT_EQ(clean_text("a\xC3\xA9z", 2), "a");
  EXPECT_EQ(clean_text("a\xC3\xA9z", 3), "a\xC3\xA9");
  EXPECT_EQ(clean_text("\xC0\xAF", 10), "\xEF\xBF\xBD\xEF\xBF\xBD");                  // overlong
  EXPECT_EQ(clean_text("\xED\xA0\x80", 20), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");  // surrogate
  EXPECT_EQ(clean_text("\xF4\x90\x80\x80", 20).size(), 12u);                          // above U+10FFFF
  EXPECT_EQ(clean_text("\xF0\x9F\x9A\x80", 4), "\xF0\x9F\x9A\x80");
  EXPECT_EQ(clean_text("a\tb\x7F\xC2\x85z", 20), "a b  z");
  EXPECT_EQ(clean_text("\xE2\x82", 20), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(GitText, CoAuthorsAreFoundWhereverTheyStand) {
  const auto people =
      co_authors_of("x\nCo-Authored-By: A <a@x>\n  co-authored-by: B <b <c@x>\r\nNot-Co-authored-by: D <d@x>\n");
  ASSERT_EQ(people.size(), 2u);
  EXPECT_EQ(people[0].email, "a@x");
  EXPECT_EQ(people[1].email, "c@x");
  EXPECT_EQ(people[1].name, "B <b");
}

}  // namespace
}  // namespace headgate::reconciler
