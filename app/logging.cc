#include "app/logging.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <boost/json.hpp>
#include <chrono>
#include <string>

#include "app/table.h"
#include "engine/base/utf8.h"
#include "engine/domain/time.h"

namespace headgate::app {

Log::Log(LogFormat format) : format_(format) {
  auto logger = spdlog::stderr_logger_mt("headgate");
  // The line is made whole below: a JSON object needs its escapes, which a pattern does not know.
  logger->set_pattern("%v");
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
}

void Log::info(std::string_view message, std::string_view correlation) {
  write(spdlog::level::info, message, correlation);
}
void Log::warning(std::string_view message, std::string_view correlation) {
  write(spdlog::level::warn, message, correlation);
}
void Log::error(std::string_view message, std::string_view correlation) {
  write(spdlog::level::err, message, correlation);
}

void Log::write(int level, std::string_view message, std::string_view correlation) {
  const auto severity = static_cast<spdlog::level::level_enum>(level);
  const std::string_view name = severity == spdlog::level::err    ? "error"
                                : severity == spdlog::level::warn ? "warning"
                                                                  : "info";
  // What names a damaged file may be anything; JSON takes UTF-8 alone.
  const auto text = valid_utf8(message, std::string::npos);
  const auto now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  std::string line;
  if (format_ == LogFormat::json) {
    boost::json::object object;
    object["time"] = format_timestamp(now);
    object["level"] = name;
    object["message"] = text;
    if (!correlation.empty()) object["correlation"] = correlation;
    object["position"] = position_.load();
    line = boost::json::serialize(object);
  } else {
    line = format_timestamp(now).substr(11, 12) + "  " + std::string(name) + "  " + text;
    if (!correlation.empty()) line += "  [" + std::string(correlation) + "]";
    line = printable(line);  // a line break inside a message must not forge a line of its own
  }
  spdlog::log(severity, "{}", line);
}

}  // namespace headgate::app
