// Points and lengths of time. The domain never reads a clock: a Timestamp comes in with each command.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/domain/error.h"

namespace headgate {

using Duration = std::chrono::microseconds;
// UTC, microseconds since 1970-01-01T00:00:00Z, without leap seconds.
using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;

// RFC 3339 in UTC with exactly six digits of fraction: 2026-11-20T14:55:01.123456Z (27 characters, years 0000 to 9999).
std::string format_timestamp(Timestamp time);
inline constexpr std::size_t timestamp_length = 27;
void write_timestamp(Timestamp time, std::span<char, timestamp_length> text);  // the same, into a buffer
// Accepts RFC 3339 with any offset and fraction; what is finer than a microsecond is cut off.
Result<Timestamp> parse_timestamp(std::string_view text);

// The notation of the documents: 90s is written 1m30s; units d, h, m, s, ms, largest first, each once.
std::string format_duration(Duration duration);
Result<Duration> parse_duration(std::string_view text);

}  // namespace headgate
