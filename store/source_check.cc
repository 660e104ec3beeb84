#include "store/source_check.h"

#include <fmt/core.h>

#include <algorithm>

#include "store/codec.h"
#include "store/envelope.h"

namespace headgate::store {
namespace {

constexpr std::string_view kBeforeId = R"({"specversion":"1.0","id":")";
constexpr std::string_view kBeforeSource = R"(","source":")";
constexpr std::string_view kCreated = R"("type":"dev.headgate.log.created.v)";
constexpr std::string_view kSuffix = "/log";

// The source and what follows, of a record whose attributes can be read.
std::string_view from_source(std::string_view record) {
  const auto end_of_id = record.find('"', kBeforeId.size());
  return record.substr(std::min(record.size(), end_of_id + kBeforeSource.size()));
}

}  // namespace

Result<void> SourceCheck::next(Position position, std::string_view record) {
  const auto rest = from_source(record);
  // The rest of the 65,535 bytes of a record is not looked through where its source is the one before.
  const bool as_before = !stored_.empty() && rest.starts_with(stored_);
  if (as_before && !rest.substr(stored_.size()).starts_with(kCreated)) return {};

  Envelope envelope;
  if (const auto wrong = read_envelope(record, envelope); !wrong.empty()) {
    return fail(ErrorCode::corrupt, fmt::format("record {}: {}", position, wrong));
  }
  HEADGATE_TRY(const auto decoded, decode(record));
  const auto* created = std::get_if<LogCreated>(&decoded.event);
  if (position == 0 && created) {
    origin_ = created->origin;
  } else if (position == 0 && envelope.source.ends_with(kSuffix)) {
    origin_ = envelope.source.substr(0, envelope.source.size() - kSuffix.size());
  } else if (created && created->previous) {
    origin_ = created->origin;
  }
  if (envelope.source != origin_ + std::string(kSuffix)) {
    return fail(ErrorCode::corrupt, fmt::format("record {} is of the source {}, the log's origin there is {}", position,
                                                envelope.source, origin_));
  }
  constexpr std::string_view after = R"(","type":)";
  stored_ = rest.substr(0, rest.find(after) + 2);  // with its closing quote and comma
  return {};
}

}  // namespace headgate::store
