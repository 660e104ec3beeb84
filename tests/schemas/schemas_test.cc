#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "store/batch.h"
#include "tests/schemas/event_schema.h"
#include "tests/schemas/pretty.h"
#include "tests/schemas/record_checker.h"
#include "tests/store/samples.h"
#include "tests/store/temp_dir.h"
#include "tests/torture.h"

namespace headgate::schemas {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string encoded(const Recorded<Event>& record) {
  std::string text;
  store::encode(text, "headgate.example.com", record);
  return text;
}

std::string file_of(const EventType& type) {
  return std::string(type.name) + ".v" + std::to_string(type.version);
}

// HEADGATE_WRITE_SCHEMAS=1 writes the schemas of types and versions that are new; one that changes means a new version
// of its type. Those of older versions are kept as they were published.
TEST(Schemas, HoldWhatDescribeSays) {
  const fs::path folder = HEADGATE_SCHEMA_DIR;
  const char* write = std::getenv("HEADGATE_WRITE_SCHEMAS");
  std::set<std::string> expected;
  store::for_each_event_type([&]<class E>() {
    const auto name = file_of(E::type) + ".json";
    expected.insert(name);
    std::string text;
    write_pretty(text, event_schema<E>());
    text += '\n';
    if (write != nullptr && std::string_view(write) == "1") std::ofstream(folder / name, std::ios::binary) << text;
    EXPECT_EQ(content(folder / name), text) << name;
  });
  for (const auto& upcaster : store::upcasters()) {
    const auto name = file_of({upcaster.name, upcaster.from}) + ".json";
    expected.insert(name);
    EXPECT_TRUE(fs::exists(folder / name)) << name << " was published";
    EXPECT_TRUE(fs::exists(fs::path(HEADGATE_GOLDEN_DIR) / name)) << "the golden file of " << name;
  }
  for (const auto& entry : fs::directory_iterator(folder)) {
    EXPECT_TRUE(expected.contains(entry.path().filename().string())) << entry.path() << " is of no known type";
  }
}

TEST(Schemas, EveryGoldenRecordFits) {
  std::size_t records = 0;
  for (const auto& entry : fs::directory_iterator(HEADGATE_GOLDEN_DIR)) {
    EXPECT_EQ(problem_of(content(entry.path())), "") << entry.path();
    ++records;
  }
  EXPECT_GE(records, std::variant_size_v<AnyEvent>);
}

TEST(Schemas, WhateverIsWrittenFits) {
  std::mt19937_64 random(torture_seed("records and their schemas"));
  for (auto round = torture_rounds(1'000); round > 0; --round) {
    const auto text = encoded(store::random_record(random, random(), store::RandomSource{random}.time()));
    ASSERT_EQ(problem_of(text), "") << text;
  }
}

// A schema must refuse what the codec refuses, or it says nothing: each field of each golden record is taken away,
// renamed and replaced by a value of another kind.
// checked_batch.cc takes the place of the product's own file by the order of linking, which nothing else would notice.
TEST(Schemas, AreAskedByEveryProgramOfTheTestsThatAppends) {
  const auto before = records_checked();
  store::Batch batch;
  HEADGATE_ASSERT_OK(batch.add("headgate.example.com", 0, {}, std::vector<Recorded<Event>>(1)));
  EXPECT_EQ(records_checked(), before + 1);
}

TEST(Schemas, RefuseWhatTheCodecRefuses) {
  std::size_t refused = 0;
  const auto look = [&](const json::value& changed) {
    const auto text = json::serialize(changed);
    Recorded<Event> read;
    if (store::decode(text, read)) return;
    EXPECT_NE(problem_of(text), "") << text;
    ++refused;
  };
  store::for_each_event_type([&]<class E>() {
    const auto golden = json::parse(encoded(store::golden_record<E>())).get_object();
    for (const auto& [name, value] : golden.at("data").get_object()) {
      auto changed = golden;
      auto& data = changed["data"].get_object();
      data[name] = json::array{json::array{}};
      look(changed);
      // In the place of the other, so that the order of fields is not what is wrong.
      json::object renamed;
      for (const auto& [key, member] : golden.at("data").get_object()) {
        renamed[key == name ? "invented" : std::string_view(key)] = member;
      }
      changed["data"] = renamed;
      look(changed);
      json::object without;
      for (const auto& [key, member] : golden.at("data").get_object()) {
        if (key != name) without[key] = member;
      }
      changed["data"] = without;
      look(changed);
    }
  });
  EXPECT_GT(refused, 200U);
}

TEST(Schemas, SayWhatIsWrong) {
  const auto text = encoded(store::golden_record<GateReported>());
  const auto changed = [&](std::string_view what, std::string_view with) {
    auto copy = text;
    const auto at = copy.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return problem_of(copy.replace(at, what.size(), with));
  };
  EXPECT_EQ(problem_of(text), "");
  EXPECT_THAT(changed(R"("specversion":"1.0")", R"("specversion":"2.0")"), HasSubstr("specversion"));
  EXPECT_THAT(changed(R"("id":"42")", R"("id":42)"), HasSubstr("id"));
  EXPECT_THAT(changed(R"("actor")", R"("author")"), HasSubstr("author"));
  EXPECT_THAT(changed(R"("cause":"41")", R"("cause":"041")"), HasSubstr("cause"));
  EXPECT_THAT(changed("gate.reported.v", "gate.reported.v9"), HasSubstr("no schema"));
  EXPECT_THAT(changed("dev.headgate.", "dev.other."), HasSubstr("no schema"));
  EXPECT_THAT(changed("dev.headgate.gate", "dev.headgate.../gate"), HasSubstr("no schema"));
  EXPECT_THAT(problem_of("{}"), HasSubstr("no type"));
  EXPECT_THAT(problem_of("{"), HasSubstr("not JSON"));
}

}  // namespace
}  // namespace headgate::schemas
