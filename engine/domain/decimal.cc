#include "engine/domain/decimal.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

namespace headgate {
namespace {

constexpr long max_digits = 200;

// digits x 10^exponent, the lowest digit first.
struct Number {
  std::vector<int> digits;
  long exponent = 0;
  bool negative = false;
};

Number number_of(const Decimal& decimal) {
  std::string_view text = decimal.text;
  Number n;
  if (text.starts_with('-')) {
    n.negative = true;
    text.remove_prefix(1);
  }
  if (const auto e = text.find_first_of("eE"); e != std::string_view::npos) {
    n.exponent = std::stol(std::string(text.substr(e + 1)));
    text = text.substr(0, e);
  }
  bool fraction = false;
  for (const char c : text) {
    if (c == '.') {
      fraction = true;
      continue;
    }
    n.digits.insert(n.digits.begin(), c - '0');
    if (fraction) --n.exponent;
  }
  while (n.digits.size() > 1 && n.digits.front() == 0) {
    n.digits.erase(n.digits.begin());
    ++n.exponent;
  }
  return n;
}

bool is_zero(const Number& n) {
  return std::ranges::all_of(n.digits, [](int digit) { return digit == 0; });
}

std::optional<Decimal> bounded(std::string text) {
  if (!is_decimal(text)) return std::nullopt;
  return Decimal{std::move(text)};
}

std::optional<Decimal> text_of(Number n) {
  while (n.digits.size() > 1 && n.digits.back() == 0) n.digits.pop_back();
  if (static_cast<long>(n.digits.size()) > max_digits) return std::nullopt;
  if (is_zero(n)) return Decimal{"0"};
  std::string text = n.negative ? "-" : "";
  for (auto at = n.digits.rbegin(); at != n.digits.rend(); ++at) text += static_cast<char>('0' + *at);
  // A short number reads better without a power.
  const auto whole = static_cast<long>(n.digits.size()) + n.exponent;
  if (n.exponent == 0) return bounded(text);
  if (n.exponent < 0 && whole > -6 && whole <= 18) {
    const auto sign = static_cast<long>(n.negative);
    if (whole <= 0) {
      text.insert(static_cast<std::size_t>(sign), "0." + std::string(static_cast<std::size_t>(-whole), '0'));
    } else {
      text.insert(static_cast<std::size_t>(sign + whole), ".");
    }
    return bounded(text);
  }
  return bounded(text + "e" + std::to_string(n.exponent));
}

int magnitude_order(const std::vector<int>& a, const std::vector<int>& b) {
  for (auto at = std::max(a.size(), b.size()); at-- > 0;) {
    const int x = at < a.size() ? a[at] : 0;
    const int y = at < b.size() ? b[at] : 0;
    if (x != y) return x < y ? -1 : 1;
  }
  return 0;
}

void normalize(std::vector<int>& digits) {
  int carry = 0;
  for (auto& digit : digits) {
    digit += carry;
    carry = digit < 0 ? -1 : digit / 10;
    digit -= carry * 10;
  }
  while (carry > 0) {
    digits.push_back(carry % 10);
    carry /= 10;
  }
}

}  // namespace

std::optional<Decimal> sum(const Decimal& a, const Decimal& b) {
  auto x = number_of(a);
  auto y = number_of(b);
  if (is_zero(x)) return text_of(std::move(y));
  if (is_zero(y)) return text_of(std::move(x));
  if (std::abs(x.exponent - y.exponent) > max_digits) return std::nullopt;
  const auto align = [](Number& n, long exponent) {
    n.digits.insert(n.digits.begin(), static_cast<std::size_t>(n.exponent - exponent), 0);
    n.exponent = exponent;
  };
  const auto exponent = std::min(x.exponent, y.exponent);
  align(x, exponent);
  align(y, exponent);
  const bool same_sign = x.negative == y.negative;
  if (!same_sign && magnitude_order(x.digits, y.digits) < 0) std::swap(x, y);
  x.digits.resize(std::max(x.digits.size(), y.digits.size()), 0);
  for (std::size_t i = 0; i < y.digits.size(); ++i) x.digits[i] += same_sign ? y.digits[i] : -y.digits[i];
  normalize(x.digits);
  return text_of(std::move(x));
}

std::optional<Decimal> product(const Decimal& a, const Decimal& b) {
  const auto x = number_of(a);
  const auto y = number_of(b);
  Number result;
  result.negative = x.negative != y.negative;
  result.exponent = x.exponent + y.exponent;
  result.digits.assign(x.digits.size() + y.digits.size(), 0);
  for (std::size_t i = 0; i < x.digits.size(); ++i) {
    for (std::size_t k = 0; k < y.digits.size(); ++k) result.digits[i + k] += x.digits[i] * y.digits[k];
  }
  normalize(result.digits);
  return text_of(std::move(result));
}

}  // namespace headgate
