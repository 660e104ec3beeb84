// Includes point down, and a library is used in the rooms it belongs to: ARCHITECTURE.md as a table. And what tests
// take from outside: a seed comes from tests/torture.h.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace headgate {
namespace {

namespace fs = std::filesystem;

struct Room {
  std::string_view folder;
  std::vector<std::string_view> rooms;      // whose headers it may include
  std::vector<std::string_view> libraries;  // beginnings of what else than the C++ standard library it may include
};

// Headers of the operating system: a name with ".h" that no library below claims.
constexpr std::string_view kSystem = "(system)";

const std::vector<Room>& rooms() {
  static const std::vector<Room> all{
      {"engine/base", {"engine/base"}, {"openssl/", kSystem}},
      {"engine/domain", {"engine/base", "engine/domain"}, {}},
      {"engine/ports", {"engine/base", "engine/domain", "engine/ports"}, {}},
      {"engine/runtime", {"engine/base", "engine/domain", "engine/ports", "engine/runtime"}, {}},
      {"store",
       {"engine/base", "engine/domain", "engine/ports", "store"},
       {"rocksdb/", "cereal/", "simdjson.h", "archive", "openssl/", "boost/json", "fmt/", kSystem}},
      {"reconciler",
       {"engine/base", "engine/domain", "engine/ports", "reconciler"},
       {"git2", "libssh2.h", "yaml-cpp/", "valijson/", "curl/", "ares.h", "date/", "openssl/", "boost/json",
        "boost/url", "fmt/", kSystem}},
      {"api",
       {"engine/base", "engine/domain", "engine/ports", "engine/runtime", "api"},
       {"boost/", "openssl/", "prometheus/", "fmt/", kSystem}},
      {"app",
       {"engine/base", "engine/domain", "engine/ports", "engine/runtime", "store", "reconciler", "api", "app"},
       {"CLI/", "spdlog/", "boost/json", "boost/url", "openssl/", "fmt/", kSystem}},
  };
  return all;
}

const std::vector<std::string_view> libraries{"rocksdb/", "cereal/",     "simdjson.h", "openssl/",  "boost/",
                                              "fmt/",     "git2",        "libssh2.h",  "yaml-cpp/", "curl/",
                                              "date/",    "prometheus/", "CLI/",       "spdlog/",   "valijson/",
                                              "gtest/",   "gmock/",      "benchmark/", "archive",   "ares.h"};

// What of the standard library would let the calculation see a clock, a thread, a file, chance or the screen.
const std::set<std::string_view> impure{"atomic", "condition_variable", "ctime", "filesystem", "fstream",
                                        "future", "iostream",           "mutex", "random",     "semaphore",
                                        "thread", "stop_token"};

struct Include {
  fs::path file;
  std::size_t line = 0;
  bool quoted = false;
  std::string name;
};

const fs::path& root() {
  static const fs::path path = HEADGATE_SOURCE_DIR;
  return path;
}

std::vector<Include> includes_of_file(const fs::path& path) {
  static const std::regex pattern(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
  std::vector<Include> all;
  std::ifstream in(path);
  std::string text;
  for (std::size_t line = 1; std::getline(in, text); ++line) {
    std::smatch match;
    if (std::regex_search(text, match, pattern)) {
      all.push_back({fs::relative(path, root()), line, match[1] == "\"", match[2]});
    }
  }
  return all;
}

std::vector<Include> includes_of(std::string_view folder) {
  std::vector<Include> all;
  for (const auto& entry : fs::recursive_directory_iterator(root() / folder)) {
    const auto extension = entry.path().extension();
    if (extension == ".h" || extension == ".cc")
      std::ranges::move(includes_of_file(entry.path()), std::back_inserter(all));
  }
  return all;
}

std::string where(const Include& include) {
  return include.file.string() + ":" + std::to_string(include.line) + ": includes " + include.name;
}

bool begins_with_one_of(std::string_view name, const std::vector<std::string_view>& beginnings) {
  return std::ranges::any_of(beginnings, [&](std::string_view beginning) { return name.starts_with(beginning); });
}

bool is_standard(std::string_view name) {
  return name.find('/') == name.npos && name.find('.') == name.npos;
}

TEST(Includes, PointDown) {
  for (const auto& room : rooms()) {
    const auto all = includes_of(room.folder);
    EXPECT_FALSE(all.empty()) << room.folder;
    for (const auto& include : all) {
      if (!include.quoted || include.name == "domain_digest.h") continue;  // the build writes that one
      const auto folder = fs::path(include.name).parent_path().string();
      EXPECT_TRUE(std::ranges::find(room.rooms, folder) != room.rooms.end()) << where(include);
      EXPECT_TRUE(fs::exists(root() / include.name)) << where(include) << ", not written from the repository's root";
    }
  }
}

TEST(Includes, KeepEachLibraryInItsRooms) {
  for (const auto& room : rooms()) {
    const bool system = std::ranges::find(room.libraries, kSystem) != room.libraries.end();
    for (const auto& include : includes_of(room.folder)) {
      if (include.quoted || is_standard(include.name)) continue;
      const bool of_library = begins_with_one_of(include.name, libraries);
      EXPECT_TRUE(of_library ? begins_with_one_of(include.name, room.libraries) : system) << where(include);
    }
  }
}

// Values that copies share count their owners, as std::shared_ptr does, and states of two threads are such copies. That
// one count is all of the domain that knows of threads (docs/adr/0006).
bool counts_owners(const Include& include) {
  return include.name == "atomic" && include.file == fs::path("engine/domain/boxed.h");
}

bool is_calculation(const Include& include) {
  return is_standard(include.name) && !impure.contains(include.name);
}

// The headers of engine/base that the domain stands on, with their sources and whatever these include of it.
std::vector<Include> includes_below_the_domain() {
  std::set<std::string> seen;
  std::vector<Include> all;
  auto from = includes_of("engine/domain");
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto name = from[i].name;
    if (!from[i].quoted || !name.starts_with("engine/base/") || !seen.insert(name).second) continue;
    for (const auto* extension : {".h", ".cc"}) {
      for (const auto& include : includes_of_file((root() / name).replace_extension(extension))) {
        all.push_back(include);
        from.push_back(include);
      }
    }
  }
  return all;
}

TEST(Includes, LeaveTheDomainACalculation) {
  for (const auto& include : includes_of("engine/domain")) {
    EXPECT_FALSE(!include.quoted && impure.contains(include.name) && !counts_owners(include)) << where(include);
  }
  const auto below = includes_below_the_domain();
  EXPECT_FALSE(below.empty());
  for (const auto& include : below) EXPECT_TRUE(include.quoted || is_calculation(include)) << where(include);
}

TEST(Includes, OfTheProgramAreNobodysElse) {
  for (const auto* folder : {"engine", "store", "reconciler", "api"}) {
    for (const auto& include : includes_of(folder)) {
      EXPECT_FALSE(include.name.starts_with("app/") || include.name.starts_with("tests/") ||
                   include.name.starts_with("bench/"))
          << where(include);
    }
  }
}

TEST(Includes, OfEveryHeaderHappenOnce) {
  for (const auto& room : rooms()) {
    for (const auto& entry : fs::recursive_directory_iterator(root() / room.folder)) {
      if (entry.path().extension() != ".h") continue;
      std::ifstream in(entry.path());
      const std::string text(std::istreambuf_iterator<char>(in), {});
      EXPECT_NE(text.find("#pragma once"), text.npos) << fs::relative(entry.path(), root());
    }
  }
}

// A seed of its own can be neither chosen nor seen again.
TEST(Tests, TakeTheirSeedsFromOnePlace) {
  static const std::regex own(R"(random_device|time_since_epoch\(\)\.count\(\)\);|getenv\("HEADGATE_\w*SEED)");
  for (const auto& entry : fs::recursive_directory_iterator(root() / "tests")) {
    const auto file = fs::relative(entry.path(), root());
    const bool source = file.extension() == ".h" || file.extension() == ".cc";
    // `make sim` begins anywhere, and says where.
    if (!source || file == "tests/torture.h" || file == "tests/sim/sim_test.cc" || file == "tests/includes_test.cc") {
      continue;
    }
    std::ifstream in(entry.path());
    std::string text;
    for (std::size_t line = 1; std::getline(in, text); ++line) {
      EXPECT_FALSE(std::regex_search(text, own)) << file << ":" << line << ": use torture_seed of tests/torture.h";
    }
  }
}

}  // namespace
}  // namespace headgate
