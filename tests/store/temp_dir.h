// A folder of one test, removed with everything in it at the end.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

namespace headgate::store {

class TempDir {
 public:
  TempDir() {
    auto pattern = (std::filesystem::temp_directory_path() / "headgate-store-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
    path_ = pattern;
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline void write_plain(const std::filesystem::path& path, std::string_view bytes) {
  FILE* file = std::fopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr) << path;
  ASSERT_EQ(std::fwrite(bytes.data(), 1, bytes.size(), file), bytes.size());
  ASSERT_EQ(std::fclose(file), 0);
}

}  // namespace headgate::store

// Fails the test, saying why there is no value.
#define HEADGATE_ASSERT_OK(...)                                                                \
  do {                                                                                         \
    const auto& assert_ok_ = (__VA_ARGS__);                                                    \
    ASSERT_TRUE(assert_ok_.has_value()) << #__VA_ARGS__ << ": " << assert_ok_.error().message; \
  } while (false)

#define HEADGATE_EXPECT_ERROR(expression, expected_code)                                     \
  do {                                                                                       \
    const auto& expect_error_ = (expression);                                                \
    EXPECT_FALSE(expect_error_.has_value()) << #expression;                                  \
    if (!expect_error_.has_value()) {                                                        \
      EXPECT_EQ(expect_error_.error().code, expected_code) << expect_error_.error().message; \
    }                                                                                        \
  } while (false)
