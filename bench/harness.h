// What every benchmark needs: which rows are wanted, medians of interleaved runs, and summary.json.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::bench {

struct Row {
  std::string name{};
  double value = 0;
  std::string unit{};
  std::string floor{};  // what the value is held against, or why it is not; empty: nothing
  std::optional<double> floor_value{};
  double ratio = 0;  // value over floor; of times floor over value, so that more is better everywhere
  int runs = 0;
  double spread = 0;  // (largest - smallest) / median of the value's runs
};

enum class Better { more, less };

class Harness {
 public:
  // Rows whose names match `glob` are wanted; `out` is the file they go to, data is kept beside it while it is needed.
  Harness(std::string glob, std::filesystem::path out);
  ~Harness();
  Harness(const Harness&) = delete;
  Harness& operator=(const Harness&) = delete;

  bool wants(std::string_view name) const;
  // True when any of prefix/<suffix> is wanted, so that what they share is prepared once.
  bool wants_any(const std::vector<std::string>& names) const;

  // A new empty folder on the disk where `out` is.
  std::filesystem::path fresh_dir();

  // `runs` runs; the median is the value. Nothing when the row is not wanted.
  void measure(const std::string& name, const std::string& unit, const std::function<double()>& run, int runs = 5);
  // Value and floor take turns. Without `run_floor`, `floor` says why there is none.
  void compare(const std::string& name, const std::string& unit, Better better, const std::function<double()>& run,
               const std::string& floor, const std::function<double()>& run_floor, int runs = 5);
  void add(Row row);

  // Puts the rows into the file; rows of other names that are there already stay.
  void write() const;

 private:
  const std::string glob_;
  const std::filesystem::path out_;
  const std::filesystem::path data_;
  int folders_ = 0;
  std::vector<Row> rows_;
};

double seconds_of(const std::function<void()>& work);
double median(std::vector<double> values);
double percentile(std::vector<double> values, double p);  // 0 < p <= 100

}  // namespace headgate::bench
