#include "api/moment.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace headgate::api {

Result<Moment> find_moment(const Core& core, const std::string& at) {
  const Position size = core.deps.engine.position();
  if (std::ranges::all_of(at, [](char c) { return c >= '0' && c <= '9'; })) {
    Position position = 0;
    const auto [end, error] = std::from_chars(at.data(), at.data() + at.size(), position);
    if (error != std::errc{} || position >= size) {
      return fail(ErrorCode::not_found, fmt::format("no event {}: the log ends at {}", at, size - 1));
    }
    return Moment{position + 1, {}};
  }
  const auto time = parse_timestamp(at);
  if (!time) {
    return fail(
        ErrorCode::invalid_input,
        "query parameter 'at': found '" + at.substr(0, 64) + "', expected a position or a time",
        {{"at", "'" + at.substr(0, 64) + "'", "a position, or a time of RFC 3339 such as 2026-11-20T14:55:01Z"}});
  }
  if (*time > core.now()) return fail(ErrorCode::not_found, fmt::format("{} has not come yet", at));
  HEADGATE_TRY(const auto next, core.deps.log.position_at(*time + Duration(1)));
  if (next == 0) return fail(ErrorCode::not_found, fmt::format("the log begins after {}", at));
  return Moment{std::min(next, size), *time};
}

Result<State> state_of(const Core& core, const Moment& moment) {
  return runtime::state_at(core.deps.log, core.deps.snapshots, moment.next);
}

}  // namespace headgate::api
