#include "api/http.h"

#include <algorithm>

#include "api/problem.h"

namespace headgate::api {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_in_any_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

bool Fields::same(std::string_view stored, std::string_view asked) const {
  return names_ == Names::exact ? stored == asked : equal_in_any_case(stored, asked);
}

void Fields::add(std::string name, std::string value) {
  if (names_ == Names::any_case) std::ranges::transform(name, name.begin(), lower);
  entries_.emplace_back(std::move(name), std::move(value));
}

std::size_t Fields::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(entries_, [&](const Entry& entry) { return same(entry.first, name); }));
}

Result<std::optional<std::string_view>> Fields::one(std::string_view name) const {
  std::optional<std::string_view> found;
  for (const Entry& entry : entries_) {
    if (!same(entry.first, name)) continue;
    if (found) {
      const std::string text(name);
      return fail(ErrorCode::invalid_input, "'" + text + "' was sent more than once; send it once",
                  {{text, std::to_string(count(name)) + " values", "one value"}});
    }
    found = entry.second;
  }
  return found;
}

const std::string& Request::parameter(std::string_view name) const {
  const auto it = std::ranges::find(parameters, name, [](const auto& entry) { return std::string_view(entry.first); });
  HEADGATE_CHECK(it != parameters.end());
  return it->second;
}

Response Response::of(int status, std::string content_type, std::string body) {
  Response response;
  response.status = status;
  response.headers.emplace_back("Content-Type", std::move(content_type));
  response.body = std::move(body);
  return response;
}

const std::string* Response::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (equal_in_any_case(key, name)) return &value;
  }
  return nullptr;
}

Response& Response::set(std::string name, std::string value) {
  std::erase_if(headers, [&](const auto& entry) { return equal_in_any_case(entry.first, name); });
  headers.emplace_back(std::move(name), std::move(value));
  return *this;
}

Reply& Reply::operator=(Reply&& other) noexcept {
  if (this != &other) {
    abandon();
    complete_ = std::exchange(other.complete_, nullptr);
  }
  return *this;
}

void Reply::operator()(Response response) {
  HEADGATE_CHECK(complete_ != nullptr);
  const auto complete = std::exchange(complete_, nullptr);
  complete(std::move(response));
}

void Reply::abandon() noexcept {
  if (!complete_) return;
  const auto complete = std::exchange(complete_, nullptr);
  complete(problem(500, "the request was dropped before it was answered; whether it took effect is unknown"));
}

}  // namespace headgate::api
