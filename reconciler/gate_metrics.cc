#include "reconciler/gate_metrics.h"

#include <boost/json/basic_parser_impl.hpp>

namespace headgate::reconciler {
namespace {

namespace json = boost::json;
using json::error_code;

constexpr std::size_t kMaxNameBytes = 63;

// Follows the keys and keeps the numbers at depth two below "metrics".
class Metrics {
 public:
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return enter(); }
  bool on_object_end(std::size_t, error_code&) { return leave(); }
  bool on_array_begin(error_code&) { return enter(true); }
  bool on_array_end(std::size_t, error_code&) { return leave(); }
  bool on_key_part(json::string_view part, std::size_t, error_code&) {
    key_.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view rest, std::size_t, error_code&) {
    key_.append(rest.data(), rest.size());
    if (depth_ == 1) in_metrics_ = key_ == "metrics";
    name_ = std::exchange(key_, {});
    return true;
  }
  bool on_string_part(json::string_view, std::size_t, error_code&) { return true; }
  bool on_string(json::string_view, std::size_t, error_code&) { return true; }
  bool on_number_part(json::string_view part, error_code&) {
    number_.append(part.data(), part.size());
    return true;
  }
  bool on_int64(std::int64_t, json::string_view rest, error_code&) { return number(rest); }
  bool on_uint64(std::uint64_t, json::string_view rest, error_code&) { return number(rest); }
  bool on_double(double, json::string_view rest, error_code&) { return number(rest); }
  bool on_bool(bool, error_code&) { return true; }
  bool on_null(error_code&) { return true; }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }

  std::map<std::string, Decimal, std::less<>> found;

 private:
  bool enter(bool list = false) {
    if (depth_ == 1 && list) in_metrics_ = false;
    ++depth_;
    return true;
  }
  bool leave() {
    if (--depth_ == 1) in_metrics_ = false;
    return true;
  }
  bool number(json::string_view rest) {
    number_.append(rest.data(), rest.size());
    Decimal decimal{std::exchange(number_, {})};
    const bool wanted = depth_ == 2 && in_metrics_ && !name_.empty() && name_.size() <= kMaxNameBytes;
    if (wanted && found.size() < max_gate_metrics && is_decimal(decimal.text)) found.emplace(name_, std::move(decimal));
    return true;
  }

  std::size_t depth_ = 0;
  bool in_metrics_ = false;
  std::string key_;
  std::string name_;
  std::string number_;
};

}  // namespace

std::map<std::string, Decimal, std::less<>> gate_metrics(std::string_view evidence) {
  json::parse_options options;
  options.max_depth = 32;
  json::basic_parser<Metrics> parser{options};
  json::error_code error;
  parser.write_some(false, evidence.data(), evidence.size(), error);
  if (error) return {};
  return std::move(parser.handler().found);
}

}  // namespace headgate::reconciler
