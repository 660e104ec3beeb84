#include "reconciler/documents_unsupported.h"

#include <algorithm>
#include <array>

namespace headgate::reconciler {
namespace {

using Words = std::string_view;

constexpr std::array kTraffic{Words("haproxy")};
constexpr std::array kEnvironment{Words("selfHeal"), Words("ignoreDifferences")};
constexpr std::array kDriver{Words("container"), Words("webhook")};

constexpr std::array kTable{
    UnsupportedFields{"traffic", kTraffic},
    UnsupportedFields{"an environment's spec", kEnvironment},
    UnsupportedFields{"a driver", kDriver},
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

}  // namespace headgate::reconciler
