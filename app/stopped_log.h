// The log of a data directory whose server is stopped, for the verbs that take `--data`.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "api/log_keys.h"
#include "store/files.h"
#include "store/rocksdb_log.h"

namespace headgate::app {

struct StoppedLog {
  store::DataLock lock;
  std::vector<api::LogKey> keys;
  std::unique_ptr<store::RocksDbLog> log;
};

// With a key file (empty: none) it can sign checkpoints; conflict when that key is not the log's. Not only to be read,
// as the backup engine wants it, nothing is appended either.
Result<StoppedLog> open_stopped_log(const std::string& data, const std::filesystem::path& key_file,
                                    bool read_only = true);

// Where the signing key is: `given`, else HEADGATE_SIGNING_KEY_FILE, else <data>/log.key.
std::filesystem::path signing_key_file(const std::string& given, const std::string& data);

// A line on standard error that grows with the work; nothing where that is no terminal.
class Progress {
 public:
  explicit Progress(std::string verb);
  ~Progress();  // takes the line away
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void operator()(Position done, Position all);  // all 0: not known

 private:
  const std::string verb_;
  const bool shown_;
};

// The same for work that does not tell how far it is: what it is, and for how long it goes on.
class Stopwatch {
 public:
  explicit Stopwatch(const std::string& work);
  ~Stopwatch();  // takes the line away

 private:
  std::jthread thread_;  // none where nobody would see it
};

}  // namespace headgate::app
