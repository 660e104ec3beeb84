#include "store/people_directory.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <set>
#include <thread>

#include "store/files.h"
#include "tests/store/temp_dir.h"

namespace headgate::store {
namespace {

std::unique_ptr<PeopleDirectory> open_people(const TempDir& dir) {
  auto people = PeopleDirectory::open(dir / "people");
  if (!people) throw std::runtime_error(people.error().message);
  return std::move(*people);
}

PersonRecord record(std::string name, std::vector<std::string> emails, std::vector<std::string> oidc = {},
                    std::vector<std::string> keys = {}) {
  return {"", std::move(name), std::move(emails), std::move(oidc), std::move(keys)};
}

// The id of somebody whom a policy in force names.
Result<std::string> in_force(People& people, const PersonRecord& person) {
  HEADGATE_TRY(const auto ids, people.claim(person));
  HEADGATE_TRY_VOID(people.join(ids));
  return ids.id;
}

std::filesystem::path file_of(const TempDir& dir, const std::string& id, const std::string& extension = ".json") {
  return dir / "people" / (id.substr(id.find(':') + 1) + extension);
}

mode_t mode_of(const std::filesystem::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

bool is_random_id(std::string_view id, std::string_view prefix) {
  return id.starts_with(prefix) && id.size() == prefix.size() + 10 &&
         id.substr(prefix.size()).find_first_not_of("0123456789abcdefghjkmnpqrstvwxyz") == std::string_view::npos;
}

// Whether any file under `dir` holds these bytes.
bool holds(const std::filesystem::path& dir, std::string_view bytes) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir)) {
    if (entry.is_regular_file() && read_file(entry.path(), 1 << 24).value().find(bytes) != std::string::npos)
      return true;
  }
  return false;
}

TEST(PeopleDirectory, KnowsAPersonByAnyIdentity) {
  const TempDir dir;
  const auto people = open_people(dir);
  const auto id = in_force(*people, record("dana", {"dana@example.com"}, {"https://id.example.com#7"}, {"SHA256:abc"}));
  HEADGATE_ASSERT_OK(id);
  EXPECT_TRUE(is_random_id(*id, "person:")) << *id;
  EXPECT_EQ(in_force(*people, record("dana", {})), id);
  EXPECT_EQ(in_force(*people, record("", {"DANA@Example.com"})), id);
  EXPECT_EQ(in_force(*people, record("", {}, {"https://id.example.com#7"})), id);
  EXPECT_EQ(in_force(*people, record("", {}, {}, {"SHA256:abc"})), id);
  EXPECT_EQ(people->person_by_email("D. Example", "Dana@example.com"), id);
  EXPECT_NE(in_force(*people, record("erin", {"erin@example.com"})), id);
  EXPECT_EQ(people->list().size(), 2U);
  EXPECT_EQ(people->find(*id)->name, "dana");
  EXPECT_EQ(people->find(*id)->emails, std::vector<std::string>{"dana@example.com"});
  EXPECT_EQ(people->find("person:0000000000"), std::nullopt);
}

TEST(PeopleDirectory, ExtendsAPersonAndKeepsItOverAReopen) {
  const TempDir dir;
  std::string id;
  {
    const auto people = open_people(dir);
    const auto author = people->person_by_email("Dana Example", "dana@example.com").value();
    id = in_force(*people, record("dana", {"dana@example.com", "d@example.org"}, {"issuer#7"})).value();
    EXPECT_EQ(people->find(author)->id, id);
  }
  const auto people = open_people(dir);
  const auto found = people->find(id);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->id, id);
  EXPECT_EQ(found->name, "dana");
  EXPECT_EQ(found->emails, (std::vector<std::string>{"dana@example.com", "d@example.org"}));
  EXPECT_EQ(found->oidc, std::vector<std::string>{"issuer#7"});
  for (const auto& known : {record("dana", {}), record("", {"D@EXAMPLE.ORG"}), record("", {}, {"issuer#7"})}) {
    EXPECT_EQ(in_force(*people, known), id);
  }
}

