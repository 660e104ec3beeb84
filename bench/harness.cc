#include "bench/harness.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <cmath>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

#include "engine/base/glob.h"
#include "engine/domain/time.h"

namespace headgate::bench {
namespace {

double memory_bytes() {
  return static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

// The median of an fdatasync after 512 bytes more, where the benchmarks keep their data.
double sync_latency_us(const std::filesystem::path& dir) {
  const auto path = dir / "sync-latency";
  const int fd = ::open(path.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) throw std::runtime_error("cannot write to " + dir.string());
  const std::string block(512, 'x');
  std::vector<double> latencies;
  for (int i = 0; i < 200; ++i) {
    latencies.push_back(seconds_of([&] {
      if (::write(fd, block.data(), block.size()) != 512 || ::fdatasync(fd) != 0) {
        throw std::runtime_error("cannot sync " + path.string());
      }
    }));
  }
  ::close(fd);
  std::filesystem::remove(path);
  return median(latencies) * 1e6;
}

// Four significant digits: more would be noise.
double rounded(double value) {
  if (value == 0 || !std::isfinite(value)) return 0;
  const double unit = std::pow(10, 3 - std::floor(std::log10(std::fabs(value))));
  return std::round(value * unit) / unit;
}

boost::json::object to_json(const Row& row) {
  boost::json::object json{{"name", row.name}, {"value", rounded(row.value)}, {"unit", row.unit}};
  json["floor"] = row.floor.empty() ? boost::json::value(nullptr) : boost::json::value(row.floor);
  json["floor_value"] = row.floor_value ? boost::json::value(rounded(*row.floor_value)) : boost::json::value(nullptr);
  json["ratio"] = row.floor_value ? boost::json::value(rounded(row.ratio)) : boost::json::value(nullptr);
  json["runs"] = row.runs;
  json["spread"] = rounded(row.spread);
  return json;
}

boost::json::array earlier_results(const std::filesystem::path& out) {
  std::ifstream file(out, std::ios::binary);
  if (!file.is_open()) return {};
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  boost::json::error_code error;
  const auto summary = boost::json::parse(text, error);
  if (error || !summary.is_object()) return {};
  const auto* results = summary.as_object().if_contains("results");
  return results != nullptr && results->is_array() ? results->as_array() : boost::json::array{};
}

double spread_of(const std::vector<double>& values) {
  const auto [least, most] = std::ranges::minmax(values);
  const auto middle = median(values);
  return middle == 0 ? 0 : (most - least) / middle;
}

}  // namespace

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const auto middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double percentile(std::vector<double> values, double p) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const auto rank = static_cast<std::size_t>(std::ceil(p / 100 * static_cast<double>(values.size())));
  return values[std::clamp<std::size_t>(rank, 1, values.size()) - 1];
}

Harness::Harness(std::string glob, std::filesystem::path out)
    : glob_(std::move(glob)),
      out_(std::filesystem::absolute(out)),
      data_(out_.parent_path() / fmt::format("data-{}", ::getpid())) {
  std::filesystem::create_directories(data_);
}

Harness::~Harness() {
  std::error_code ignored;
  std::filesystem::remove_all(data_, ignored);
}

bool Harness::wants(std::string_view name) const {
  return matches_glob(glob_, name);
}

bool Harness::wants_any(const std::vector<std::string>& names) const {
  return std::ranges::any_of(names, [&](const auto& name) { return wants(name); });
}

std::filesystem::path Harness::fresh_dir() {
  auto dir = data_ / std::to_string(folders_++);
  std::filesystem::create_directories(dir);
  return dir;
}

void Harness::measure(const std::string& name, const std::string& unit, const std::function<double()>& run, int runs) {
  if (!wants(name)) return;
  std::vector<double> values;
  for (int i = 0; i < runs; ++i) values.push_back(run());
  add({.name = name, .value = median(values), .unit = unit, .runs = runs, .spread = spread_of(values)});
}

void Harness::compare(const std::string& name, const std::string& unit, Better better,
                      const std::function<double()>& run, const std::string& floor,
                      const std::function<double()>& run_floor, int runs) {
  if (!wants(name)) return;
  std::vector<double> values;
  std::vector<double> floors;
  for (int i = 0; i < runs; ++i) {
    if (run_floor) floors.push_back(run_floor());
    values.push_back(run());
  }
  Row row{.name = name, .value = median(values), .unit = unit, .floor = floor};
  if (run_floor) {
    row.floor_value = median(floors);
    row.ratio = better == Better::more ? row.value / *row.floor_value : *row.floor_value / row.value;
  }
  row.runs = runs;
  row.spread = spread_of(values);
  add(std::move(row));
}

void Harness::add(Row row) {
  fmt::print(stderr, "{:<20} {:>12.4g} {:<12} spread {:.0f} %", row.name, row.value, row.unit, row.spread * 100);
  if (row.floor_value) {
    fmt::print(stderr, "   ratio {:.3f} of {:.4g} ({})", row.ratio, *row.floor_value, row.floor);
  } else if (!row.floor.empty()) {
    fmt::print(stderr, "   no floor ({})", row.floor);
  }
  fmt::print(stderr, "\n");
  rows_.push_back(std::move(row));
}

void Harness::write() const {
  boost::json::array results;
  for (auto& earlier : earlier_results(out_)) {
    const auto* name = earlier.is_object() ? earlier.as_object().if_contains("name") : nullptr;
    const bool measured_again =
        name == nullptr || !name->is_string() ||
        std::ranges::any_of(rows_, [&](const Row& row) { return row.name == name->as_string(); });
    if (!measured_again) results.push_back(earlier);
  }
  for (const auto& row : rows_) results.push_back(to_json(row));
  const auto now = std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  const boost::json::object summary{{"taken", format_timestamp(now)},
                                    {"machine",
                                     {{"cores", std::thread::hardware_concurrency()},
                                      {"memory", memory_bytes()},
                                      {"sync_latency_us", rounded(sync_latency_us(data_))}}},
                                    {"results", std::move(results)}};
  std::ofstream file(out_, std::ios::binary | std::ios::trunc);
  file << boost::json::serialize(summary) << '\n';
  if (!file.flush()) throw std::runtime_error("cannot write " + out_.string());
}

}  // namespace headgate::bench
