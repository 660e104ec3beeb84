// What RocksDB takes for granted of its write-ahead logs and ends the process over: that each batch comes once, after
// the one before it.
#pragma once

#include <rocksdb/env.h>

#include <string>

#include "engine/domain/error.h"

namespace headgate::store {

// Of all write-ahead logs of the database in `path`, the oldest first. corrupt, naming the file and the place, when the
// sequence of a batch is less than the batches before it have reached. Whatever else is wrong with them is RocksDB's to
// tell: the walk through a file ends where it finds no record.
Result<void> check_wal_sequences(rocksdb::Env& env, const std::string& path);

}  // namespace headgate::store
