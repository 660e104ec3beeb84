// The metrics page. Counters are fed by the runtime and by the HTTP server; what is a property of the state is computed
// when somebody asks. Label values come from the configuration and from closed sets, never from requests.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/denial_recorder.h"
#include "api/http_server.h"
#include "engine/runtime/engine.h"
#include "engine/runtime/observer.h"

namespace headgate::api {

class Metrics final : public runtime::Observer {
 public:
  Metrics();
  ~Metrics() override;

  // The runtime's, from its own threads.
  void command_done(std::string_view command, bool accepted) override;
  void batch_appended(std::span<const Recorded<Event>> events, Duration took) override;
  void activity_done(const Activity& activity, const Outcome& outcome, Duration took) override;
  void snapshot_saved(Position position, Duration took) override;

  // The rest is thread-safe.
  // What is under way already: its events were before this start.
  void started(const State& state);
  void on_request(const Access& access);
  void access_denied(Denial reason);
  // One round over a repository: from the fetch to the last command that came of it.
  void reconciled(std::string_view repository, Duration took);
  // One attempt to bring a checkpoint to "git" or "witness <name>".
  void checkpoint_published(std::string_view to, bool succeeded);

  // A figure that somebody else knows; asked for at each page. Those of one name follow each other. Before the first
  // page.
  struct Gauge {
    std::string name;
    std::string help;
    double value = 0;
    std::map<std::string, std::string> labels{};
  };
  void add_gauges(std::function<std::vector<Gauge>()> ask);

  // The page in Prometheus' text format. Walks the live state in small steps.
  std::string page(const runtime::Engine& engine, std::optional<Timestamp> checkpoint, Timestamp now) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headgate::api
