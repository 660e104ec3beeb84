// Commits that Git itself signed with keys that ssh-keygen and gpg made, read by libgit2, verified by the real tools.
#include "reconciler/commit_signature.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "reconciler/git_repository.h"
#include "tests/reconciler/git_fixture.h"

namespace headgate::reconciler {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string slurp(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

class CommitSignature : public testing::Test {
 protected:
  CommitSignature() {
    std::filesystem::create_directory(gnupg_);
    std::filesystem::permissions(gnupg_, std::filesystem::perms::owner_all);
  }
  ~CommitSignature() override { run({"gpgconf", "--homedir", gnupg_.string(), "--kill", "all"}, folder_.path()); }

  std::filesystem::path at(const std::string& name) const { return folder_.path() / name; }
  void must(const std::vector<std::string>& arguments, const std::vector<std::string>& environment = {}) const {
    const auto ran = run(arguments, folder_.path(), environment);
    ASSERT_EQ(ran.exit_code, 0) << arguments[0] << ": " << ran.output;
  }

  // The text that the AccessPolicy would hold.
  std::string ssh_key(const std::string& name, const std::string& type = "ed25519") {
    must({"ssh-keygen", "-q", "-t", type, "-N", "", "-C", "somebody@example.com", "-f", at(name).string()});
    return slurp(at(name + ".pub"));
  }
  std::string gpg_key(const std::string& email, const std::vector<std::string>& time = {},
                      const std::string& expires = "never") {
    std::vector<std::string> generate{"gpg", "--batch", "--quiet", "--homedir", gnupg_.string()};
    generate.insert(generate.end(), time.begin(), time.end());
    for (const auto& word : {std::string("--passphrase"), std::string(), std::string("--quick-gen-key"),
                             "Somebody <" + email + ">", std::string("ed25519"), std::string("sign"), expires}) {
      generate.push_back(word);
    }
    must(generate);
    must({"gpg", "--batch", "--homedir", gnupg_.string(), "--armor", "--export-options", "export-minimal", "--output",
          at(email + ".asc").string(), "--export", email});
    return slurp(at(email + ".asc"));
  }

  std::string commit_by_ssh(const std::string& name) {
    return signed_commit({"-c", "gpg.format=ssh", "-c", "user.signingkey=" + at(name + ".pub").string()});
  }
  std::string commit_by_gpg(const std::string& email, const std::string& program = "gpg") {
    return signed_commit({"-c", "gpg.program=" + program, "-c", "user.signingkey=" + email},
                         {"GNUPGHOME=" + gnupg_.string()});
  }
  std::string signed_commit(std::vector<std::string> options, const std::vector<std::string>& environment = {}) {
    write_file(source_.path() / "file", "content " + std::to_string(++commits_) + "\n");
    source_.git({"add", "-A"});
    options.insert(options.begin(), "git");
    for (const auto* word : {"commit", "-q", "-S", "-m", "a change"}) options.emplace_back(word);
    const auto ran = run(options, source_.path(), environment);
    EXPECT_EQ(ran.exit_code, 0) << ran.output;
    return source_.head();
  }

  SignedCommit read(const std::string& sha) {
    GitRepositoryConfig config;
    config.name = "source";
    config.url = source_.path().string();
    config.clone = at("clone.git");
    auto repository = GitRepository::create(std::move(config));
    EXPECT_TRUE(repository);
    const auto head = (*repository)->fetch({}, 1, {});
    EXPECT_TRUE(head) << (head ? "" : head.error().message);
    auto commit = (*repository)->signed_commit(sha);
    EXPECT_TRUE(commit) << (commit ? "" : commit.error().message);
    return commit ? *commit : SignedCommit{};
  }

  static PersonKey of(const std::string& person, const std::string& text) {
    auto key = parse_signing_key(text);
    EXPECT_TRUE(key) << (key ? "" : key.error().message);
    return {person, key ? *key : SigningKey{}};
  }

  SignatureReport verify(const SignedCommit& commit, const std::vector<PersonKey>& keys) {
    auto report = verifier_.verify(commit, keys, {});
    EXPECT_TRUE(report) << (report ? "" : report.error().message);
    EXPECT_TRUE(!std::filesystem::exists(at("work")) || std::filesystem::is_empty(at("work")));
    return report ? *report : SignatureReport{};
  }

  TestFolder folder_;
  std::filesystem::path gnupg_ = at("g");
  TestRepository source_{at("source")};
  int commits_ = 0;
  ProcessRunner runner_{{.lock_directory = at("locks"), .supervisor = HEADGATE_PROCESS_HOST}};
  CommitSignatureVerifier verifier_{runner_, at("work")};
};

TEST_F(CommitSignature, BySshIsGoodAndNamesThePersonOfTheKey) {
  for (const auto* type : {"ed25519", "ecdsa", "rsa"}) {
    const auto alice = of("person:alice", ssh_key(type, type));
    const auto other = of("person:bob", ssh_key(std::string(type) + "-other"));
    const auto report = verify(read(commit_by_ssh(type)), {other, alice});
    EXPECT_EQ(report.verdict, SignatureVerdict::good) << type << ": " << report.reason;
    EXPECT_EQ(report.person, "person:alice") << type;
    EXPECT_EQ(report.key, alice.key.fingerprint) << type;
    const auto listed = run({"ssh-keygen", "-lf", at(std::string(type) + ".pub").string()}, folder_.path());
    EXPECT_THAT(listed.output, HasSubstr(alice.key.fingerprint + " ")) << type;
  }
}

TEST_F(CommitSignature, BySshWithAKeyOfNobodyIsNotGood) {
  const auto nobody = of("person:nobody", ssh_key("nobody"));
  const auto alice = of("person:alice", ssh_key("alice"));
  const auto commit = read(commit_by_ssh("nobody"));
  for (const auto& keys : {std::vector<PersonKey>{}, std::vector<PersonKey>{alice}}) {
    const auto report = verify(commit, keys);
    EXPECT_EQ(report.verdict, SignatureVerdict::unknown_key);
    EXPECT_EQ(report.person, "");
    EXPECT_EQ(report.key, nobody.key.fingerprint);
  }
}

TEST_F(CommitSignature, OfACommitThatWasAlteredIsBad) {
  const auto alice = of("person:alice", ssh_key("alice"));
  const auto bob = of("person:bob", gpg_key("bob@example.com"));
  for (auto commit : {read(commit_by_ssh("alice")), read(commit_by_gpg("bob@example.com"))}) {
    ASSERT_EQ(verify(commit, {alice, bob}).verdict, SignatureVerdict::good);
    const auto change = commit.payload.find("a change");
    ASSERT_NE(change, std::string::npos);
    commit.payload[change] = 'A';
    const auto report = verify(commit, {alice, bob});
    EXPECT_EQ(report.verdict, SignatureVerdict::bad);
    EXPECT_EQ(report.person, "");
    EXPECT_THAT(report.reason, HasSubstr("does not fit"));
  }
}

TEST_F(CommitSignature, WithoutOneTheCommitIsUnsigned) {
  const auto alice = of("person:alice", ssh_key("alice"));
  const auto report = verify(read(source_.commit_file("file", "plain\n")), {alice});
  EXPECT_EQ(report.verdict, SignatureVerdict::unsigned_);
}

TEST_F(CommitSignature, ByOpenPgpIsGoodAndNamesThePersonOfTheKey) {
  const auto bob = of("person:bob", gpg_key("bob@example.com"));
  const auto carol = of("person:carol", gpg_key("carol@example.com"));
  const auto report = verify(read(commit_by_gpg("bob@example.com")), {carol, bob});
  EXPECT_EQ(report.verdict, SignatureVerdict::good) << report.reason;
  EXPECT_EQ(report.person, "person:bob");
  EXPECT_EQ(report.key, bob.key.fingerprint);
  const auto listed =
      run({"gpg", "--homedir", gnupg_.string(), "--with-colons", "--list-keys", "bob@example.com"}, folder_.path());
  EXPECT_THAT(listed.output, HasSubstr("fpr:::::::::" + bob.key.fingerprint + ":"));
}

TEST_F(CommitSignature, ByOpenPgpWithAKeyOfNobodyIsNotGood) {
  const auto nobody = of("person:nobody", gpg_key("nobody@example.com"));
  const auto bob = of("person:bob", gpg_key("bob@example.com"));
  const auto commit = read(commit_by_gpg("nobody@example.com"));
  for (const auto& keys : {std::vector<PersonKey>{}, std::vector<PersonKey>{bob}}) {
    const auto report = verify(commit, keys);
    EXPECT_EQ(report.verdict, SignatureVerdict::unknown_key) << report.reason;
    EXPECT_EQ(report.key, nobody.key.fingerprint);
  }
}

TEST_F(CommitSignature, ByAnOpenPgpKeyThatHasExpiredIsNotGood) {
  const auto bob = of("person:bob", gpg_key("bob@example.com", {"--faked-system-time", "20200101T000000"}, "10d"));
  // Signed while it was valid: whoever holds the key can still set any clock.
  write_file(at("old-gpg"), "#!/bin/sh\nexec gpg --faked-system-time 20200102T000000 \"$@\"\n");
  std::filesystem::permissions(at("old-gpg"), std::filesystem::perms::owner_all);
  const auto report = verify(read(commit_by_gpg("bob@example.com", at("old-gpg").string())), {bob});
  EXPECT_EQ(report.verdict, SignatureVerdict::expired_key) << report.reason;
  EXPECT_EQ(report.key, bob.key.fingerprint);
  EXPECT_EQ(report.person, "");
}

TEST_F(CommitSignature, OfAnotherKindOrOfNoSenseIsBad) {
  const auto alice = of("person:alice", ssh_key("alice"));
  SignedCommit commit{"tree 0\n", "-----BEGIN SIGNED MESSAGE-----\nMII\n-----END SIGNED MESSAGE-----\n"};
  EXPECT_EQ(verify(commit, {alice}).verdict, SignatureVerdict::bad);
  commit.signature = "-----BEGIN SSH SIGNATURE-----\nbm9uc2Vuc2U=\n-----END SSH SIGNATURE-----\n";
  EXPECT_EQ(verify(commit, {alice}).verdict, SignatureVerdict::bad);
  commit.signature = "-----BEGIN PGP SIGNATURE-----\n\nbm9uc2Vuc2U=\n-----END PGP SIGNATURE-----\n";
  EXPECT_EQ(verify(commit, {alice}).verdict, SignatureVerdict::bad);
  commit.signature = std::string(100'000, 'x');
  EXPECT_EQ(verify(commit, {alice}).verdict, SignatureVerdict::bad);
}

TEST_F(CommitSignature, WithoutTheToolNothingIsLearnt) {
  CommitSignatureVerifier without(runner_, at("work"), {.ssh_keygen = "/nonexistent/ssh-keygen", .gpgv = "/bin/sh"});
  ssh_key("alice");
  const auto report = without.verify(read(commit_by_ssh("alice")), {}, {});
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error().message, HasSubstr("/nonexistent/ssh-keygen"));
}

TEST_F(CommitSignature, OfACommitThatIsNotAtHandIsNotFound) {
  GitRepositoryConfig config;
  config.name = "source";
  config.url = source_.path().string();
  config.clone = at("clone.git");
  source_.commit_file("file", "plain\n");
  auto repository = GitRepository::create(std::move(config));
  ASSERT_TRUE(repository);
  ASSERT_TRUE((*repository)->fetch({}, 1, {}));
  const auto commit = (*repository)->signed_commit(std::string(40, 'a'));
  ASSERT_FALSE(commit);
  EXPECT_EQ(commit.error().code, ErrorCode::not_found);
}

TEST_F(CommitSignature, HistoryHoldsWhatTheNewerCommitAdds) {
  std::vector<std::string> commits;
  for (const auto* content : {"1\n", "2\n", "3\n"}) commits.push_back(source_.commit_file("file", content));
  GitRepositoryConfig config;
  config.name = "source";
  config.url = source_.path().string();
  config.clone = at("clone.git");
  auto repository = GitRepository::create(std::move(config));
  ASSERT_TRUE(repository);
  ASSERT_TRUE((*repository)->fetch({}, 1, {}));
  const auto shas = [](const Result<Head>& head) {
    std::vector<std::string> list;
    if (head) {
      for (const auto& commit : head->commits) list.push_back(commit.sha);
    }
    return list;
  };
  EXPECT_EQ(shas((*repository)->history(commits[0], commits[2], 10)), (std::vector{commits[1], commits[2]}));
  EXPECT_EQ(shas((*repository)->history("", commits[2], 10)), std::vector{commits[2]});
  EXPECT_EQ(shas((*repository)->history(commits[2], commits[0], 10)), std::vector<std::string>{});
  const auto bounded = (*repository)->history(commits[0], commits[2], 1);
  EXPECT_EQ(shas(bounded), std::vector{commits[2]});
  EXPECT_EQ(bounded->commit_count, 2U);
  EXPECT_EQ((*repository)->history(std::string(40, 'a'), commits[0], 1).error().code, ErrorCode::not_found);
}

TEST_F(CommitSignature, WhatACrashLeftGoesAtTheNextStart) {
  std::filesystem::create_directories(at("work") / "signature-abc123");
  std::filesystem::create_directory(at("work") / "other");
  write_file(at("work") / "signature-abc123" / "commit", "author Alice <alice@example.com>");
  const CommitSignatureVerifier started(runner_, at("work"));
  EXPECT_FALSE(std::filesystem::exists(at("work") / "signature-abc123"));
  EXPECT_TRUE(std::filesystem::exists(at("work") / "other"));
}

TEST_F(CommitSignature, KeysThatAreNoneAreRefusedWithoutRepeatingThem) {
  const auto good = ssh_key("alice");
  const auto block = gpg_key("bob@example.com");
  const auto two = block + gpg_key("carol@example.com");
  must({"gpg", "--batch", "--homedir", gnupg_.string(), "--armor", "--output", at("secret.asc").string(),
        "--export-secret-keys", "bob@example.com"});
  auto altered = block;
  altered[block.size() / 2] = '*';
  for (const auto& [text, why] :
       std::vector<std::pair<std::string, std::string>>{{"", "type"},
                                                        {"ssh-ed25519", "type"},
                                                        {"ssh-dss AAAAB3NzaC1kc3M=", "type"},
                                                        {"ssh-ed25519 ****", "base64"},
                                                        {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5", "cut short"},
                                                        {"ssh-ed25519 AAAAC3NzaC1lZDI1NTF=", "base64"},
                                                        {"ssh-rsa" + good.substr(good.find(' ')), "not of the type"},
                                                        {good + good, "neither a line of SSH"},
                                                        {"E09EFC438ED131029B6C82B441B6223A94DE8115", "type"},
                                                        {two, "damaged"},
                                                        {altered, "damaged"},
                                                        {block.substr(0, block.size() - 40), "damaged"},
                                                        {slurp(at("secret.asc")), "private key"},
                                                        {std::string(10'000, 'x'), "bytes"}}) {
    const auto key = parse_signing_key(text);
    ASSERT_FALSE(key) << text;
    EXPECT_THAT(key.error().message, HasSubstr(why)) << text;
    if (text.size() > 40) {
      EXPECT_THAT(key.error().message, Not(HasSubstr(text.substr(20, 20))));
    }
  }
}

}  // namespace
}  // namespace headgate::reconciler
