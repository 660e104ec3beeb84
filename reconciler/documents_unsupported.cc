#include "reconciler/documents_unsupported.h"

#include <algorithm>
#include <array>

namespace headgate::reconciler {
namespace {

using Words = std::string_view;

constexpr std::array kStage{Words("downtime"), Words("objectives")};
constexpr std::array kEnvironment{Words("monitors")};

constexpr std::array kTable{
    UnsupportedFields{"a stage", kStage},
    UnsupportedFields{"an environment's spec", kEnvironment},
};

}  // namespace

std::span<const UnsupportedFields> unsupported_fields() {
  return kTable;
}

bool is_unsupported_field(std::string_view section, std::string_view field) {
  const auto row = std::ranges::find(kTable, section, &UnsupportedFields::section);
  return row != kTable.end() && std::ranges::find(row->fields, field) != row->fields.end();
}

}  // namespace headgate::reconciler
