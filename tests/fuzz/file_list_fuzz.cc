// Any bytes as SHA256SUMS of a backup: what is read is what was written, and leads nowhere outside of the backups.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>

#include "store/file_list.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate::store;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto files = parse_file_list(text);
  if (!files) {
    if (files.error().message.empty()) __builtin_trap();
    return 0;
  }
  if (file_list_text(*files) != text) __builtin_trap();
  const std::filesystem::path set("/backups/sets/1");
  for (const auto& file : *files) {
    if (!(set / file.path).lexically_normal().string().starts_with("/backups/")) __builtin_trap();
  }
  return 0;
}
