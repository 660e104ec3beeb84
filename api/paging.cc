#include "api/paging.h"

#include <charconv>

#include "engine/base/base64.h"

namespace headgate::api {
namespace {

void refuse_cursor(QueryReader& query) {
  query.refuse("cursor", "no cursor of this list", "the text that 'next' of the page before held");
}

}  // namespace

PageRequest read_page(QueryReader& query, std::string_view kind) {
  PageRequest page;
  page.limit = query.number("limit", 1, max_limit).value_or(default_limit);
  const auto cursor = query.text("cursor");
  if (!cursor) return page;
  auto text = cursor->size() <= 1024 ? decode_base64url(*cursor) : std::nullopt;
  const auto prefix = std::string(kind) + ":";
  if (!text || !text->starts_with(prefix)) {
    refuse_cursor(query);
    return page;
  }
  page.after = text->substr(prefix.size());
  return page;
}

std::optional<Position> position_of(const PageRequest& page, QueryReader& query) {
  if (!page.after) return std::nullopt;
  Position position = 0;
  const auto* end = page.after->data() + page.after->size();
  const auto [at, error] = std::from_chars(page.after->data(), end, position);
  if (error == std::errc{} && at == end) return position;
  refuse_cursor(query);
  return std::nullopt;
}

std::string cursor_of(std::string_view kind, std::string_view after) {
  return encode_base64url(std::string(kind) + ":" + std::string(after));
}

void write_next(JsonWriter& json, std::string_view kind, const std::optional<std::string>& after) {
  json.key("next");
  if (after) {
    json.value(cursor_of(kind, *after));
  } else {
    json.value(nullptr);
  }
}

}  // namespace headgate::api
