// From the change of the ref in a local bare repository of 10,000 services to promotion.planned on disk.
#include <fmt/core.h>
#include <git2.h>

#include <condition_variable>
#include <mutex>
#include <stdexcept>

#include "bench/engine_world.h"
#include "bench/topics.h"
#include "reconciler/documents_parser.h"
#include "reconciler/git_repository.h"
#include "reconciler/offline_people.h"
#include "reconciler/reconciler.h"

namespace headgate::bench {
namespace {

constexpr int services = 10'000;
constexpr int pushes = 200;

void check(int code) {
  if (code < 0) throw std::runtime_error(git_error_last() ? git_error_last()->message : "libgit2 failed");
}

std::string service_text(int i) {
  return fmt::format(
      "apiVersion: headgate.dev/v1\nkind: Service\nmetadata: {{name: service-{}}}\nspec:\n  gates: [{{name: tests}}]\n"
      "  stages:\n    - environment: staging\n      requires: {{gates: [tests]}}\n",
      i);
}

std::string target_text(int i, int version) {
  return fmt::format(
      "apiVersion: headgate.dev/v1\nkind: Target\nmetadata: {{name: service-{0}.staging}}\nspec:\n  service: "
      "service-{0}\n"
      "  environment: staging\n  release: {{version: v{1}, commit: {2:040x}}}\n",
      i, version, version);
}

constexpr const char* environment_text =
    "apiVersion: headgate.dev/v1\nkind: Environment\nmetadata: {name: staging}\nspec:\n  driver:\n    command:\n"
    "      deploy: [/bin/true]\n      observe: [/bin/true]\n";

// A bare repository with services/, targets/ and environment.yaml; commits are made without a work tree.
class BareRepository {
 public:
  explicit BareRepository(const std::filesystem::path& path) {
    git_libgit2_init();
    check(git_repository_init(&repository_, path.c_str(), 1));
    services_ = tree_of(services, [](int i) { return service_text(i); });
    targets_ = tree_of(services, [](int i) { return target_text(i, 1); });
    commit();
  }
  ~BareRepository() {
    git_repository_free(repository_);
    git_libgit2_shutdown();
  }

  // Prepares the next commit; publish() moves the branch to it.
  void wish(int service, int version) {
    git_tree* old = nullptr;
    check(git_tree_lookup(&old, repository_, &targets_));
    git_treebuilder* builder = nullptr;
    check(git_treebuilder_new(&builder, repository_, old));
    insert(builder, fmt::format("{}.yaml", service), target_text(service, version));
    check(git_treebuilder_write(&targets_, builder));
    git_treebuilder_free(builder);
    git_tree_free(old);
    commit(false);
  }
  void publish() {
    git_reference* reference = nullptr;
    check(git_reference_create(&reference, repository_, "refs/heads/main", &head_, 1, nullptr));
    git_reference_free(reference);
  }

 private:
  void insert(git_treebuilder* builder, const std::string& name, const std::string& text) {
    git_oid blob;
    check(git_blob_create_from_buffer(&blob, repository_, text.data(), text.size()));
    check(git_treebuilder_insert(nullptr, builder, name.c_str(), &blob, GIT_FILEMODE_BLOB));
  }
  template <class Text>
  git_oid tree_of(int count, Text text) {
    git_treebuilder* builder = nullptr;
    check(git_treebuilder_new(&builder, repository_, nullptr));
    for (int i = 0; i < count; ++i) insert(builder, fmt::format("{}.yaml", i), text(i));
    git_oid tree;
    check(git_treebuilder_write(&tree, builder));
    git_treebuilder_free(builder);
    return tree;
  }
  void commit(bool move_branch = true) {
    git_treebuilder* builder = nullptr;
    check(git_treebuilder_new(&builder, repository_, nullptr));
    insert(builder, "environment.yaml", environment_text);
    check(git_treebuilder_insert(nullptr, builder, "services", &services_, GIT_FILEMODE_TREE));
    check(git_treebuilder_insert(nullptr, builder, "targets", &targets_, GIT_FILEMODE_TREE));
    git_oid root;
    check(git_treebuilder_write(&root, builder));
    git_treebuilder_free(builder);
    git_tree* tree = nullptr;
    check(git_tree_lookup(&tree, repository_, &root));
    git_signature* person = nullptr;
    check(git_signature_now(&person, "Dev", "dev@example.com"));
    git_commit* parent = nullptr;
    if (has_head_) check(git_commit_lookup(&parent, repository_, &head_));
    const git_commit* parents[] = {parent};
    check(git_commit_create(&head_, repository_, nullptr, person, person, nullptr, "wish", tree, has_head_ ? 1 : 0,
                            parents));
    has_head_ = true;
    git_commit_free(parent);
    git_signature_free(person);
    git_tree_free(tree);
    if (move_branch) publish();
  }

