// Any bytes as a .tlog-proof file.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "store/checkpoint.h"
#include "tests/fuzz/known_log.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate::store;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto proof = parse_tlog_proof(text);
  if (!proof) return 0;
  if (tlog_proof_text(*proof) != text) __builtin_trap();
  static const auto key = known::verifier();
  // Record 4 is proven by the known proof; no other record is by any, and it stands nowhere else.
  if (verify_tlog_proof(*proof, "record 4", key) && proof->index != 4) __builtin_trap();
  if (verify_tlog_proof(*proof, "no record of the log", key)) __builtin_trap();
  return 0;
}
