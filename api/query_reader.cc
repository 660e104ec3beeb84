#include "api/query_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "api/json_reader.h"
#include "engine/base/nearest_name.h"
#include "engine/base/utf8.h"

namespace headgate::api {
namespace {

constexpr std::size_t max_found_bytes = 200;

std::string quoted(std::string_view text) {
  return fmt::format("'{}'", utf8_prefix(text, max_found_bytes));
}

}  // namespace

QueryReader::QueryReader(const Fields& query) : query_(query) {}

std::optional<std::string> QueryReader::text(std::string_view name) {
  if (std::ranges::find(asked_, name) == asked_.end()) asked_.emplace_back(name);
  const auto value = query_.one(name);
  if (!value) {
    errors_.insert(errors_.end(), value.error().fields.begin(), value.error().fields.end());
    return std::nullopt;
  }
  if (!*value || (*value)->empty()) return std::nullopt;
  return std::string(**value);
}

std::optional<std::uint64_t> QueryReader::number(std::string_view name, std::uint64_t min, std::uint64_t max) {
  const auto value = text(name);
  if (!value) return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
  if (error != std::errc{} || end != value->data() + value->size() || number < min || number > max) {
    const bool bounded = max != std::numeric_limits<std::uint64_t>::max();
    refuse(name, quoted(*value), bounded ? fmt::format("a number from {} to {}", min, max) : "a whole number");
    return std::nullopt;
  }
  return number;
}

std::optional<bool> QueryReader::flag(std::string_view name) {
  const auto value = text(name);
  if (!value) return std::nullopt;
  if (*value == "true") return true;
  if (*value == "false") return false;
  refuse(name, quoted(*value), "true or false");
  return std::nullopt;
}

std::optional<Timestamp> QueryReader::time(std::string_view name) {
  const auto value = text(name);
  if (!value) return std::nullopt;
  const auto time = parse_timestamp(*value);
  if (time) return *time;
  refuse(name, quoted(*value), "a time of RFC 3339, such as 2026-11-20T14:55:01Z");
  return std::nullopt;
}

void QueryReader::refuse(std::string_view name, std::string found, std::string expected) {
  errors_.push_back({std::string(name), std::move(found), std::move(expected)});
}

Result<void> QueryReader::finish() const {
  auto errors = errors_;
  for (const auto& [name, value] : query_.entries()) {
    if (std::ranges::find(asked_, name) != asked_.end() || errors.size() >= 100) continue;
    const auto nearest = nearest_name(name, {asked_.begin(), asked_.end()});
    errors.push_back({std::string(utf8_prefix(name, max_found_bytes)), "an unknown parameter",
                      nearest.empty() ? fmt::format("one of {}", fmt::join(asked_, ", ")) : quoted(nearest)});
  }
  if (errors.empty()) return {};
  const auto& first = errors.front();
  return fail(ErrorCode::invalid_input,
              fmt::format("query parameter '{}': found {}, expected {}", first.pointer, first.found, first.expected),
              std::move(errors));
}

}  // namespace headgate::api
