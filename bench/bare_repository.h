// A bare Git repository on this host, to which commits are made without a work tree.
#pragma once

#include <git2.h>

#include <filesystem>
#include <string>

namespace headgate::bench {

void must(int libgit2_code);  // throws

class BareRepository {
 public:
  explicit BareRepository(const std::filesystem::path& path);
  ~BareRepository();
  BareRepository(const BareRepository&) = delete;
  BareRepository& operator=(const BareRepository&) = delete;

  void put(const std::string& path, const std::string& text, bool executable = false);
  void commit();   // all that was put, on top of the last commit; no branch names it yet
  void publish();  // main names the last commit

 private:
  git_repository* repository_ = nullptr;
  git_index* files_ = nullptr;
  git_oid head_{};
  bool has_head_ = false;
};

}  // namespace headgate::bench
