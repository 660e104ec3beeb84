// The folder that holds a log with all that belongs to it, and the key that signs for it.
#pragma once

#include <sys/types.h>

#include <filesystem>

#include "store/checkpoint.h"
#include "store/rocksdb_log.h"

namespace headgate::app {

// Whether a log is there, or one of its two parts is missing.
bool is_data_directory(const std::filesystem::path& data);
// A folder of somebody else's does not become ours: the data directory is readable to its owner alone from then on.
// Ours has the log, or what a server that lost it leaves; one that is new is empty, but for what a file system or an
// administrator put there before.
Result<void> check_data_directory(const std::filesystem::path& data);
// conflict unless it is missing, or empty but for the lock and what a file system puts there: a log is put back there.
Result<void> check_empty(const std::filesystem::path& data);

// The data directory where commands run as somebody else (commands.user): whoever is in the group may go through it to
// exports/ and work/, and read nothing of it. All else in it is closed to everybody but its owner. To be called before
// commands run; what is made later is made closed.
Result<void> let_commands_through(const std::filesystem::path& data, gid_t group);

// The key that signs checkpoints: the one that the log's records name, made on the first start. Another one, or a new
// one in place of a lost one, only when `rotate` says so. Its name is the log's origin.
Result<store::SigningKey> signing_key(const std::filesystem::path& file, const store::RocksDbLog& log, bool rotate);

}  // namespace headgate::app
