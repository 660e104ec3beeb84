// What may stand in a record as it is.
#pragma once

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <bit>
#include <cstddef>
#include <string_view>

namespace headgate::store {

inline constexpr int kMaxJsonDepth = 64;

// A JSON object (RFC 8259) in UTF-8 on one line, nested at most kMaxJsonDepth deep. Numbers may be of any size.
bool is_json_object_line(std::string_view text);

// How many characters `text` begins with that stand for themselves in a JSON text: ASCII but '"', '\\' and control
// characters. Sixteen at a time: this is most of what reading and writing records is.
inline std::size_t plain_length(std::string_view text) {
  std::size_t at = 0;
#ifdef __SSE2__
  for (; at + 16 <= text.size(); at += 16) {
    const auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    // Signed: what is not ASCII is less than a blank as well.
    const auto special = _mm_or_si128(
        _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)),
        _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))));
    if (const auto found = static_cast<unsigned>(_mm_movemask_epi8(special)); found != 0) {
      return at + static_cast<std::size_t>(std::countr_zero(found));
    }
  }
#endif
  for (; at < text.size(); ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\') break;
  }
  return at;
}

}  // namespace headgate::store
