// Runs a fuzzer's entry over the files named on the command line, and over those below the folders named there: as they
// are, then cut short at every byte and with every byte changed in a few ways. Without libFuzzer this is what finds.
// -places=N: of the files that are named behind it, only so many bytes each, spread evenly; for seeds that are many.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t largest_altered = 4'096;  // bytes, at every one; larger files run as they are
constexpr std::string_view places_option = "-places=";

struct Seed {
  std::filesystem::path path;
  std::size_t places = 0;  // 0: every byte
};

void run(const std::string& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

void run_altered(std::string bytes, std::size_t step) {
  for (std::size_t size = 0; size < bytes.size(); size += step) run(bytes.substr(0, size));
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    const char original = bytes[at];
    for (const char other : {static_cast<char>(original ^ 1), static_cast<char>(original ^ 0x80), '\n', '"', '9'}) {
      bytes[at] = other;
      run(bytes);
    }
    bytes[at] = original;
  }
}

std::vector<Seed> seeds_of(int argc, char** argv) {
  std::vector<Seed> seeds;
  std::size_t places = 0;
  for (int i = 1; i < argc; ++i) {
    if (const std::string_view argument = argv[i]; argument.starts_with(places_option)) {
      places = std::strtoul(argv[i] + places_option.size(), nullptr, 10);
    } else if (!std::filesystem::is_directory(argv[i])) {
      seeds.push_back({argv[i], places});
    } else {
      for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i])) {
        if (!entry.is_directory()) seeds.push_back({entry.path(), places});
      }
    }
  }
  std::ranges::sort(seeds, {}, &Seed::path);
  return seeds;
}

}  // namespace

int main(int argc, char** argv) {
  const auto seeds = seeds_of(argc, argv);
  for (const auto& [path, places] : seeds) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
      std::fprintf(stderr, "cannot read %s\n", path.c_str());
      return 2;
    }
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    run(bytes);
    if (places > 0) {
      run_altered(bytes, std::max<std::size_t>(1, bytes.size() / places));
    } else if (bytes.size() <= largest_altered) {
      run_altered(bytes, 1);
    }
  }
  std::printf("%zu files\n", seeds.size());
  return seeds.empty() ? 2 : 0;
}
