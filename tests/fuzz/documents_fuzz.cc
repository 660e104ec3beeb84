// Any bytes as a file of the environments repository, and, behind a line of "=====", as the file that its variables
// come from.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/documents_parser.h"
#include "reconciler/documents_variables.h"
#include "reconciler/offline_people.h"
#include "reconciler/yaml_tree.h"
#include "store/codec.h"

namespace {

using namespace headgate;

constexpr std::string_view separator = "\n=====\n";

// What is accepted goes into the log as it was read.
void check_record(const SourcedDocument& sourced) {
  Recorded<Event> recorded;
  recorded.event = DocumentAccepted{"Kind/name", "commit", sourced.source, sourced.document};
  std::string record;
  store::encode(record, "fuzz.headgate.test", recorded);
  if (record.size() > store::kMaxRecordBytes) __builtin_trap();
  const auto again = store::decode(record);
  if (!again || again->event != recorded.event) __builtin_trap();
}

void check(const std::vector<Diagnostic>& diagnostics) {
  for (const auto& diagnostic : diagnostics) {
    if (diagnostic.message.empty() || diagnostic.line == 0 || diagnostic.column == 0) __builtin_trap();
    // The reader says itself what is wrong with a document's shape: the schema only says the same to editors.
    if (diagnostic.message.starts_with("the schema of ")) __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto end = std::min(input.find(separator), size);
  const auto variables = input.substr(std::min(end + separator.size(), size));

  const auto find = [](std::string_view path) -> std::optional<std::string> {
    if (path == "file.yaml") return "blob";  // to cite what is wrong in it
    if (path.ends_with(".sh")) return "script";
    if (path.ends_with(".env")) return "variables";
    return std::nullopt;
  };
  const auto read = [&](const std::string& blob, std::size_t max_bytes) -> Result<std::string> {
    const auto limit = blob == "blob" ? reconciler::kMaxFileBytes : reconciler::kMaxVariablesFileBytes;
    if (blob.empty() || max_bytes > limit) __builtin_trap();  // nothing without a bound
    if (blob == "blob") return std::string(input.substr(0, std::min(end, max_bytes)));
    if (blob != "variables") return "#!/bin/sh\n";
    if (variables.size() > max_bytes) return fail(ErrorCode::too_large, "the file is too large");
    return std::string(variables);
  };
  reconciler::OfflinePeople people;
  const reconciler::YamlDocumentParser parser(people);
  const auto parsed = parser.parse({"file.yaml", "blob", std::string(input.substr(0, end))}, {find, read});

  check(parsed.diagnostics);
  // Whatever is not among the documents has its reason among the diagnostics.
  if (parsed.diagnostics.empty() && (parsed.not_read.others || !parsed.not_read.partly.empty())) __builtin_trap();
  std::vector<const SourcedDocument*> all;
  for (const auto& document : parsed.documents) {
    check_record(document);
    all.push_back(&document);
  }
  check(parser.check(all, {find, read}, parsed.not_read));
  return 0;
}
