#include "app/backup_service.h"

#include <algorithm>
#include <utility>

#include "engine/base/digest.h"
#include "engine/ports/caught.h"
#include "engine/ports/pause.h"
#include "engine/ports/submit_and_wait.h"
#include "store/rocksdb_log.h"

namespace headgate::app {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration retry_after = minutes(15);  // a backup that failed, unless the next one is due sooner
constexpr Duration look_every = minutes(1);    // at the wall clock, which may jump
constexpr Duration mirror_every = seconds(1);
constexpr Duration mirror_retry = seconds(10);
constexpr Duration final_wait = seconds(2);  // for the watermark, which follows within milliseconds

double in_seconds(Duration duration) {
  return std::max(0.0, std::chrono::duration<double>(duration).count());
}

}  // namespace

BackupService::BackupService(Options options, const store::RocksDbLog& log, CommandSink& commands, const Clock& clock,
                             Told told)
    : options_(std::move(options)),
      log_(log),
      commands_(commands),
      clock_(clock),
      told_(std::move(told)),
      backups_(options_.backup.directory),
      mirror_in_step_(clock.now()) {
  if (!options_.backup.directory.empty()) {
    static_cast<void>(read_newest());
    backup_thread_ = std::jthread([this](std::stop_token stop) { run_backups(stop); });
  }
  if (!options_.mirror.empty()) {
    mirrored_ = 0;
    mirror_thread_ = std::jthread([this](std::stop_token stop) { run_mirror(stop); });
  }
}

BackupService::~BackupService() {
  stop_backups();
  mirror_thread_.request_stop();
}

void BackupService::stop_backups() {
  backup_thread_.request_stop();
  if (backup_thread_.joinable()) backup_thread_.join();
}

// Where they cannot be listed, what was known of them stays: a folder that cannot be read is not filled.
Result<void> BackupService::read_newest() {
  HEADGATE_TRY(const auto all, backups_.list());
  const auto* newest = store::Backups::newest_good(all, options_.backup.verify);
  const std::scoped_lock lock(mutex_);
  newest_ = newest ? std::optional(newest->time) : std::nullopt;
  return {};
}

Duration BackupService::until_due() const {
  const auto every = options_.backup.every;
  if (every == Duration::zero()) return Duration::max();
  auto due = newest_ ? *newest_ + every : clock_.now();
  if (failed_) due = std::max(due, *failed_ + std::min(every, retry_after));
  return due - clock_.now();
}

void BackupService::run_backups(std::stop_token stop) {
  while (true) {
    Request request;
    {
      std::unique_lock lock(mutex_);
      while (!request_ && until_due() > Duration::zero()) {
        if (stop.stop_requested()) return;
        wake_.wait_for(lock, stop, std::min(until_due(), look_every), [&] { return request_.has_value(); });
      }
      if (stop.stop_requested()) return;
      if (request_) request = *request_;
      request_.reset();
      running_ = true;
    }
    std::optional<std::uint64_t> id;
    const auto done = caught([&] { return work(request, id, stop); });
    if (!done) told_(!stop.stop_requested(), "backup: " + done.error().message);
    static_cast<void>(caught([&] { return read_newest(); }));
    const std::scoped_lock lock(mutex_);
    running_ = false;
    ++runs_;
    last_id_ = id;
    last_error_ = done ? std::string() : done.error().message;
    if (!request.verify) failed_ = done ? std::nullopt : std::optional(clock_.now());
  }
}

Result<void> BackupService::work(const Request& request, std::optional<std::uint64_t>& id,
                                 const std::stop_token& stop) {
  if (request.verify) {
    id = request.verify;
    return verify(*id, stop);
  }
  const auto made = backups_.create({log_, options_.data, options_.key}, clock_.now(), stop);
  if (!made) {
    if (stop.stop_requested()) return std::unexpected(made.error());
    static_cast<void>(record({BackupFailed{0, made.error().message}}));
    return std::unexpected(made.error());
  }
  id = made->id;
  HEADGATE_TRY_VOID(record({BackupCompleted{made->id, made->size, digest_text(made->root), made->bytes}}));
  if (options_.backup.verify) {
    const auto good = verify(made->id, stop);
    if (!stop.stop_requested()) keep_one_not_verified(good ? std::nullopt : id);
    if (!good) return good;
  }
  {
    const std::scoped_lock lock(mutex_);
    newest_ = made->time;
  }
  told_(false, "backup " + std::to_string(made->id) + " of " + std::to_string(made->size) + " records in " +
                   options_.backup.directory.string());
  // Only a good one lets older ones go.
  HEADGATE_TRY_VOID(backups_.prune(clock_.now() - options_.backup.keep));
  return {};
}

