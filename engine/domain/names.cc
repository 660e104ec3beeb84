#include "engine/domain/names.h"

#include <algorithm>
#include <charconv>

namespace headgate {
namespace {

bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool is_alphanumeric(char c) {
  return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::unexpected<Error> bad_id(std::string_view text, const char* expected) {
  return fail(ErrorCode::invalid_input, "'" + std::string(text) + "' is not " + expected);
}

// A decimal as sign, significant digits without leading or trailing zeros, and the exponent of the digit before them:
// value = 0.digits * 10^exponent.
struct Scientific {
  bool negative = false;
  std::string digits;
  long long exponent = 0;
};

Scientific scientific(std::string_view text) {
  Scientific value;
  if (!text.empty() && text.front() == '-') {
    value.negative = true;
    text.remove_prefix(1);
  }
  long long shift = 0;
  if (const auto e = text.find_first_of("eE"); e != std::string_view::npos) {
    auto power = text.substr(e + 1);
    if (!power.empty() && power.front() == '+') power.remove_prefix(1);
    std::from_chars(power.data(), power.data() + power.size(), shift);
    text = text.substr(0, e);
  }
  const auto dot = std::min(text.find('.'), text.size());
  value.digits = text.substr(0, dot);
  if (dot < text.size()) value.digits += text.substr(dot + 1);
  const auto leading = std::min(value.digits.find_first_not_of('0'), value.digits.size());
  value.exponent = static_cast<long long>(dot) - static_cast<long long>(leading) + shift;
  value.digits.erase(0, leading);
  while (!value.digits.empty() && value.digits.back() == '0') value.digits.pop_back();
  if (value.digits.empty()) return {};
  return value;
}

}  // namespace

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 63 && is_lower_or_digit(text.front()) && is_lower_or_digit(text.back()) &&
         std::ranges::all_of(text, [](char c) { return is_lower_or_digit(c) || c == '-'; });
}

bool is_version(std::string_view text) {
  return !text.empty() && text.size() <= 128 && is_alphanumeric(text.front()) && std::ranges::all_of(text, [](char c) {
    return is_alphanumeric(c) || c == '.' || c == '_' || c == '+' || c == '-';
  });
}

std::string to_string(const TargetId& id) {
  if (id.service.empty()) return id.environment;  // of an incident
  return id.service + "/" + id.environment;
}
std::string to_string(const PromotionId& id) {
  return to_string(id.target) + "/" + std::to_string(id.number);
}
std::string to_string(const StepId& id) {
  return to_string(id.promotion) + "/" + id.step;
}
std::string to_string(const ReleaseId& id) {
  return id.service + "/" + id.version;
}

std::string document_name(const TargetId& id) {
  return id.service + "." + id.environment;
}

TargetId target_of(std::string_view document_name) {
  const auto dot = std::min(document_name.find('.'), document_name.size());
  const auto behind = std::min(dot + 1, document_name.size());
  return {std::string(document_name.substr(0, dot)), std::string(document_name.substr(behind))};
}

Result<TargetId> parse_target_id(std::string_view text) {
  const auto parts = split(text, '/');
  if (parts.size() != 2 || !is_name(parts[0]) || !is_name(parts[1])) {
    return bad_id(text, "a target: expected service/environment");
  }
  return TargetId{std::string(parts[0]), std::string(parts[1])};
}

Result<PromotionId> parse_promotion_id(std::string_view text) {
  const auto parts = split(text, '/');
  PromotionId id;
  if (parts.size() == 3 && is_name(parts[0]) && is_name(parts[1])) {
    const auto number = parts[2];
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), id.number);
    if (error == std::errc{} && end == number.data() + number.size() && id.number > 0) {
      id.target = {std::string(parts[0]), std::string(parts[1])};
      return id;
    }
  }
  return bad_id(text, "a promotion: expected service/environment/number");
}

bool is_decimal(std::string_view text) {
  if (text.empty() || text.size() > 64) return false;
  std::size_t at = text.front() == '-' ? 1 : 0;
  const auto digits = [&] {
    const auto begin = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at - begin;
  };
  if (digits() == 0) return false;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (digits() == 0) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const auto power = digits();
    if (power == 0 || power > 4) return false;
  }
  return at == text.size();
}

std::strong_ordering compare(const Decimal& a, const Decimal& b) {
  HEADGATE_CHECK(is_decimal(a.text) && is_decimal(b.text));
  const auto x = scientific(a.text);
  const auto y = scientific(b.text);
  const auto sign = [](const Scientific& s) { return s.digits.empty() ? 0 : s.negative ? -1 : 1; };
  if (sign(x) != sign(y)) return sign(x) <=> sign(y);
  if (sign(x) == 0) return std::strong_ordering::equal;
  const auto magnitude = x.exponent != y.exponent ? x.exponent <=> y.exponent : x.digits <=> y.digits;
  return x.negative ? 0 <=> magnitude : magnitude;
}

}  // namespace headgate
