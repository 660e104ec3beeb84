// Any bytes as a signed note with a checkpoint in it, and as a verifier key.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "store/checkpoint.h"
#include "tests/fuzz/known_log.h"

namespace {

using namespace headgate::store;

std::string written(const Note& note) {
  auto text = note.text + "\n";
  for (const auto& signature : note.signatures) text += signature_line(signature);
  return text;
}

bool is(const Checkpoint& checkpoint, std::uint64_t size, const char* root) {
  return checkpoint.size == size && headgate::hex(checkpoint.root) == root;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto key = VerifierKey::parse(text); key && key->text() != text) __builtin_trap();
  const auto note = parse_note(text);
  if (note) {
    if (written(*note) != text || note->signatures.empty()) __builtin_trap();
    const auto checkpoint = parse_checkpoint_text(note->text);
    if (checkpoint && checkpoint_text(*checkpoint) != note->text) __builtin_trap();
  } else if (note.error().message.empty()) {
    __builtin_trap();
  }
  // Nobody else can sign for the known log: what opens is one of the two checkpoints that it has signed.
  static const auto first = known::verifier();
  static const auto second = known::rotated();
  const auto opened = open_checkpoint(text, first);
  if (opened && (!note || !is(*opened, known::size, known::root))) __builtin_trap();
  // The key that came later has signed the newer one, and the older one again.
  const auto newer = open_checkpoint(text, second);
  if (newer && !is(*newer, known::rotated_size, known::rotated_root) && !is(*newer, known::size, known::root)) {
    __builtin_trap();
  }
  return 0;
}
