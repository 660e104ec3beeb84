// Text as a JSON string (RFC 8259 section 7).
#pragma once

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <bit>
#include <cstddef>
#include <string>
#include <string_view>

namespace headgate {

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

// For append_json_escaped alone: `plain` is the plain_length of the text.
void append_json_escaped_from(std::string& out, std::string_view text, std::size_t plain);

// Without quotes around it. Control characters are escaped, by their letter where they have one; each byte that is not
// UTF-8 becomes U+FFFD; all else stands as it is. Records are hashed as they are written: this must stay so.
inline void append_json_escaped(std::string& out, std::string_view text) {
  const auto plain = plain_length(text);
  if (plain == text.size()) {
    out.append(text);
  } else {
    append_json_escaped_from(out, text, plain);
  }
}

// The same in quotes.
inline void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  append_json_escaped(out, text);
  out += '"';
}

}  // namespace headgate
