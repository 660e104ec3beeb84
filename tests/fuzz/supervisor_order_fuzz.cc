// Any bytes as the order that a supervisor starts with: what is read can be written, and reads the same again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "reconciler/supervisor_protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate::reconciler;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto order = decode_order(bytes);
  if (!order) return 0;
  if (order->argv.empty()) __builtin_trap();
  const auto written = encode(*order);
  // But for the byte that says whether there is an identity, there is one way to write an order.
  if (written.size() != bytes.size() || decode_order(written) != order) __builtin_trap();
  // Nothing behind it, and nothing less.
  if (decode_order(written + '\0') || decode_order(std::string_view(written).substr(0, size - 1))) __builtin_trap();
  return 0;
}
