// What the port promises of people, of the directory beside a log and of the one for work without a server.
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

#include "reconciler/offline_people.h"
#include "store/people_directory.h"
#include "tests/store/temp_dir.h"

namespace headgate::reconciler {
namespace {

struct Offline {
  OfflinePeople people;
  People& get() { return people; }
};

struct BesideALog {
  store::TempDir dir;
  std::unique_ptr<store::PeopleDirectory> people;
  BesideALog() {
    auto opened = store::PeopleDirectory::open(dir / "people");
    if (!opened) throw std::runtime_error(opened.error().message);
    people = std::move(*opened);
  }
  People& get() { return *people; }
};

PersonRecord record(std::string name, std::vector<std::string> emails, std::vector<std::string> oidc = {},
                    std::vector<std::string> keys = {}) {
  return {"", std::move(name), std::move(emails), std::move(oidc), std::move(keys)};
}

template <class Holder>
class PeopleContract : public ::testing::Test {
 protected:
  People& people() { return holder_.get(); }
  // Of a policy in force.
  std::string person(const PersonRecord& r) {
    const auto ids = people().claim(r).value();
    EXPECT_TRUE(people().join(ids));
    return ids.id;
  }
  std::string author(std::string_view name, std::string_view email) {
    return people().person_by_email(name, email).value();
  }

 private:
  Holder holder_;
};

struct Names {
  template <class T>
  static std::string GetName(int) {
    return std::is_same_v<T, Offline> ? "Offline" : "BesideALog";
  }
};
using Holders = ::testing::Types<Offline, BesideALog>;
TYPED_TEST_SUITE(PeopleContract, Holders, Names);

TYPED_TEST(PeopleContract, KnowAPersonByAnyIdentity) {
  const auto id = this->person(record("dana", {"dana@example.com"}, {"issuer#7"}, {"SHA256:abc"}));
  EXPECT_TRUE(id.starts_with("person:")) << id;
  EXPECT_EQ(this->person(record("dana", {})), id);
  EXPECT_EQ(this->person(record("", {"DANA@Example.com"})), id);
  EXPECT_EQ(this->person(record("", {}, {"issuer#7"})), id);
  EXPECT_EQ(this->person(record("", {}, {}, {"SHA256:abc"})), id);
  EXPECT_EQ(this->author("D. Example", "Dana@example.com"), id);
  EXPECT_NE(this->person(record("erin", {"erin@example.com"})), id);
  EXPECT_EQ(this->people().list().size(), 2U);
  EXPECT_EQ(this->people().find("person:0000000000"), std::nullopt);
}

TYPED_TEST(PeopleContract, ExtendAPersonByWhatIsNew) {
  const auto author = this->author("Dana Example", "dana@example.com");
  EXPECT_EQ(this->people().find(author)->name, "Dana Example");
  const auto id = this->person(record("dana", {"dana@example.com", "d@example.org"}, {"issuer#7"}));
  EXPECT_EQ(this->people().find(author)->id, id);
  const auto found = this->people().find(id);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->id, id);
  EXPECT_EQ(found->name, "dana") << "the policy's name goes before that of a commit";
  EXPECT_EQ(found->emails, (std::vector<std::string>{"dana@example.com", "d@example.org"}));
  EXPECT_EQ(found->oidc, std::vector<std::string>{"issuer#7"});
}

// Anybody can commit under any name.
TYPED_TEST(PeopleContract, KnowNobodyByTheNameOfACommit) {
  const auto author = this->author("dana", "mallory@example.com");
  const auto dana = this->person(record("dana", {"dana@example.com"}));
  EXPECT_NE(author, dana);
  EXPECT_NE(this->author("dana", "third@example.com"), dana);
}

TYPED_TEST(PeopleContract, KnowAuthorsWithoutAnAddressByTheirName) {
  const auto dana = this->author("dana", "");
  EXPECT_EQ(this->author("dana", ""), dana);
  EXPECT_NE(this->author("erin", ""), dana);
}

TYPED_TEST(PeopleContract, ForgetTheOldNameOfARenamedPerson) {
  const auto id = this->person(record("dana", {"dana@example.com"}));
  EXPECT_EQ(this->person(record("dana-l", {"dana@example.com"})), id);
  EXPECT_NE(this->person(record("dana", {"other@example.com"})), id);
  EXPECT_EQ(this->person(record("dana-l", {})), id);
}

TYPED_TEST(PeopleContract, JoinThoseWhomOnlyCommitsNamedWhenThePolicySaysThatTheyAreOne) {
  const auto first = this->author("Dana", "dana@example.com");
  const auto second = this->author("D.", "dana@home.example.com");
  EXPECT_NE(first, second);
  const auto dana = this->person(record("dana", {"dana@example.com", "dana@home.example.com"}));
  EXPECT_EQ(this->author("D.", "dana@home.example.com"), dana);
  EXPECT_EQ(this->people().list().size(), 1U);
  EXPECT_EQ(this->people().find(dana)->also, (std::vector{first, second}));
  ASSERT_TRUE(this->people().find(first).has_value()) << "records name the older id";
  EXPECT_EQ(this->people().find(first)->id, dana);
}

TYPED_TEST(PeopleContract, NeverJoinTwoPeopleOfThePolicy) {
  this->person(record("dana", {"dana@example.com"}));
  this->person(record("erin", {"erin@example.com"}));
  const auto joined = this->people().claim(record("dana", {"erin@example.com"}));
  ASSERT_FALSE(joined);
  EXPECT_EQ(joined.error().code, ErrorCode::conflict);
  EXPECT_EQ(this->people().list().size(), 2U);
  const auto nobody = this->people().claim(record("", {}));
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, ErrorCode::invalid_input);
}

