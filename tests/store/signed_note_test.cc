#include "store/signed_note.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstring>

#include "engine/base/base64.h"
#include "store/files.h"
#include "tests/store/temp_dir.h"

extern char** environ;

namespace headgate::store {
namespace {

// Exit status of a program found in PATH, its output thrown away; -1 when it did not run.
int run(std::vector<std::string> arguments) {
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  pid_t pid = 0;
  const int spawned = ::posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  if (spawned != 0 || ::waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

std::string bytes_of(const Signature& signature) {
  return {signature.begin(), signature.end()};
}

SigningKey new_key(std::string name = "headgate.example.com/log") {
  auto key = SigningKey::generate(std::move(name));
  if (!key) throw std::runtime_error(key.error().message);
  return std::move(*key);
}

TEST(VerifierKey, ReadsTheExampleOfTheGoPackage) {
  // From the documentation of golang.org/x/mod/sumdb/note.
  const auto key = VerifierKey::parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
  HEADGATE_ASSERT_OK(key);
  EXPECT_EQ(key->name(), "PeterNeumann");
  EXPECT_EQ(key->text(), "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
  const std::string note =
      "If you think cryptography is the answer to your problem,\n"
      "then you don't know what your problem is.\n"
      "\n"
      "\xe2\x80\x94 PeterNeumann "
      "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
  const auto text = open_note(note, *key);
  HEADGATE_ASSERT_OK(text);
  EXPECT_EQ(*text, note.substr(0, note.find("\n\n") + 1));
}

TEST(VerifierKey, RefusesTextsThatAreNoKey) {
  const auto good = new_key().verifier().text();
  HEADGATE_ASSERT_OK(VerifierKey::parse(good));
  auto other_id = good;
  auto& digit = other_id[good.find('+') + 1];
  digit = digit == '0' ? '1' : '0';
  const auto data = good.substr(good.rfind('+') + 1);
  for (const auto& bad :
       {std::string(), std::string("name"), std::string("name+00000000"), std::string("+++"), "other" + good, other_id,
        good + "=", good.substr(0, good.size() - 4), "a b+00000000+" + data, "+00000000+" + data}) {
    HEADGATE_EXPECT_ERROR(VerifierKey::parse(bad), ErrorCode::invalid_input);
  }
}

TEST(SigningKey, ComesBackFromItsFile) {
  const TempDir dir;
  const auto key = new_key();
  HEADGATE_ASSERT_OK(key.save(dir / "log.key"));
  struct stat status {};
  ASSERT_EQ(::stat((dir / "log.key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
  const auto loaded = SigningKey::load(dir / "log.key");
  HEADGATE_ASSERT_OK(loaded);
  EXPECT_EQ(loaded->verifier(), key.verifier());
  EXPECT_EQ(loaded->sign("text"), key.sign("text"));  // Ed25519 is deterministic
  HEADGATE_EXPECT_ERROR(new_key().save(dir / "log.key"), ErrorCode::conflict);
  EXPECT_EQ(SigningKey::load(dir / "log.key")->verifier(), key.verifier());
}

TEST(SigningKey, RefusesFilesThatHoldNoKeyOrThatOthersMayRead) {
  const TempDir dir;
  const auto path = dir / "log.key";
  HEADGATE_EXPECT_ERROR(SigningKey::load(path), ErrorCode::not_found);
  HEADGATE_ASSERT_OK(new_key().save(path));
  const auto line = *read_file(path, 1024);
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  HEADGATE_EXPECT_ERROR(SigningKey::load(path), ErrorCode::invalid_input);
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  for (std::size_t i = 0; i + 1 < line.size(); ++i) {
    auto altered = line;
    altered[i] = altered[i] == 'A' ? 'B' : 'A';
    write_plain(path, altered);
    const auto loaded = SigningKey::load(path);
    HEADGATE_EXPECT_ERROR(loaded, ErrorCode::corrupt);
    EXPECT_NE(loaded.error().message.find(path.string()), std::string::npos);
  }
  for (const auto& bad : {std::string(), std::string("\n"), line + line, line.substr(0, 30)}) {
    write_plain(path, bad);
    HEADGATE_EXPECT_ERROR(SigningKey::load(path), ErrorCode::corrupt);
  }
}

TEST(SigningKey, RefusesNamesThatANoteCannotHold) {
  for (const char* bad : {"", "a+b", "a b", "a\nb",
                          "a\xc2\xa0"
                          "b"}) {
    HEADGATE_EXPECT_ERROR(SigningKey::generate(bad), ErrorCode::invalid_input);
  }
  HEADGATE_EXPECT_ERROR(SigningKey::generate(std::string(256, 'a')), ErrorCode::invalid_input);
}

TEST(SignedNote, IsVerifiedByTheOpensslProgram) {
  const TempDir dir;
  const auto key = new_key();
  const auto note = parse_note(sign_note("headgate.example.com/log\n1\nroot\n", key));
  HEADGATE_ASSERT_OK(note);
  ASSERT_EQ(note->signatures.size(), 1U);
  // SubjectPublicKeyInfo of RFC 8410: a fixed head, then the 32 bytes.
  const std::string head("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12);
  const auto& bytes = key.verifier().public_key();
  write_plain(dir / "public.der", head + std::string(bytes.begin(), bytes.end()));
  write_plain(dir / "text", note->text);
  write_plain(dir / "signature", note->signatures[0].bytes);
  const auto verify = [&] {
    return run({"openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey", dir / "public.der",
                "-in", dir / "text", "-sigfile", dir / "signature"});
  };
  EXPECT_EQ(verify(), 0);
  write_plain(dir / "text", "another\n1\nroot\n");
  EXPECT_EQ(verify(), 1);
}

TEST(SignedNote, RefusesEveryAlteredByte) {
  const auto key = new_key("k");
  const auto note = sign_note("origin\n5\nroot\n", key);
  EXPECT_EQ(*open_note(note, key.verifier()), "origin\n5\nroot\n");
  for (std::size_t i = 0; i < note.size(); ++i) {
    for (const int flip : {0x01, 0x20, 0x80}) {
      auto altered = note;
      altered[i] = static_cast<char>(altered[i] ^ flip);
      EXPECT_FALSE(open_note(altered, key.verifier()).has_value()) << "byte " << i << " flipped by " << flip;
    }
    EXPECT_FALSE(open_note(note.substr(0, i), key.verifier()).has_value()) << "cut at " << i;
  }
}

TEST(SignedNote, LooksForTheSignatureOfTheGivenKeyAmongOthers) {
  const auto key = new_key("log");
  const auto witness = new_key("witness");
  const auto twin = new_key("log");  // same name, other key
  const std::string text = "origin\n5\nroot\n";
  auto note = sign_note(text, witness);
  HEADGATE_EXPECT_ERROR(open_note(note, key.verifier()), ErrorCode::corrupt);
  note += sign_note(text, key).substr(text.size() + 1);
  EXPECT_EQ(open_note(note, key.verifier()), text);
  EXPECT_EQ(open_note(note, witness.verifier()), text);
  HEADGATE_EXPECT_ERROR(open_note(note, twin.verifier()), ErrorCode::corrupt);
}

TEST(SignedNote, KeepsEmptyLinesOfItsText) {
  const auto key = new_key("log");
  const std::string text = "first\n\nsecond\n";
  EXPECT_EQ(open_note(sign_note(text, key), key.verifier()), text);
}

TEST(SignedNote, RefusesTextsThatAreNoNote) {
  const std::string signature = "\xe2\x80\x94 log " + encode_base64(std::string(68, 's')) + "\n";
  HEADGATE_ASSERT_OK(parse_note("text\n\n" + signature));
  std::string many = "text\n\n";
  for (std::size_t i = 0; i <= kMaxNoteSignatures; ++i) many += signature;
  for (const auto& bad :
       {std::string(), std::string("\n"), std::string("\n\n"), std::string("text\n"), std::string("text\n\n"),
        "text\n" + signature, "text\n\n" + signature.substr(0, signature.size() - 1), many, "te\txt\n\n" + signature,
        "te\xff\n\n" + signature, "text\n\n- log " + signature.substr(8), std::string("text\n\n\xe2\x80\x94 log\n"),
        std::string("text\n\n\xe2\x80\x94  AAAAAAAA\n"), std::string("text\n\n\xe2\x80\x94 log AAAA\n"),
        std::string("text\n\n\xe2\x80\x94 log !!!!\n")}) {
    HEADGATE_EXPECT_ERROR(parse_note(bad), ErrorCode::invalid_input);
  }
  HEADGATE_EXPECT_ERROR(parse_note(std::string(kMaxNoteBytes, 'a') + "\n\n" + signature), ErrorCode::too_large);
}

TEST(SignedNote, SignsTheTextUpToItsLastNewline) {
  const auto key = new_key();
  const auto note = parse_note(sign_note("origin\n5\nroot\n", key));
  HEADGATE_ASSERT_OK(note);
  EXPECT_EQ(note->signatures[0].bytes, bytes_of(key.sign("origin\n5\nroot\n")));
  EXPECT_EQ(note->signatures[0].id, key.verifier().id());
}

}  // namespace
}  // namespace headgate::store