// Without a good one nothing goes, and each attempt makes another: they would fill the disk. One stays, to be looked
// at: the newest, but none that is known to be damaged in place of one that could not be read.
void BackupService::keep_one_not_verified(std::optional<std::uint64_t> made) {
  if (made) not_verified_.push_back(*made);
  const auto all = backups_.list();
  if (!all) return told_(true, "backup: " + all.error().message);
  const auto known = [&](std::uint64_t id) {
    const auto at = std::ranges::find(*all, id, &store::BackupInfo::id);
    return at == all->end() ? nullptr : &*at;
  };
  auto stays = made;
  for (const auto id : not_verified_) {
    const auto* backup = known(id);
    if (made && backup && backup->failure.empty()) stays = id;
  }
  std::erase_if(not_verified_, [&](std::uint64_t id) {
    const auto* backup = known(id);
    if (!backup || backup->verified) return true;  // somebody has read it again meanwhile, and it is good
    if (id == stays) return false;
    const auto gone = backups_.discard(id);
    if (!gone) told_(true, "backup: " + gone.error().message);
    return gone.has_value();
  });
}

Result<void> BackupService::verify(std::uint64_t id, const std::stop_token& stop) {
  const auto good = backups_.verify(
      id, [this](std::uint64_t size) { return log_.root(size); }, clock_.now(), stop);
  if (!good && (good.error().code == ErrorCode::not_found || stop.stop_requested())) {
    return std::unexpected(good.error());
  }
  if (!good) {
    static_cast<void>(record({BackupFailed{id, good.error().message}}));
    return std::unexpected(good.error());
  }
  return record({BackupVerified{id, good->size, digest_text(good->root)}});
}

Result<void> BackupService::record(RecordBackup command) {
  HEADGATE_TRY_VOID(submit_and_wait(commands_, {.command = std::move(command)}));
  return {};
}

Result<std::uint64_t> BackupService::start(std::optional<std::uint64_t> verify) {
  if (options_.backup.directory.empty()) {
    return fail(ErrorCode::conflict, "no folder for backups is configured: backup.directory of the server's file");
  }
  std::uint64_t run = 0;
  {
    const std::scoped_lock lock(mutex_);
    if (running_ || request_) return fail(ErrorCode::conflict, "a backup is under way: ask again when it has ended");
    request_ = Request{verify};
    run = runs_ + 1;
  }
  wake_.notify_all();
  return run;
}

Result<api::BackupReport> BackupService::report() const {
  api::BackupReport report;
  if (!options_.backup.directory.empty()) {
    HEADGATE_TRY(const auto all, backups_.list());
    for (const auto& info : all) {
      report.backups.push_back({info.id, info.time, info.origin, info.size, digest_text(info.root), info.bytes,
                                info.verified, info.failure});
    }
  }
  const auto durable = log_.mark().size;
  const std::scoped_lock lock(mutex_);
  report.running = running_ || request_;
  report.runs = runs_;
  report.last_error = last_error_;
  report.last_id = last_id_;
  report.mirrored = mirrored_;
  report.mirror_lag = mirrored_ ? durable - std::min(durable, *mirrored_) : 0;
  report.mirror_error = mirror_error_;
  return report;
}

std::vector<api::Metrics::Gauge> BackupService::gauges() const {
  std::vector<api::Metrics::Gauge> gauges;
  const auto now = clock_.now();
  const auto durable = log_.mark().size;
  const std::scoped_lock lock(mutex_);
  if (newest_) {
    gauges.push_back(
        {"headgate_backup_age_seconds", "Age of the newest backup that counts.", in_seconds(now - *newest_)});
  }
  if (mirrored_) {
    gauges.push_back({"headgate_mirror_lag_records", "Durable records that the mirror does not have.",
                      static_cast<double>(durable - std::min(durable, *mirrored_))});
    gauges.push_back({"headgate_mirror_lag_seconds", "Time since the mirror had every record that was durable.",
                      durable <= *mirrored_ ? 0.0 : in_seconds(now - mirror_in_step_)});
  }
  return gauges;
}

void BackupService::run_mirror(std::stop_token stop) {
  std::unique_ptr<store::Mirror> mirror;
  while (!stop.stop_requested()) {
    const auto durable = log_.mark().size;
    const auto now = clock_.now();
    const auto advanced = caught([&]() -> Result<void> {
      if (!mirror) {
        HEADGATE_TRY(mirror, store::Mirror::open(options_.mirror, log_, options_.data / "blobs", stop));
      }
      return mirror->advance(stop);
    });
    if (!advanced && stop.stop_requested()) return;  // the next start goes on
    std::string said;
    {
      std::unique_lock lock(mutex_);
      if (mirror) mirrored_ = mirror->size();
      if (mirror && mirror->size() >= durable) mirror_in_step_ = now;
      said = std::exchange(mirror_error_, advanced ? std::string() : advanced.error().message);
    }
    // Trouble is said once until it is over.
    if (!advanced && advanced.error().message != said) told_(true, "mirror: " + advanced.error().message);
    if (advanced && !said.empty()) told_(false, "mirror: in step again");
    pause(advanced ? mirror_every : mirror_retry, stop);
  }
  // What came since the last round, so that a server that was stopped in order leaves a mirror without a gap.
  if (!mirror) return;
  log_.wait_for_mark(log_.size(), final_wait);
  const auto advanced = caught([&]() -> Result<void> {
    HEADGATE_TRY_VOID(log_.sign_checkpoint_now());
    return mirror->advance();
  });
  if (!advanced) told_(true, "mirror: " + advanced.error().message);
}

}  // namespace headgate::app
