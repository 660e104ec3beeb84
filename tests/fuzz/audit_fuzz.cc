// Any bytes as what a server answers to who audits its log: each answer after its length (uint16, big-endian), in the
// order in which they are asked for. Where the key is known, nothing leads to another log than the one that it has
// signed, corpus/audit/whole: four records, the third of which brings that key (signed_seeds.py).
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "app/log_audit.h"
#include "tests/fuzz/known_log.h"

namespace {

using namespace headgate;

constexpr const char* root = "78dac0f0aed18ce464e9ef7699a06e1751e6b9eca5c5767a73be08d7220abc48";
// Of the first two records, by the key that was replaced.
constexpr const char* earlier =
    "fuzz.headgate.test\n2\n6s3HTt/bxTKd0Hn4DGNSCnIz6R1AFB8DIfEBRUWlufg=\n\n"
    "— fuzz.headgate.test "
    "HxLcHzf3oPFOWo+nKLtNoGtnI8fDgClQakW9/uYx0hPh3DJoTgvRxyAkIPm4wZ6KL1C8LXFN0HuuOFzwtx2lypfSjww=\n";

class Server {
 public:
  explicit Server(std::string_view answers) : rest_(answers) {}
  Result<std::string> operator()(const std::string& path) {
    if (rest_.size() < 2) return fail(ErrorCode::not_found, path);
    const auto length = std::size_t{static_cast<std::uint8_t>(rest_[0])} << 8 | static_cast<std::uint8_t>(rest_[1]);
    std::string answer(rest_.substr(2, length));
    rest_.remove_prefix(2 + answer.size());
    return answer;
  }

 private:
  std::string_view rest_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view answers(reinterpret_cast<const char*>(data), size);
  static const app::AuditOptions pinned{.key = store::known::rotated(), .earlier = earlier};
  for (const auto& options : {app::AuditOptions{}, pinned}) {
    const auto audited = app::audit_log(Server(answers), options);
    if (!audited) {
      if (audited.error().message.empty()) __builtin_trap();
      continue;
    }
    if (audited->keys.empty()) __builtin_trap();
    if (!options.key) continue;
    if (hex(audited->checkpoint.root) != root || audited->keys.size() != 2) __builtin_trap();
    if (!audited->earlier || audited->earlier->size != 2) __builtin_trap();
  }
  return 0;
}
