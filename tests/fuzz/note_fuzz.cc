// Any bytes as a signed note with a checkpoint in it, and as a verifier key.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "store/checkpoint.h"
#include "tests/fuzz/known_log.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate::store;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto key = VerifierKey::parse(text); key && key->text() != text) __builtin_trap();
  const auto note = parse_note(text);
  if (note) {
    const auto checkpoint = parse_checkpoint_text(note->text);
    if (checkpoint && checkpoint_text(*checkpoint) != note->text) __builtin_trap();
  }
  // Nobody else can sign for the known log: what opens is the one checkpoint that it has signed.
  static const auto key = known::verifier();
  const auto opened = open_checkpoint(text, key);
  if (opened && (!note || opened->size != known::size || headgate::hex(opened->root) != known::root)) __builtin_trap();
  return 0;
}
