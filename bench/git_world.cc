#include "bench/git_world.h"

#include <fmt/core.h>

#include <stdexcept>

namespace headgate::bench {
namespace {

constexpr int services = 10'000;

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

std::unique_ptr<reconciler::GitRepository> clone_of(const std::filesystem::path& dir) {
  reconciler::GitRepositoryConfig config;
  config.name = "environments";
  config.url = (dir / "environments.git").string();
  config.poll = std::chrono::hours(1);
  config.clone = dir / "repositories" / "environments.git";
  auto repository = reconciler::GitRepository::create(std::move(config));
  if (!repository) throw std::runtime_error(repository.error().message);
  return std::move(*repository);
}

}  // namespace

GitWorld::GitWorld(const std::filesystem::path& dir)
    : remote(dir / "environments.git"),
      world(dir),
      repository(clone_of(dir)),
      runner({dir / "run"}),
      exports(dir / "exports"),
      driver(
          runner, exports, *policy, [](const std::string&) { return fail(ErrorCode::not_found, "none"); }, dir / "work",
          [] { return nullptr; }),
      reconciler({"environments", "main", std::chrono::hours(1), {}, {}, {}}, *repository, parser, people, driver,
                 *world.engine, *world.engine, world.clock,
                 [](reconciler::NoticeLevel, std::string_view, std::string_view) {}) {
  remote.put("environment.yaml", environment_text);
  for (int i = 0; i < services; ++i) {
    remote.put(fmt::format("services/{}.yaml", i), service_text(i));
    remote.put(fmt::format("targets/{}.yaml", i), target_text(i, 1));
  }
  remote.commit();
  remote.publish();
  if (const auto first = reconciler.look({}); !first || !*first)
    throw std::runtime_error("the first look found nothing");
}

void GitWorld::wish(int service, int version) {
  remote.put(fmt::format("targets/{}.yaml", service), target_text(service, version));
  remote.commit();
}

}  // namespace headgate::bench
