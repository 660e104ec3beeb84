// A small command line: --name VALUE, --switch, and words.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace greeter {

struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Options {
 public:
  // `values` take one, `switches` take none. UsageError for anything else that begins with '-'.
  Options(int argc, char** argv, int first, std::initializer_list<std::string_view> values,
          std::initializer_list<std::string_view> switches);

  bool has(std::string_view name) const { return values_.contains(name) || switches_.contains(name); }
  const std::string& required(std::string_view name) const;
  std::string text(std::string_view name) const;  // empty when it was not given
  std::uint32_t number(std::string_view name, std::uint32_t low, std::uint32_t high, std::uint32_t otherwise) const;
  const std::vector<std::string>& words() const { return words_; }

 private:
  std::map<std::string, std::string, std::less<>> values_;
  std::set<std::string, std::less<>> switches_;
  std::vector<std::string> words_;
};

}  // namespace greeter
