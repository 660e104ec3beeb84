#include "engine/base/utf8.h"
#include "reconciler/documents_parser.h"
#include "reconciler/git_history.h"
#include "reconciler/yaml_reader.h"

namespace headgate::reconciler {
namespace {

constexpr std::size_t kMaxShownBytes = 4096;

}  // namespace

std::optional<Diagnostic> name_problem(std::string_view path) {
  if (is_utf8(path) && !has_control_character(path)) return std::nullopt;
  return Diagnostic{clean_text(path, kMaxShownBytes),
                    1,
                    1,
                    "the name of the file cannot be used",
                    "bytes that are not UTF-8, or control characters",
                    "a name without them: rename the file"};
}

}  // namespace headgate::reconciler
