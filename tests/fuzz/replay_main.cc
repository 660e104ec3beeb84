// Runs a fuzzer's entry over the files named on the command line, and over those in the folders named there: as they
// are, then cut short at every byte and with every byte changed in a few ways. Without libFuzzer this is what finds.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t largest_altered = 4'096;  // bytes; larger files run as they are

void run(const std::string& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

void run_altered(std::string bytes) {
  for (std::size_t size = 0; size < bytes.size(); ++size) run(bytes.substr(0, size));
  for (auto& byte : bytes) {
    const char original = byte;
    for (const char other : {static_cast<char>(original ^ 1), static_cast<char>(original ^ 0x80), '\n', '"', '9'}) {
      byte = other;
      run(bytes);
    }
    byte = original;
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::filesystem::path> files;
  for (int i = 1; i < argc; ++i) {
    if (!std::filesystem::is_directory(argv[i])) {
      files.emplace_back(argv[i]);
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) files.push_back(entry.path());
  }
  for (const auto& path : files) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
      std::fprintf(stderr, "cannot read %s\n", path.c_str());
      return 2;
    }
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    run(bytes);
    if (bytes.size() <= largest_altered) run_altered(bytes);
  }
  std::printf("%zu files\n", files.size());
  return files.empty() ? 2 : 0;
}
