// Any bytes as a record: what is read can be written, and reads the same again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "store/codec.h"
#include "store/envelope.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto decoded = store::decode(text);
  store::Envelope envelope;
  const auto time = store::envelope_at(decoded ? decoded->meta.position : 0, text, envelope);
  if (!decoded) return 0;
  if (!time || *time != decoded->meta.time || envelope.actor != decoded->meta.actor) __builtin_trap();
  std::string again;
  store::encode(again, "fuzz.headgate.test", *decoded);
  const auto reread = store::decode(again);
  if (!reread || reread->event != decoded->event || reread->meta.actor != decoded->meta.actor) __builtin_trap();
  return 0;
}
