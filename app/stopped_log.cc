#include "app/stopped_log.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "app/named_file.h"
#include "app/table.h"
#include "engine/ports/pause.h"

namespace headgate::app {

Result<StoppedLog> open_stopped_log(const std::string& data, const std::filesystem::path& key_file, bool read_only) {
  // One that may be written to would be made.
  if (!read_only) {
    HEADGATE_TRY(const auto current, store::type_of_file(std::filesystem::path(data) / "db" / "CURRENT"));
    if (current == std::filesystem::file_type::not_found) {
      return fail(ErrorCode::invalid_input, "there is no log in " + data);
    }
  }
  HEADGATE_TRY(auto lock,
               as_named(read_only ? store::DataLock::acquire_to_read(data) : store::DataLock::acquire(data)));
  std::optional<store::SigningKey> key;
  if (!key_file.empty()) {
    HEADGATE_TRY(key, as_named(store::SigningKey::load(key_file)));
  }
  store::RocksDbLog::Options options;
  options.dir = data;
  options.read_only = read_only;
  HEADGATE_TRY(auto log, as_named(store::RocksDbLog::open(std::move(options))));
  HEADGATE_TRY(auto keys, api::keys_of_log(*log));
  if (key) {  // it signs nothing before it is known to be the log's
    const auto signer = key->verifier().text();
    if (keys.empty() || keys.back().verifier_key != signer) {
      return fail(ErrorCode::conflict, "the key in " + key_file.string() + " is " + signer + ", the log's is " +
                                           (keys.empty() ? "none" : keys.back().verifier_key));
    }
    log->use_key(std::move(*key));
  }
  return StoppedLog{std::move(lock), std::move(keys), std::move(log)};
}

std::filesystem::path signing_key_file(const std::string& given, const std::string& data) {
  if (!given.empty()) return given;
  if (const char* file = std::getenv("HEADGATE_SIGNING_KEY_FILE"); file != nullptr && *file != '\0') return file;
  return std::filesystem::path(data) / "log.key";
}

Progress::Progress(std::string verb) : verb_(std::move(verb)), shown_(on_terminal(STDERR_FILENO)) {}

Progress::~Progress() {
  if (shown_) std::fprintf(stderr, "\r\033[K");
}

void Progress::operator()(Position done, Position all) {
  if (!shown_) return;
  std::fprintf(stderr, "\r\033[K%s %llu", verb_.c_str(), static_cast<unsigned long long>(done));
  if (all > 0) std::fprintf(stderr, " of %llu", static_cast<unsigned long long>(all));
  std::fprintf(stderr, " records");
}

Stopwatch::Stopwatch(const std::string& work) {
  if (!on_terminal(STDERR_FILENO)) return;
  thread_ = std::jthread([work](std::stop_token stop) {
    for (int seconds = 0; !stop.stop_requested(); ++seconds) {
      std::fprintf(stderr, "\r\033[K%s, %d s", work.c_str(), seconds);
      pause(std::chrono::seconds(1), stop);
    }
    std::fprintf(stderr, "\r\033[K");
  });
}

Stopwatch::~Stopwatch() = default;  // the thread is asked to stop and joined

}  // namespace headgate::app