TEST(PeopleDirectory, NeverJoinsAnAuthorByTheNameOfACommit) {
  const TempDir dir;
  const auto people = open_people(dir);
  const auto forged = people->person_by_email("dana", "mallory@example.com");
  const auto dana = in_force(*people, record("dana", {"dana@example.com"}));
  HEADGATE_ASSERT_OK(dana);
  EXPECT_NE(dana, forged);
  EXPECT_NE(people->person_by_email("dana", "second@example.com"), dana);
  EXPECT_EQ(people->find(*dana)->emails, std::vector<std::string>{"dana@example.com"});
  const auto again = open_people(dir);
  EXPECT_EQ(in_force(*again, record("dana", {})), dana);
}

TEST(PeopleDirectory, ForgetsTheOldNameOfARenamedPerson) {
  const TempDir dir;
  const auto people = open_people(dir);
  const auto id = in_force(*people, record("dana", {"dana@example.com"}));
  EXPECT_EQ(in_force(*people, record("dana-l", {"dana@example.com"})), id);
  EXPECT_NE(in_force(*people, record("dana", {"other@example.com"})), id);
  EXPECT_EQ(in_force(*people, record("dana-l", {})), id);
}

TEST(PeopleDirectory, JoinsThoseWhomOnlyCommitsNamedWhenThePolicySaysThatTheyAreOne) {
  const TempDir dir;
  std::string first;
  std::string second;
  std::string dana;
  {
    const auto people = open_people(dir);
    first = people->person_by_email("Dana", "dana@example.com").value();
    second = people->person_by_email("D.", "dana@home.example.com").value();
    dana = in_force(*people, record("dana", {"dana@example.com", "dana@home.example.com"})).value();
    EXPECT_EQ(people->person_by_email("D.", "dana@home.example.com"), dana);
  }
  const auto people = open_people(dir);
  EXPECT_EQ(people->find(dana)->also, (std::vector{first, second}));
  EXPECT_EQ(people->find(first)->id, dana);
  EXPECT_EQ(people->list().size(), 1U);
  EXPECT_EQ(people->person_by_email("D.", "dana@home.example.com"), dana);
  ASSERT_TRUE(people->erase(second));
  EXPECT_FALSE(people->find(dana));
  EXPECT_FALSE(people->find(second));
  const auto again = open_people(dir);
  EXPECT_TRUE(again->list().empty());
  EXPECT_NE(again->person_by_email("D.", "dana@home.example.com"), dana);
}

TEST(PeopleDirectory, FinishesToJoinThemWhenItIsOpenedAfterACrash) {
  const TempDir dir;
  std::string left;
  std::string dana;
  {
    const auto people = open_people(dir);
    left = people->person_by_email("Dana", "dana@example.com").value();
    std::filesystem::copy_file(file_of(dir, left), dir / "left");
    dana = in_force(*people, record("dana", {"dana@example.com", "dana@home.example.com"})).value();
    std::filesystem::copy_file(dir / "left", file_of(dir, left));
  }
  const auto people = open_people(dir);
  EXPECT_EQ(people->list().size(), 1U);
  EXPECT_EQ(people->find(left)->id, dana);
}

TEST(PeopleDirectory, RefusesToJoinTwoPeopleAndNamesNoneOfThem) {
  const TempDir dir;
  const auto people = open_people(dir);
  const auto first = in_force(*people, record("dana", {"dana@example.com"})).value();
  const auto second = in_force(*people, record("erin", {"erin@example.com"})).value();
  const auto joined = in_force(*people, record("dana", {"erin@example.com"}));
  HEADGATE_EXPECT_ERROR(joined, ErrorCode::conflict);
  const auto& message = joined.error().message;
  EXPECT_NE(message.find(first), std::string::npos) << message;
  EXPECT_NE(message.find(second), std::string::npos) << message;
  EXPECT_EQ(message.find("erin"), std::string::npos) << message;
  EXPECT_EQ(people->find(first)->emails.size(), 1U);
}

TEST(PeopleDirectory, RefusesRecordsThatSayNothingOrTooMuch) {
  const TempDir dir;
  const auto people = open_people(dir);
  HEADGATE_EXPECT_ERROR(in_force(*people, {}), ErrorCode::invalid_input);
  HEADGATE_EXPECT_ERROR(in_force(*people, record("dana", {""})), ErrorCode::invalid_input);
  HEADGATE_EXPECT_ERROR(in_force(*people, record("d\xff", {})), ErrorCode::invalid_input);
  HEADGATE_EXPECT_ERROR(in_force(*people, record(std::string(2000, 'd'), {})), ErrorCode::invalid_input);
  std::vector<std::string> many;
  for (std::size_t i = 0; i <= PeopleDirectory::kMaxIdentities; ++i) many.push_back(std::to_string(i) + "@example.com");
  HEADGATE_EXPECT_ERROR(in_force(*people, record("dana", many)), ErrorCode::too_large);
  HEADGATE_EXPECT_ERROR(people->token_id(""), ErrorCode::invalid_input);
  EXPECT_TRUE(people->list().empty());
}

