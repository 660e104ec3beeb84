// Any bytes as the two sectors of a watermark, 88 of each (watermark.h), what is missing and the rest of them zeros.
// What counts after a torn write is one of the two marks, and never something else.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "store/watermark.h"

namespace {

using namespace headgate;
using namespace headgate::store;

constexpr std::size_t sealed_bytes = 88;
constexpr std::size_t sector_bytes = 4096;

// A file that is memory alone.
class File {
 public:
  const std::filesystem::path& path() const { return path_; }
  void write(std::string_view bytes) const {
    HEADGATE_CHECK(::ftruncate(fd_, 0) == 0);
    HEADGATE_CHECK(write_at(fd_, path_, bytes, 0));
  }
  std::string read() const { return read_file(path_, 2 * sector_bytes).value(); }

 private:
  const int fd_ = ::memfd_create("watermark", MFD_CLOEXEC);
  const std::filesystem::path path_ = "/proc/self/fd/" + std::to_string(fd_);
};

void put_sector(std::string& file, std::size_t index, std::string_view bytes) {
  std::ranges::copy(bytes.substr(0, sealed_bytes), file.begin() + static_cast<std::ptrdiff_t>(index * sector_bytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const File file;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string bytes(2 * sector_bytes, '\0');
  put_sector(bytes, 0, text);
  put_sector(bytes, 1, text.substr(std::min(sealed_bytes, size)));
  file.write(bytes);
  auto read = WatermarkFile::open(file.path());
  if (!read) {
    if (read.error().code != ErrorCode::corrupt || read.error().message.empty()) __builtin_trap();
    return 0;
  }
  const auto before = read->mark();
  const Mark after{before.size + 1, Hash{1}};
  if (!read->write(after)) __builtin_trap();
  bytes = file.read();
  const auto whole = WatermarkFile::open(file.path());
  if (!whole || whole->mark() != after || whole->other_sector_damaged()) __builtin_trap();
  int newer = 0;
  for (std::size_t torn = 0; torn < 2; ++torn) {
    auto damaged = bytes;
    put_sector(damaged, torn, std::string(sealed_bytes, 'x'));
    file.write(damaged);
    const auto left = WatermarkFile::open(file.path());
    if (!left || !left->other_sector_damaged()) __builtin_trap();
    if (left->mark() != before && left->mark() != after) __builtin_trap();
    newer += left->mark() == after ? 1 : 0;
  }
  if (newer != 1) __builtin_trap();
  return 0;
}
