#include "api/record_view.h"

#include "api/json.h"

namespace headgate::api {
namespace {

// The string at `at`, which is moved past it; nothing when there is none.
bool take_string(std::string_view text, std::size_t& at, std::string& out) {
  if (at >= text.size() || text[at] != '"') return false;
  std::size_t end = at + 1;
  bool escaped = false;
  while (end < text.size() && text[end] != '"') {
    escaped = escaped || text[end] == '\\';
    end += text[end] == '\\' ? 2 : 1;
  }
  if (end >= text.size()) return false;
  const auto literal = text.substr(at, end + 1 - at);
  at = end + 1;
  if (!escaped) {
    out.assign(literal.substr(1, literal.size() - 2));
    return true;
  }
  const auto value = parse_json(literal);
  if (!value || !value->string()) return false;
  out = *value->string();
  return true;
}

std::string short_type(const std::string& type) {
  constexpr std::string_view prefix = "dev.headgate.";
  const auto version = type.rfind(".v");
  if (!type.starts_with(prefix) || version == std::string::npos || version < prefix.size()) return type;
  return type.substr(prefix.size(), version - prefix.size());
}

}  // namespace

Result<RecordView> view_record(std::string_view record) {
  RecordView view;
  std::size_t at = 0;
  const auto broken = [&] {
    return fail(ErrorCode::corrupt, "record " + view.id + ": not a CloudEvents document at byte " + std::to_string(at));
  };
  const auto take = [&](char c) {
    if (at >= record.size() || record[at] != c) return false;
    ++at;
    return true;
  };
  if (!take('{')) return broken();
  std::string key;
  std::string ignored;
  while (true) {
    if (!take_string(record, at, key) || !take(':')) return broken();
    if (key == "data") {
      if (record.size() < at + 3 || !record.ends_with('}')) return broken();
      view.data = record.substr(at, record.size() - at - 1);
      break;
    }
    std::string& value = key == "id"            ? view.id
                         : key == "type"        ? view.type
                         : key == "time"        ? view.time
                         : key == "subject"     ? view.subject
                         : key == "actor"       ? view.actor
                         : key == "cause"       ? view.cause
                         : key == "correlation" ? view.correlation
                         : key == "service"     ? view.service
                         : key == "environment" ? view.environment
                                                : ignored;
    if (!take_string(record, at, value) || !take(',')) return broken();
  }
  view.type = short_type(view.type);
  return view;
}

}  // namespace headgate::api
