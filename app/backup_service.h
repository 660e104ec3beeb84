// Takes backups on a thread of its own, when they are due and when somebody asks, and writes into the log how they
// went; keeps the mirror close behind the log on another.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "api/backup_control.h"
#include "api/metrics.h"
#include "app/server_config.h"
#include "engine/ports/clock.h"
#include "engine/ports/command_sink.h"
#include "store/backup.h"
#include "store/mirror.h"

namespace headgate::app {

class BackupService final : public api::BackupControl {
 public:
  struct Options {
    BackupConfig backup;
    std::filesystem::path mirror;  // empty: none
    std::filesystem::path data;
    std::filesystem::path key;
  };
  using Told = std::function<void(bool warning, const std::string& message)>;

  // The log is signed, the commands are taken; all of them outlive the service.
  BackupService(Options options, const store::RocksDbLog& log, CommandSink& commands, const Clock& clock, Told told);
  ~BackupService() override;  // the mirror gets all that is durable by then
  void stop_backups();        // cuts the one under way; before the engine stops

  Result<api::BackupReport> report() const override;
  Result<std::uint64_t> start(std::optional<std::uint64_t> verify) override;
  std::vector<api::Metrics::Gauge> gauges() const;

 private:
  struct Request {
    std::optional<std::uint64_t> verify;  // none: a new backup
  };

  void run_backups(std::stop_token stop);
  void run_mirror(std::stop_token stop);
  Result<void> work(const Request& request, std::optional<std::uint64_t>& id, const std::stop_token& stop);
  Result<void> verify(std::uint64_t id, const std::stop_token& stop);
  void keep_one_not_verified(std::optional<std::uint64_t> made);
  Result<void> record(RecordBackup command);
  Result<void> read_newest();
  Duration until_due() const;

  const Options options_;
  const store::RocksDbLog& log_;
  CommandSink& commands_;
  const Clock& clock_;
  const Told told_;
  store::Backups backups_;
  std::vector<std::uint64_t> not_verified_;  // made since the last good one, the newest last; its thread's alone

  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::optional<Request> request_;
  bool running_ = false;
  std::uint64_t runs_ = 0;
  std::string last_error_;
  std::optional<std::uint64_t> last_id_;
  std::optional<Timestamp> newest_;  // time of the newest backup that counts
  std::optional<Timestamp> failed_;  // since then, the last attempt
  std::optional<std::uint64_t> mirrored_;
  std::string mirror_error_;
  Timestamp mirror_in_step_;  // when the mirror last had all that was durable

  std::jthread backup_thread_;  // last: they start when everything else is there
  std::jthread mirror_thread_;
};

}  // namespace headgate::app
