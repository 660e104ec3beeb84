#include "bench/bare_repository.h"

#include <stdexcept>

namespace headgate::bench {

void must(int libgit2_code) {
  if (libgit2_code < 0) throw std::runtime_error(git_error_last() ? git_error_last()->message : "libgit2 failed");
}

BareRepository::BareRepository(const std::filesystem::path& path) {
  git_libgit2_init();
  git_repository_init_options options = GIT_REPOSITORY_INIT_OPTIONS_INIT;
  options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH;
  options.initial_head = "main";
  must(git_repository_init_ext(&repository_, path.c_str(), &options));
  must(git_index_new(&files_));
}

BareRepository::~BareRepository() {
  git_index_free(files_);
  git_repository_free(repository_);
  git_libgit2_shutdown();
}

void BareRepository::put(const std::string& path, const std::string& text, bool executable) {
  git_index_entry entry{};
  must(git_blob_create_from_buffer(&entry.id, repository_, text.data(), text.size()));
  entry.mode = executable ? GIT_FILEMODE_BLOB_EXECUTABLE : GIT_FILEMODE_BLOB;
  entry.path = path.c_str();
  must(git_index_add(files_, &entry));
}

void BareRepository::commit() {
  git_oid root;
  must(git_index_write_tree_to(&root, files_, repository_));
  git_tree* tree = nullptr;
  must(git_tree_lookup(&tree, repository_, &root));
  git_signature* person = nullptr;
  must(git_signature_now(&person, "Dev", "dev@example.com"));
  git_commit* parent = nullptr;
  if (has_head_) must(git_commit_lookup(&parent, repository_, &head_));
  const git_commit* parents[] = {parent};
  must(git_commit_create(&head_, repository_, nullptr, person, person, nullptr, "wish", tree, has_head_ ? 1 : 0,
                         parents));
  has_head_ = true;
  git_commit_free(parent);
  git_signature_free(person);
  git_tree_free(tree);
}

void BareRepository::publish() {
  git_reference* reference = nullptr;
  must(git_reference_create(&reference, repository_, "refs/heads/main", &head_, 1, nullptr));
  git_reference_free(reference);
}

}  // namespace headgate::bench
