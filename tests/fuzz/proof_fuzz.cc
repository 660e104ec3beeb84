// Any bytes as a .tlog-proof file: a record is proven where it stands, and nowhere else.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "store/checkpoint.h"
#include "tests/fuzz/known_log.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate::store;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto proof = parse_tlog_proof(text);
  if (!proof) {
    if (proof.error().message.empty()) __builtin_trap();
    return 0;
  }
  if (tlog_proof_text(*proof) != text) __builtin_trap();
  static const auto key = known::verifier();
  const auto proves = [&](std::uint64_t record) {
    return verify_tlog_proof(*proof, "record " + std::to_string(record), key).has_value();
  };
  const auto record = proof->index % known::size;
  if (proves(record) && proof->index != record) __builtin_trap();
  if (proves((record + 1) % known::size)) __builtin_trap();
  if (verify_tlog_proof(*proof, "no record of the log", key)) __builtin_trap();
  return 0;
}
