// Lists come in pages: `limit` rows, and a cursor that leads on from the last of them. To clients a cursor is opaque.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/json_writer.h"
#include "api/query_reader.h"

namespace headgate::api {

inline constexpr std::size_t default_limit = 50;
inline constexpr std::size_t max_limit = 500;
// Rows that one page looks at, however few of them it shows: a filter that fits nothing ends in a short page with a
// `next`, not in a long request.
inline constexpr std::size_t max_scanned = 5'000;

struct PageRequest {
  std::size_t limit = default_limit;
  std::optional<std::string> after;  // what the page before gave to write_next
};

// `kind` tells the lists' cursors apart: a cursor of another list is refused.
PageRequest read_page(QueryReader& query, std::string_view kind);

// Of a list whose cursors are positions; nullopt on the first page. A cursor that is none is refused.
std::optional<Position> position_of(const PageRequest& page, QueryReader& query);

std::string cursor_of(std::string_view kind, std::string_view after);
// "next": the cursor, or null on the last page.
void write_next(JsonWriter& json, std::string_view kind, const std::optional<std::string>& after);

}  // namespace headgate::api