TEST(PeopleDirectory, TakesWhateverACommitCallsItsAuthor) {
  const TempDir dir;
  const std::pair<std::string, std::string> authors[] = {{"Ren\xe9", "ren\xe9@example.com"},
                                                         {"", ""},
                                                         {"Nobody", ""},
                                                         {std::string(5000, 'x'), std::string(5000, 'y')},
                                                         {"quote\"\\\n", "line\nbreak"},
                                                         {"\xe6\x9d\x8e", "\xe6\x9d\x8e@example.com"}};
  std::set<std::string> ids;
  {
    const auto people = open_people(dir);
    for (const auto& [name, email] : authors) {
      const auto id = people->person_by_email(name, email);
      HEADGATE_ASSERT_OK(id);
      ids.insert(*id);
    }
  }
  EXPECT_EQ(ids.size(), std::size(authors));
  const auto people = open_people(dir);
  for (const auto& [name, email] : authors) EXPECT_TRUE(ids.contains(people->person_by_email(name, email).value()));
}

TEST(PeopleDirectory, KeepsNamesOfTokens) {
  const TempDir dir;
  std::string id;
  {
    const auto people = open_people(dir);
    id = people->token_id("dana laptop").value();
    EXPECT_TRUE(is_random_id(id, "token:")) << id;
    EXPECT_EQ(people->token_id("dana laptop"), id);
    EXPECT_NE(people->token_id("ci"), id);
  }
  const auto people = open_people(dir);
  EXPECT_EQ(people->token_name(id), "dana laptop");
  EXPECT_EQ(people->token_id("dana laptop"), id);
  EXPECT_EQ(people->token_name("token:0000000000"), std::nullopt);
  EXPECT_EQ(mode_of(dir / "people" / "tokens" / (id.substr(6) + ".json")), 0600U);
}

TEST(PeopleDirectory, LetsNobodyElseRead) {
  const TempDir dir;
  const auto people = open_people(dir);
  const auto id = in_force(*people, record("dana", {"dana@example.com"})).value();
  EXPECT_EQ(mode_of(dir / "people"), 0700U);
  EXPECT_EQ(mode_of(dir / "people" / "tokens"), 0700U);
  EXPECT_EQ(mode_of(file_of(dir, id)), 0600U);
}

TEST(PeopleDirectory, ErasesAPersonAndReservesTheId) {
  const TempDir dir;
  auto people = open_people(dir);
  const auto id = in_force(*people, record("dana", {"dana@example.com"})).value();
  const auto erin = in_force(*people, record("erin", {"erin@example.com"})).value();
  std::filesystem::create_hard_link(file_of(dir, id), dir / "people" / "witness");
  HEADGATE_ASSERT_OK(people->erase(id));
  EXPECT_FALSE(holds(dir.path(), "dana")) << "the bytes outlived the erasure";
  EXPECT_TRUE(holds(dir.path(), "erin@example.com"));
  EXPECT_FALSE(std::filesystem::exists(file_of(dir, id)));
  EXPECT_EQ(std::filesystem::file_size(file_of(dir, id, ".erased")), 0U);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(people->find(id), std::nullopt);
    EXPECT_EQ(people->list().size(), 1U);
    HEADGATE_ASSERT_OK(people->erase(id));
    people = open_people(dir);
  }
  const auto fresh = in_force(*people, record("dana", {"dana@example.com"}));
  HEADGATE_ASSERT_OK(fresh);
  EXPECT_NE(*fresh, id);
  EXPECT_EQ(people->person_by_email("Erin", "erin@example.com"), erin);
}

