// A look at a repository of 10,000 services on this host in which nothing is new. libgit2 alone cannot find that out
// without asking for all the references.
#include <stdexcept>

#include "bench/git_world.h"
#include "bench/topics.h"

namespace headgate::bench {
namespace {

constexpr int looks = 500;  // in each run

double median_ms(const std::function<void()>& look) {
  std::vector<double> milliseconds;
  milliseconds.reserve(looks);
  for (int i = 0; i < looks; ++i) milliseconds.push_back(1e3 * seconds_of(look));
  return median(milliseconds);
}

void list_references(const std::filesystem::path& url) {
  git_remote* remote = nullptr;
  must(git_remote_create_detached(&remote, url.c_str()));
  must(git_remote_connect(remote, GIT_DIRECTION_FETCH, nullptr, nullptr, nullptr));
  const git_remote_head** heads = nullptr;
  std::size_t count = 0;
  must(git_remote_ls(&heads, &count, remote));
  git_remote_free(remote);
  if (count == 0) throw std::runtime_error("a repository without references");
}

}  // namespace

void bench_poll(Harness& harness) {
  if (!harness.wants("poll")) return;
  const auto dir = harness.fresh_dir();
  GitWorld git(dir);
  harness.compare(
      "poll", "ms", Better::less,
      [&] {
        return median_ms([&] {
          if (const auto found = git.reconciler.look({}); !found || *found)
            throw std::runtime_error("something is new");
        });
      },
      "libgit2 connects, lists the references and disconnects",
      [&] { return median_ms([&] { list_references(dir / "environments.git"); }); });
}

}  // namespace headgate::bench
