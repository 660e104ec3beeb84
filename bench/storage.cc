// What a log takes on disk, compacted, for each byte of its records: tree, index and watermark included. Below 1 the
// compression pays for them.
#include <rocksdb/db.h>

#include <stdexcept>

#include "bench/topics.h"
#include "bench/workload.h"
#include "store/rocksdb_store.h"

namespace headgate::bench {
namespace {

std::uint64_t bytes_on_disk(const std::filesystem::path& dir) {
  std::uint64_t bytes = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(dir)) {
    // RocksDB's own notes are bounded and tell nothing of the log.
    if (file.is_regular_file() && !file.path().filename().string().starts_with("LOG")) bytes += file.file_size();
  }
  return bytes;
}

void compact(const std::filesystem::path& database) {
  using Family = store::RocksDbStore::Family;
  auto opened = store::RocksDbStore::open({database, false, nullptr});
  if (!opened) throw std::runtime_error(opened.error().message);
  rocksdb::CompactRangeOptions everything;
  everything.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  for (const auto family : {Family::events, Family::tree, Family::index, Family::meta}) {
    const auto status = (*opened)->db().CompactRange(everything, (*opened)->family(family), nullptr, nullptr);
    if (!status.ok()) throw std::runtime_error(status.ToString());
  }
}

double bytes_a_byte(const std::filesystem::path& dir, Position count) {
  auto log = filled_log(dir, count);
  std::uint64_t records = 0;
  for (Position at = 0; at < count;) {
    const auto page = log->read(at, 1'000);
    if (!page) throw std::runtime_error(page.error().message);
    for (const auto& record : *page) records += record.bytes.size();
    at += page->size();
  }
  if (const auto closed = log->close(); !closed) throw std::runtime_error(closed.error().message);
  log.reset();
  compact(dir / "db");
  const auto bytes = bytes_on_disk(dir);
  std::filesystem::remove_all(dir);
  return static_cast<double>(bytes) / static_cast<double>(records);
}

}  // namespace

void bench_storage(Harness& harness) {
  const std::vector<std::pair<std::string, Position>> sizes{{"10k", 10'000}, {"100k", 100'000}, {"1M", 1'000'000}};
  for (const auto& [name, count] : sizes) {
    if (!harness.wants("storage/" + name)) continue;
    Row row;
    row.name = "storage/" + name;
    row.value = bytes_a_byte(harness.fresh_dir(), count);
    row.unit = "of the records' bytes";
    row.runs = 1;
    harness.add(row);
  }
}

}  // namespace headgate::bench