TEST(PeopleDirectory, ErasesTheOlderVersionsToo) {
  const TempDir dir;
  const auto people = open_people(dir);
  const auto id = in_force(*people, record("dana", {"dana@example.com"})).value();
  std::filesystem::create_hard_link(file_of(dir, id), dir / "witness");  // the version that the next change replaces
  HEADGATE_ASSERT_OK(in_force(*people, record("dana", {"second@example.com"})));
  EXPECT_EQ(read_file(dir / "witness", 10'000).value().find_first_not_of('\0'), std::string::npos);
}

TEST(PeopleDirectory, ErasesWhatIsLeftOfThoseWhoWereJoined) {
  const TempDir dir;
  const auto people = open_people(dir);
  const auto first = people->person_by_email("Dana", "dana@example.com").value();
  const auto dana = in_force(*people, record("dana", {"dana@example.com", "dana@home.example.com"})).value();
  write_plain(file_of(dir, first), R"({"name":"Dana"})");  // as after a failure to remove it
  HEADGATE_ASSERT_OK(people->erase(dana));
  EXPECT_FALSE(std::filesystem::exists(file_of(dir, first)));
  EXPECT_FALSE(holds(dir.path(), "ana"));
}

TEST(PeopleDirectory, ErasesTokens) {
  const TempDir dir;
  auto people = open_people(dir);
  const auto id = people->token_id("dana laptop").value();
  HEADGATE_ASSERT_OK(people->erase(id));
  people = open_people(dir);
  EXPECT_EQ(people->token_name(id), std::nullopt);
  EXPECT_FALSE(holds(dir.path(), "dana"));
  EXPECT_NE(people->token_id("dana laptop").value(), id);
  for (const char* unknown : {"person:0000000000", "token:0000000000", "", "person:", "dana", "person:../../x"}) {
    HEADGATE_EXPECT_ERROR(people->erase(unknown), ErrorCode::not_found);
  }
}

TEST(PeopleDirectory, FinishesAnErasureThatACrashInterrupted) {
  const TempDir dir;
  std::string id;
  {
    const auto people = open_people(dir);
    id = in_force(*people, record("dana", {"dana@example.com"})).value();
  }
  write_plain(file_of(dir, id, ".erased"), "");
  const auto left = write_temporary(dir / "people", R"({"name":"dana"})", 0600);
  HEADGATE_ASSERT_OK(left);
  const auto people = open_people(dir);
  EXPECT_EQ(people->find(id), std::nullopt);
  EXPECT_FALSE(holds(dir.path(), "dana"));
  EXPECT_FALSE(std::filesystem::exists(*left));
}

TEST(PeopleDirectory, NamesADamagedFileAndNotItsContents) {
  const TempDir dir;
  std::string id;
  {
    const auto people = open_people(dir);
    id = in_force(*people, record("dana", {"dana@example.com"})).value();
  }
  const auto whole = read_file(file_of(dir, id), 10'000).value();
  for (const auto& bad : {std::string(), whole.substr(0, whole.size() / 2), std::string(100, '\0'), std::string("[]"),
                          std::string(R"({"name":"dana"})"),
                          std::string(R"({"name":"dana","named":true,"emails":[7],"oidc":[],"signing_keys":[]})")}) {
    write_plain(file_of(dir, id), bad);
    const auto people = PeopleDirectory::open(dir / "people");
    HEADGATE_EXPECT_ERROR(people, ErrorCode::corrupt);
    EXPECT_NE(people.error().message.find(file_of(dir, id).string()), std::string::npos);
    EXPECT_EQ(people.error().message.find("dana"), std::string::npos);
  }
  write_plain(file_of(dir, id), whole);
  write_plain(dir / "people" / "0123456789.json", whole);
  HEADGATE_EXPECT_ERROR(PeopleDirectory::open(dir / "people"), ErrorCode::corrupt);
}

TEST(PeopleDirectory, GivesOneIdToOneAuthorOnManyThreads) {
  const TempDir dir;
  const auto people = open_people(dir);
  std::vector<std::vector<std::string>> ids(4);
  std::vector<std::thread> threads;
  for (auto& own : ids) {
    threads.emplace_back([&] {
      for (int i = 0; i < 30; ++i) {
        own.push_back(people->person_by_email("A", std::to_string(i) + "@example.com").value_or(""));
        if (!people->find(own.back())) own.back() = "lost";
        (void)people->list();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(std::set<std::string>(ids[0].begin(), ids[0].end()).size(), 30U);
  for (const auto& own : ids) EXPECT_EQ(own, ids[0]);
  EXPECT_EQ(people->list().size(), 30U);
}

}  // namespace
}  // namespace headgate::store
