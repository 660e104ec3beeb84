// What of others' texts reaches the terminal.
#include "app/table.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>
#include <stdlib.h>
#include <unistd.h>

#include <functional>

#include "app/logging.h"
#include "engine/base/unique_fd.h"

namespace headgate::app {
namespace {

namespace json = boost::json;

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Printable, LeavesNothingThatSteersATerminal) {
  struct Row {
    const char* text;
    const char* shown;
  };
  for (const auto& [text, shown] : std::vector<Row>{
           {"", ""},
           {"coverage 91.2 % – größer, 🚦", "coverage 91.2 % – größer, 🚦"},
           {"passed\033[2K\rapproved", "passed [2K approved"},
           {"a\bb\x7F", "a b "},
           {"title\033]0;x\a", "title ]0;x "},
           {"\xC2\x9B"
            "2J",
            " 2J"},                                     // CSI in one character
           {"\xC2\x80\xC2\x9F\xC2\xA0", "  \xC2\xA0"},  // what follows C1 is text
           {"a\xE2\x80\xAE"
            "b\xE2\x81\xA6"
            "c\xE2\x80\xA6",
            "a b c\xE2\x80\xA6"},  // written backwards; an ellipsis is text
           {"two\nlines\tand a tab", "two lines and a tab"},
       }) {
    EXPECT_EQ(printable(text), shown);
  }
  EXPECT_EQ(printable_lines("# One\n\n|\ta\033[2J|\r\n"), "# One\n\n|\ta [2J| \n");
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a b");
}

// What a terminal is given while `act` prints to standard output.
std::string on_a_terminal(const std::function<void()>& act) {
  const UniqueFd screen(::posix_openpt(O_RDWR | O_NOCTTY));
  EXPECT_TRUE(screen && ::grantpt(screen.get()) == 0 && ::unlockpt(screen.get()) == 0);
  const UniqueFd terminal(::open(::ptsname(screen.get()), O_RDWR | O_NOCTTY));
  EXPECT_TRUE(terminal);
  std::fflush(stdout);
  const UniqueFd before(::dup(STDOUT_FILENO));
  EXPECT_GE(::dup2(terminal.get(), STDOUT_FILENO), 0);
  act();
  std::fflush(stdout);
  EXPECT_GE(::dup2(before.get(), STDOUT_FILENO), 0);
  std::string seen(4096, '\0');
  const auto size = ::read(screen.get(), seen.data(), seen.size());
  seen.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return seen;
}

TEST(PrintRaw, IsByteForByteButToATerminal) {
  const json::value value = json::object{{"reason",
                                          "a\xC2\x9B"
                                          "2Jb"}};
  for (const auto* output : {"json", "yaml"}) {
    const auto seen = on_a_terminal([&] { EXPECT_TRUE(print_raw(output, value)); });
    EXPECT_THAT(seen, HasSubstr("\"a 2Jb\"")) << output;
    ::testing::internal::CaptureStdout();
    print_raw(output, value);
    EXPECT_THAT(::testing::internal::GetCapturedStdout(), HasSubstr("\"a\xC2\x9B"
                                                                    "2Jb\""))
        << output;
  }
}

TEST(LogLines, HoldNothingThatSteersATerminal) {
  ::testing::internal::CaptureStderr();
  spdlog::drop("headgate");  // one a process
  Log log(LogFormat::text);
  log.info("first\nsecond \033[2J\xC2\x9B", "a\rb");
  const auto line = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(line, HasSubstr("info  first second  [2J   [a b]\n"));
  EXPECT_THAT(line, Not(HasSubstr("\033")));
}

TEST(LogLines, AreJsonWhateverAMessageNames) {
  ::testing::internal::CaptureStderr();
  spdlog::drop("headgate");  // one a process
  Log log(LogFormat::json);
  log.error("CURRENT says 'MANIFEST\xAD' – größer");
  const auto line = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(json::parse(line).at("message").as_string(), "CURRENT says 'MANIFEST\xEF\xBF\xBD' – größer");
}

TEST(TextAt, IsAsItWasWrittenAndShownWithoutControls) {
  const json::value value{{"summary", "ok\033[1A"},
                          {"none", nullptr},
                          {"empty", ""},
                          {"dash", "-"},
                          {"inner", {{"count", 3}, {"names", {"a", "b\033"}}}}};
  EXPECT_EQ(text_at(value, {"summary"}), "ok\033[1A");
  EXPECT_EQ(shown_at(value, {"summary"}), "ok [1A");
  for (const char* name : {"none", "empty", "absent"}) {
    EXPECT_EQ(text_at(value, {name}), std::nullopt) << name;
    EXPECT_EQ(shown_at(value, {name}), "-") << name;
  }
  EXPECT_EQ(text_at(value, {"dash"}), "-");
  EXPECT_EQ(text_at(value, {"inner", "count"}), "3");
  EXPECT_EQ(text_at(value, {"inner", "names"}), R"(["a","b\u001b"])");
  EXPECT_EQ(text_at(value, {"summary", "below"}), std::nullopt);
}

TEST(CellAt, WritesAListAsPeopleDo) {
  const json::value value{{"roles", {"admin", "view\033er"}}, {"none", json::array()}, {"name", "ci"}};
  EXPECT_EQ(cell_at(value, {"roles"}), "admin, view er");
  EXPECT_EQ(cell_at(value, {"none"}), "-");
  EXPECT_EQ(cell_at(value, {"absent"}), "-");
  EXPECT_EQ(cell_at(value, {"name"}), "ci");
}

TEST(Yaml, ShowsThatThereIsNothing) {
  const auto shown = [](const json::value& value) {
    testing::internal::CaptureStdout();
    print_yaml(value);
    return testing::internal::GetCapturedStdout();
  };
  EXPECT_EQ(shown(json::array()), "[]\n");
  EXPECT_EQ(shown(json::object()), "{}\n");
  EXPECT_EQ(shown(json::array{json::array(), "a"}), "- []\n- \"a\"\n");
}

TEST(Counted, HasOneOfOne) {
  EXPECT_EQ(counted(1, "mistake"), "1 mistake");
  EXPECT_EQ(counted(0, "mistake"), "0 mistakes");
}

}  // namespace
}  // namespace headgate::app