// Whoever may push can write any policy, and have it refused.
TYPED_TEST(PeopleContract, GiveNobodyWhatAPolicyMerelyClaims) {
  const auto mallory = this->person(record("mallory", {"mallory@example.com"}));
  const auto claimed =
      this->people().claim(record("mallory", {"mallory@example.com", "dana@example.com"}, {"issuer#7"}));
  ASSERT_TRUE(claimed);
  EXPECT_EQ(claimed->id, mallory);
  EXPECT_EQ(this->people().find(mallory)->emails, std::vector<std::string>{"mallory@example.com"});
  EXPECT_NE(this->author("Dana", "dana@example.com"), mallory);
  const auto dana = this->person(record("dana", {"dana@example.com"}, {"issuer#7"}));
  EXPECT_NE(dana, mallory);
  EXPECT_EQ(this->author("Dana", "dana@example.com"), dana);
}

// What a policy gains shows in it, also before anybody has committed by it.
TYPED_TEST(PeopleContract, ShowEveryIdentityThatAPersonGains) {
  const auto before = this->people().claim(record("dana", {"dana@example.com"})).value();
  ASSERT_TRUE(this->people().join(before));
  EXPECT_EQ(this->people().claim(record("dana", {"dana@example.com"})), before);
  for (const auto& gained :
       {record("dana", {"dana@example.com", "ghost@example.com"}), record("dana", {"dana@example.com"}, {"issuer#7"}),
        record("dana", {"dana@example.com"}, {}, {"SHA256:abc"}), record("dana-l", {"dana@example.com"})}) {
    const auto known = this->people().claim(record("", {"dana@example.com"})).value();
    const auto after = this->people().claim(gained).value();
    EXPECT_EQ(after.id, before.id);
    EXPECT_NE(after, known);
    EXPECT_EQ(this->people().claim(gained), after) << "it stays what it is until it is in force";
    ASSERT_TRUE(this->people().join(after));
    EXPECT_EQ(this->people().claim(gained), after) << "and then";
  }
}

TYPED_TEST(PeopleContract, KeepNamesOfTokens) {
  const auto id = this->people().token_id("dana laptop").value();
  EXPECT_TRUE(id.starts_with("token:")) << id;
  EXPECT_EQ(this->people().token_id("dana laptop"), id);
  EXPECT_NE(this->people().token_id("ci"), id);
  EXPECT_EQ(this->people().token_name(id), "dana laptop");
  EXPECT_EQ(this->people().token_name("token:0000000000"), std::nullopt);
}

TYPED_TEST(PeopleContract, EraseAPersonAndReserveTheIds) {
  const auto first = this->author("Dana", "dana@example.com");
  const auto second = this->author("D.", "dana@home.example.com");
  this->person(record("dana", {"dana@example.com", "dana@home.example.com"}));
  const auto erin = this->person(record("erin", {"erin@example.com"}));
  for (int i = 0; i < 2; ++i) {
    const auto erased = this->people().erase(second);
    ASSERT_TRUE(erased) << erased.error().message;
    EXPECT_EQ(this->people().find(first), std::nullopt);
    EXPECT_EQ(this->people().find(second), std::nullopt);
    EXPECT_EQ(this->people().list().size(), 1U);
  }
  const auto fresh = this->person(record("dana", {"dana@example.com"}));
  EXPECT_TRUE(fresh != first && fresh != second);
  EXPECT_EQ(this->author("Erin", "erin@example.com"), erin);
}

TYPED_TEST(PeopleContract, EraseTokensAndNothingUnknown) {
  const auto id = this->people().token_id("dana laptop").value();
  ASSERT_TRUE(this->people().erase(id));
  EXPECT_EQ(this->people().token_name(id), std::nullopt);
  EXPECT_NE(this->people().token_id("dana laptop").value(), id);
  for (const auto* unknown : {"person:0000000000", "token:0000000000", ""}) {
    const auto erased = this->people().erase(unknown);
    ASSERT_FALSE(erased) << unknown;
    EXPECT_EQ(erased.error().code, ErrorCode::not_found);
  }
}

}  // namespace
}  // namespace headgate::reconciler
