// What a look at the environments repository makes of its files, over a real one and a running engine.
#include "reconciler/reconciler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reconciler/documents_parser.h"
#include "reconciler/git_repository.h"
#include "reconciler/offline_people.h"
#include "tests/reconciler/git_fixture.h"
#include "tests/runtime/engine_fixture.h"

namespace headgate::reconciler {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* service_text =
    "apiVersion: headgate.dev/v1\nkind: Service\nmetadata: {name: greeter}\n"
    "spec:\n  stages:\n    - environment: staging\n    - environment: production\n";

std::string environment_text(const std::string& name) {
  return "apiVersion: headgate.dev/v1\nkind: Environment\nmetadata: {name: " + name +
         "}\nspec:\n  driver:\n    command:\n      deploy: [/bin/true]\n      observe: [/bin/true]\n";
}

std::string target_text(const std::string& environment, const std::string& version) {
  return "apiVersion: headgate.dev/v1\nkind: Target\nmetadata: {name: greeter." + environment +
         "}\nspec:\n  service: greeter\n  environment: " + environment + "\n  release: {version: " + version + "}\n";
}

class ReconcilerTest : public runtime::testing::EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    write_file(remote_.path() / "services/greeter.yaml", service_text);
    write_file(remote_.path() / "staging.yaml", environment_text("staging"));
    write_file(remote_.path() / "production.yaml", environment_text("production"));
    remote_.commit("first");
    follow(".");
  }
  // As after a start with that path in the server's file.
  void follow(const std::string& path) {
    reconciler_.reset();
    GitRepositoryConfig config;
    config.name = "environments";
    config.url = remote_.path().string();
    config.path = path;
    config.clone = folder_.path() / "environments.git";
    repository_ = GitRepository::create(std::move(config)).value();
    reconciler_.emplace(ReconcilerOptions{"environments", "main", 1h, {}, {}, {}}, *repository_, parser_, people_,
                        driver_, *engine, *engine, clock, [](NoticeLevel, std::string_view, std::string_view) {});
  }
  bool look() {
    const auto looked = reconciler_->look({});
    EXPECT_TRUE(looked) << looked.error().message;
    return looked.value_or(false);
  }
  std::vector<std::string> diagnostics() {
    std::vector<std::string> all;
    engine->with_state([&](const State& state) {
      for (const auto& diagnostic : state.configuration.diagnostics) all.push_back(to_string(diagnostic));
    });
    return all;
  }
  std::vector<std::string> targets() {
    std::vector<std::string> all;
    engine->with_state([&](const State& state) {
      for (const auto& [id, target] : state.targets) {
        if (target.document) all.push_back(to_string(id) + " " + target.document->document.release.version);
      }
    });
    return all;
  }

  TestFolder folder_;
  TestRepository remote_{folder_.path() / "remote"};
  OfflinePeople people_;
  const YamlDocumentParser parser_{people_};
  ProcessRunner runner_{{folder_.path() / "run"}};
  ScriptExports exports_{folder_.path() / "exports"};
  const Result<CommandPolicy> policy_ = CommandPolicy::make({});
  CommandDriver driver_{runner_,
                        exports_,
                        *policy_,
                        [](const std::string&) { return fail(ErrorCode::not_found, "none"); },
                        folder_.path() / "work",
                        [] { return nullptr; }};
  std::unique_ptr<GitRepository> repository_;
  std::optional<Reconciler> reconciler_;
};

TEST_F(ReconcilerTest, AFileWhoseNameIsNoTextIsRefused) {
  write_file(remote_.path() / "caf\xE9.yaml", target_text("staging", "v1"));
  write_file(remote_.path() / "a\tb.yaml", target_text("production", "v1"));
  remote_.commit("targets");
  EXPECT_FALSE(look());
  EXPECT_THAT(diagnostics(),
              ElementsAre(testing::AllOf(HasSubstr("a b.yaml"), HasSubstr("rename the file")),
                          testing::AllOf(HasSubstr("caf\xEF\xBF\xBD.yaml"), HasSubstr("rename the file"))));
  EXPECT_THAT(targets(), IsEmpty());
  remote_.git({"mv", "caf\xE9.yaml", "caf\xC3\xA9.yaml"});
  remote_.git({"mv", "a\tb.yaml", "ab.yaml"});
  remote_.commit("renamed");
  EXPECT_TRUE(look());
  EXPECT_THAT(targets(), ElementsAre("greeter/production v1", "greeter/staging v1"));
}

TEST_F(ReconcilerTest, ADocumentInForceIsCitedWhereItStands) {
  ASSERT_TRUE(look());
  remote_.git({"rm", "-q", "production.yaml"});
  remote_.commit("an environment goes, and its stage stays");
  EXPECT_FALSE(look());
  EXPECT_THAT(diagnostics(), ElementsAre(HasSubstr("services/greeter.yaml:7:20: error: unknown environment "
                                                   "'production': found 'production', expected the name of")));
}

TEST_F(ReconcilerTest, WhatWasPartlyReadIsCheckedAgainstAllThatIsInForce) {
  ASSERT_TRUE(look());
  write_file(remote_.path() / "second.yaml",
             "apiVersion: headgate.dev/v1\nkind: Service\nmetadata: {name: second}\nspec:\n"
             "  dependsOn: [greeter, nobody]\n  wait: 1m\n  stages:\n    - environment: staging\n");
  remote_.commit("two mistakes");
  EXPECT_FALSE(look());
  EXPECT_THAT(diagnostics(), ElementsAre(HasSubstr("second.yaml:6:3: error: unknown field 'wait'"),
                                         HasSubstr("second.yaml:5:24: error: unknown service 'nobody'")));
}

TEST_F(ReconcilerTest, WhatIsInForceUnderACleanedNameGoesWithTheLastFileOfThatName) {
  ASSERT_TRUE(look());
  write_file(remote_.path() / "caf\xE8.yaml", target_text("staging", "v1"));
  write_file(remote_.path() / "caf\xE9.yaml", target_text("production", "v1"));
  const auto before = remote_.commit("as an older version took it");
  Target target;
  target.id = {"greeter", "production"};
  target.release.version = "v1";
  ASSERT_TRUE(run(StageDocuments{before, {{{"caf\xEF\xBF\xBD.yaml", 1, "blob"}, target}}, {}}));
  ASSERT_TRUE(run(AcceptConfiguration{"environments", before}));
  ASSERT_THAT(targets(), ElementsAre("greeter/production v1"));
  remote_.git({"rm", "-q", "caf\xE8.yaml"});
  remote_.commit("one of them");
  EXPECT_FALSE(look());
  EXPECT_THAT(diagnostics(), ElementsAre(HasSubstr("rename the file")));
  EXPECT_THAT(targets(), ElementsAre("greeter/production v1"));
  remote_.git({"mv", "caf\xE9.yaml", "cafe.yaml"});
  remote_.commit("renamed");
  EXPECT_TRUE(look()) << testing::PrintToString(diagnostics());
  EXPECT_THAT(targets(), ElementsAre("greeter/production v1"));
}

}  // namespace
}  // namespace headgate::reconciler
