// Records of a long scan, read on a thread of their own a few chunks ahead of whoever takes them: the disk and the
// decompression work while the caller decodes and folds.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "engine/domain/error.h"
#include "engine/domain/names.h"

namespace headgate::store {

class ReadAhead {
 public:
  using Visit = std::function<Result<void>(Position, std::string_view)>;
  using Scan = std::function<Result<void>(const Visit&)>;

  // `scan` gives its records to the visitor in order; it is called on the thread, and stops at an Error of the visitor.
  explicit ReadAhead(Scan scan);
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;
  ~ReadAhead();

  // Visits all records on the caller's thread. The first Error, of the scan or of `visit`, ends it.
  Result<void> each(const Visit& visit);

 private:
  struct Chunk {
    Position first = 0;
    std::string bytes;
    std::vector<std::size_t> ends;
  };

  void read(const Scan& scan);
  bool put(Chunk& chunk);  // false: nobody takes any more; else `chunk` is an empty one

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Chunk> ready_;
  std::vector<Chunk> spare_;
  bool ended_ = false;    // the scan
  bool stopped_ = false;  // the caller
  Result<void> outcome_;  // of the scan
  std::thread thread_;    // last: starts when everything else is there
};

}  // namespace headgate::store
