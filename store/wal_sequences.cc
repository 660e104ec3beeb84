#include "store/wal_sequences.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "store/rocksdb_store.h"

namespace headgate::store {
namespace {

// The format: blocks of 32 KiB, in them records: crc u32, length u16, type u8, payload; what is left of a block behind
// its last record is shorter than a header. A batch is one record, or a first one, middle ones and a last one; its
// bytes begin with its first sequence, u64, and the count of them, u32. Everything is little-endian.
constexpr std::size_t kBlock = 32 << 10;
constexpr std::size_t kHeader = 7;
constexpr std::size_t kBatchHead = 12;
enum Type : std::uint8_t { kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4 };

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t number = 0;
  for (auto at = bytes.rbegin(); at != bytes.rend(); ++at) number = number << 8 | static_cast<std::uint8_t>(*at);
  return number;
}

class Walk {
 public:
  // Of one file, a block at a time; false where the rest of it holds no record.
  Result<bool> block(const std::string& file, std::uint64_t begin, std::string_view bytes) {
    for (std::size_t at = 0; bytes.size() - at >= kHeader;) {
      const auto length = static_cast<std::size_t>(little_endian(bytes.substr(at + 4, 2)));
      const auto type = static_cast<std::uint8_t>(bytes[at + 6]);
      if (type < kFull || type > kLast || length > bytes.size() - at - kHeader) return false;
      const auto payload = bytes.substr(at + kHeader, length);
      if (type == kFull || type == kFirst) head_.clear();
      head_ += payload.substr(0, kBatchHead - std::min(head_.size(), kBatchHead));
      if (type == kFull || type == kLast) HEADGATE_TRY_VOID(batch(file, begin + at));
      at += kHeader + length;
    }
    return bytes.size() == kBlock;
  }
  void next_file() { head_.clear(); }

 private:
  Result<void> batch(const std::string& file, std::uint64_t at) {
    if (head_.size() < kBatchHead) return {};
    const auto sequence = little_endian(std::string_view(head_).substr(0, 8));
    if (sequence < next_) {
      return fail(ErrorCode::corrupt,
                  fmt::format("cannot read the write-ahead log {}: the batch that ends in the record at byte {} begins "
                              "with sequence {}, those before it have reached {}: batches stand in it twice or out of "
                              "order",
                              file, at, sequence, next_));
    }
    next_ = sequence + little_endian(std::string_view(head_).substr(8, 4));
    return {};
  }

  std::string head_;  // of the batch that was begun
  std::uint64_t next_ = 0;
};

}  // namespace

Result<void> check_wal_sequences(rocksdb::Env& env, const std::string& path) {
  std::vector<std::string> names;
  if (!env.GetChildren(path, &names).ok()) return {};
  std::erase_if(names, [](std::string_view name) { return !name.ends_with(".log"); });
  std::ranges::sort(names, {}, [](const auto& name) { return std::pair(name.size(), name); });  // they are numbers
  Walk walk;
  std::string buffer(kBlock, '\0');
  for (const auto& name : names) {
    const auto file = path + "/" + name;
    std::unique_ptr<rocksdb::SequentialFile> log;
    if (!env.NewSequentialFile(file, &log, {}).ok()) return {};
    walk.next_file();
    for (std::uint64_t begin = 0;; begin += kBlock) {
      rocksdb::Slice bytes;
      if (!log->Read(kBlock, &bytes, buffer.data()).ok()) return {};
      HEADGATE_TRY(const bool more, walk.block(file, begin, bytes.ToStringView()));
      if (!more) break;
    }
  }
  return {};
}

}  // namespace headgate::store
