#include "store/blob_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>
#include <vector>

#include "engine/base/digest.h"
#include "store/files.h"
#include "tests/store/temp_dir.h"

namespace headgate::store {
namespace {

std::unique_ptr<BlobStore> open_store(const TempDir& dir) {
  auto store = BlobStore::open(dir / "blobs");
  if (!store) throw std::runtime_error(store.error().message);
  return std::move(*store);
}

std::filesystem::path file_of(const TempDir& dir, std::string_view bytes) {
  const auto text = hex(sha256(bytes));
  return dir / "blobs" / text.substr(0, 2) / text.substr(2);
}

TEST(BlobStore, GivesBackWhatWasPut) {
  const TempDir dir;
  const auto store = open_store(dir);
  for (const auto& bytes : {std::string(), std::string("output\n"), std::string(300'000, '\xff')}) {
    const auto ref = store->put(bytes, "text/plain");
    HEADGATE_ASSERT_OK(ref);
    EXPECT_EQ(ref->digest, digest_text(sha256(bytes)));
    EXPECT_EQ(ref->size, bytes.size());
    EXPECT_EQ(ref->media_type, "text/plain");
    EXPECT_EQ(store->get(ref->digest), bytes);
    EXPECT_EQ(read_file(file_of(dir, bytes), bytes.size()), bytes);
  }
  EXPECT_EQ(open_store(dir)->get(digest_text(sha256(std::string_view("output\n")))), "output\n");
}

TEST(BlobStore, StoresTheSameBytesOnce) {
  const TempDir dir;
  const auto store = open_store(dir);
  HEADGATE_ASSERT_OK(store->put("same", "text/plain"));
  struct stat first {
  }, second{};
  ASSERT_EQ(::stat(file_of(dir, "same").c_str(), &first), 0);
  const auto ref = store->put("same", "application/json");
  HEADGATE_ASSERT_OK(ref);
  EXPECT_EQ(ref->media_type, "application/json");
  ASSERT_EQ(::stat(file_of(dir, "same").c_str(), &second), 0);
  EXPECT_EQ(first.st_ino, second.st_ino);
}

TEST(BlobStore, TellsDamageAndMendsItWhenTheBytesComeAgain) {
  const TempDir dir;
  const auto store = open_store(dir);
  const auto digest = store->put("evidence", "text/plain").value().digest;
  for (const char* damage : {"evidencf", "evidenc", "evidence and more", ""}) {
    write_plain(file_of(dir, "evidence"), damage);
    const auto read = store->get(digest);
    HEADGATE_EXPECT_ERROR(read, ErrorCode::corrupt);
    EXPECT_NE(read.error().message.find(file_of(dir, "evidence").string()), std::string::npos);
    HEADGATE_ASSERT_OK(store->put("evidence", "text/plain"));
    EXPECT_EQ(store->get(digest), "evidence");
  }
}

TEST(BlobStore, RefusesWhatIsNoDigestAndWhatItDoesNotHave) {
  const TempDir dir;
  const auto store = open_store(dir);
  HEADGATE_EXPECT_ERROR(store->get(digest_text(sha256(std::string_view("absent")))), ErrorCode::not_found);
  for (const auto& bad : {std::string(), std::string("../../etc/passwd"), std::string("sha256:../../etc/passwd"),
                          "sha256:" + std::string(63, 'a'), "sha256:" + std::string(64, 'A')}) {
    HEADGATE_EXPECT_ERROR(store->get(bad), ErrorCode::invalid_input);
  }
  HEADGATE_EXPECT_ERROR(store->put(std::string(BlobStore::kMaxBlobBytes + 1, 'x'), "text/plain"), ErrorCode::too_large);
}

TEST(BlobStore, ClearsWhatACrashLeftUnfinished) {
  const TempDir dir;
  open_store(dir);
  const auto left = write_temporary(dir / "blobs" / "unfinished", "half", 0600);
  HEADGATE_ASSERT_OK(left);
  open_store(dir);
  EXPECT_FALSE(std::filesystem::exists(*left));
}

TEST(BlobStore, TakesTheSameAndOtherBytesFromManyThreads) {
  const TempDir dir;
  const auto store = open_store(dir);
  std::vector<int> wrong(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 40; ++i) {
        const auto bytes = "blob " + std::to_string(i % 20);
        const auto ref = store->put(bytes, "text/plain");
        if (!ref || store->get(ref->digest) != bytes) ++wrong[t];
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4));
}

}  // namespace
}  // namespace headgate::store