  git_repository* repository_ = nullptr;
  git_oid services_{}, targets_{}, head_{};
  bool has_head_ = false;
};

// Waits for promotion.planned of a target.
class Planned {
 public:
  void seen(const TargetId& target) {
    const std::scoped_lock lock(mutex_);
    last_ = target;
    at_ = std::chrono::steady_clock::now();
    changed_.notify_all();
  }
  std::chrono::steady_clock::time_point wait_for(const TargetId& target) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::seconds(30), [&] { return last_ == target; })) {
      throw std::runtime_error("a push was not planned");
    }
    return at_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  TargetId last_;
  std::chrono::steady_clock::time_point at_;
};

std::vector<double> measure_pushes(const std::filesystem::path& dir) {
  BareRepository remote(dir / "environments.git");
  EngineWorld world(dir);
  reconciler::OfflinePeople people;
  const reconciler::YamlDocumentParser parser(people);
  reconciler::GitRepositoryConfig config;
  config.name = "environments";
  config.url = (dir / "environments.git").string();
  config.poll = std::chrono::hours(1);
  config.clone = dir / "repositories" / "environments.git";
  auto repository = reconciler::GitRepository::create(std::move(config));
  if (!repository) throw std::runtime_error(repository.error().message);
  reconciler::ProcessRunner runner({dir / "run"});
  reconciler::ScriptExports exports(dir / "exports");
  const auto policy = reconciler::CommandPolicy::make({});
  reconciler::CommandDriver driver(
      runner, exports, *policy, [](const std::string&) { return fail(ErrorCode::not_found, "none"); }, dir / "work",
      [] { return nullptr; });
  reconciler::Reconciler reconciler({"environments", "main", std::chrono::hours(1), {}}, **repository, parser, people,
                                    driver, *world.engine, *world.engine, world.clock,
                                    [](reconciler::NoticeLevel, std::string_view, std::string_view) {});
  if (const auto first = reconciler.look({}); !first || !*first)
    throw std::runtime_error("the first look found nothing");
  for (int i = 0; i < pushes; ++i) {
    world.run(RecordObservation{{fmt::format("service-{}", i), "staging"}, {"v1", {}}});
  }
  Planned planned;
  world.listener.on_event = [&](const Recorded<Event>& recorded) {
    if (const auto* event = std::get_if<PromotionPlanned>(&recorded.event)) planned.seen(event->promotion.target);
  };
  reconciler.start();
  std::vector<double> milliseconds;
  for (int i = 0; i < pushes; ++i) {
    remote.wish(i, 2);
    const auto began = std::chrono::steady_clock::now();
    remote.publish();
    const auto seen = planned.wait_for({fmt::format("service-{}", i), "staging"});
    milliseconds.push_back(std::chrono::duration<double, std::milli>(seen - began).count());
  }
  world.listener.on_event = nullptr;
  return milliseconds;
}

}  // namespace

void bench_push_to_plan(Harness& harness) {
  harness.measure("push-to-plan", "ms (p99)", [&] { return percentile(measure_pushes(harness.fresh_dir()), 99); });
}

}  // namespace headgate::bench
