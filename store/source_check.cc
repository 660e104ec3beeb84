#include "store/source_check.h"

#include <fmt/core.h>

#include "store/codec.h"

namespace headgate::store {
namespace {

constexpr std::string_view kCreated = "dev.headgate.log.created.v";
constexpr std::string_view kSuffix = "/log";

}  // namespace

void SourceSteps::add(const Envelope& envelope, std::string_view record) {
  const bool created = envelope.type.starts_with(kCreated);
  if (!created && !steps_.empty() && steps_.back().source == envelope.source) return;
  steps_.push_back({envelope.position, std::string(envelope.source), std::string(created ? record : "")});
}

Result<void> SourceCheck::next(const SourceSteps& of_records) {
  for (const auto& step : of_records.steps()) HEADGATE_TRY_VOID(next(step));
  return {};
}

Result<void> SourceCheck::next(const SourceSteps::Step& step) {
  if (!step.created.empty()) {
    HEADGATE_TRY(const auto record, decode(step.created));
    const auto& created = std::get<LogCreated>(record.event);
    if (step.position == 0 || created.previous) origin_ = created.origin;
  } else if (step.position == 0 && step.source.ends_with(kSuffix)) {
    origin_ = step.source.substr(0, step.source.size() - kSuffix.size());
  }
  if (step.source == origin_ + std::string(kSuffix)) return {};
  return fail(ErrorCode::corrupt, fmt::format("record {} is of the source {}, the log's origin there is {}",
                                              step.position, step.source, origin_));
}

}  // namespace headgate::store
