// Any bytes as damage of a snapshot's body: how many bytes are cut off, then at which offset which byte stands instead;
// counts and offsets have three bytes, little-endian. The body is made here, from a log that is kept: a snapshot of one
// version says nothing to the next.
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>

#include "engine/domain/decide.h"
#include "store/codec.h"
#include "store/snapshot_archive.h"

namespace {

using namespace headgate;

std::string body_of_first_log() {
  std::ifstream records(HEADGATE_FIXTURE_DIR "/log-first/records.ndjson");
  State state;
  for (std::string line; std::getline(records, line);) evolve(state, store::decode(line).value());
  HEADGATE_CHECK(state.next > 0);
  return store::to_snapshot_bytes(state);
}

std::size_t number(std::string_view bytes) {
  std::size_t value = 0;
  for (std::size_t i = 3; i-- > 0;) value = value << 8 | static_cast<std::uint8_t>(bytes[i]);
  return value;
}

std::string damaged(std::string body, std::string_view by) {
  if (by.size() < 3) return body;
  body.resize(body.size() - number(by) % (body.size() + 1));
  for (by.remove_prefix(3); by.size() >= 4 && !body.empty(); by.remove_prefix(4)) {
    body[number(by) % body.size()] = by[3];
  }
  return body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string body = body_of_first_log();
  const auto bytes = damaged(body, {reinterpret_cast<const char*>(data), size});
  State state;
  if (const auto read = store::from_snapshot_bytes(bytes, state); !read) {
    if (read.error().code != ErrorCode::corrupt || read.error().message.empty() || bytes == body) __builtin_trap();
    return 0;
  }
  // Only the order of what has none in itself may differ.
  const auto written = store::to_snapshot_bytes(state);
  if (written.size() != bytes.size()) __builtin_trap();
  State again;
  if (!store::from_snapshot_bytes(written, again) || again != state) __builtin_trap();
  if (store::to_snapshot_bytes(again) != written) __builtin_trap();
  return 0;
}
