#include "reconciler/documents_unsupported.h"

#include <algorithm>
#include <array>

namespace headgate::reconciler {
namespace {

using Words = std::string_view;

constexpr std::array kMetadata{Words("formerly")};
constexpr std::array kService{Words("source"), Words("dependsOn"), Words("analysis")};
constexpr std::array kGate{Words("schedule"), Words("run")};
constexpr std::array kStage{Words("maxConcurrent"), Words("downtime"), Words("objectives"),
                            Words("driver")};
constexpr std::array kTrigger{Words("branch"), Words("tag"), Words("after"), Words("soak"), Words("schedule")};
constexpr std::array kStrategy{Words("canary"), Words("blueGreen"), Words("rolling")};
constexpr std::array kEnvironment{Words("traffic"),       Words("locations"), Words("onLocationFailure"),
                                  Words("prometheus"),    Words("selfHeal"),  Words("ignoreDifferences"),
                                  Words("maxConcurrent"), Words("monitors"),  Words("maintenance")};
constexpr std::array kDriver{Words("container"), Words("webhook")};
constexpr std::array kGrant{Words("requireClaims")};

constexpr std::array kTable{
    UnsupportedFields{"metadata", kMetadata},
    UnsupportedFields{"a service's spec", kService},
    UnsupportedFields{"a gate", kGate},
    UnsupportedFields{"a stage", kStage},
    UnsupportedFields{"a trigger", kTrigger},
    UnsupportedFields{"a strategy", kStrategy},
    UnsupportedFields{"an environment's spec", kEnvironment},
    UnsupportedFields{"a driver", kDriver},
    UnsupportedFields{"a grant", kGrant},
};

}  // namespace

std::span<const UnsupportedFields> unsupported_fields() {
  return kTable;
}

bool is_unsupported_field(std::string_view section, std::string_view field) {
  const auto row = std::ranges::find(kTable, section, &UnsupportedFields::section);
  return row != kTable.end() && std::ranges::find(row->fields, field) != row->fields.end();
}

bool is_unsupported_kind(std::string_view kind) {
  return kind == "NotificationPolicy";
}

bool is_unsupported_placeholder(std::string_view placeholder) {
  return placeholder == "location" || placeholder == "slot";
}

}  // namespace headgate::reconciler
