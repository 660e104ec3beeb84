// Any bytes as a file of the environments repository.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "reconciler/documents_parser.h"
#include "reconciler/offline_people.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate;
  reconciler::OfflinePeople people;
  const reconciler::YamlDocumentParser parser(people);
  const FindBlob find = [](std::string_view path) {
    return path.ends_with(".sh") ? std::optional<std::string>("blob") : std::nullopt;
  };
  const auto parsed = parser.parse({"file.yaml", "blob", std::string(reinterpret_cast<const char*>(data), size)}, find);
  std::vector<const SourcedDocument*> all;
  for (const auto& document : parsed.documents) all.push_back(&document);
  for (const auto& diagnostic : parser.check(all)) {
    if (to_string(diagnostic).empty()) __builtin_trap();
  }
  for (const auto& diagnostic : parsed.diagnostics) {
    if (diagnostic.line == 0 || diagnostic.column == 0) __builtin_trap();
  }
  return 0;
}
