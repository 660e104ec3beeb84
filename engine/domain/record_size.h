// How large a value becomes in the record of an event. The log takes records of at most 65,535 bytes, and refusing one
// ends the process: so nothing is decided that could make a larger one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "engine/domain/events.h"

namespace headgate {

// Leaves 2,535 bytes for the record's attributes.
inline constexpr std::size_t max_event_bytes = 63'000;
// Of a wish: desired.changed and promotion.planned hold two.
inline constexpr std::size_t max_wish_bytes = 20'000;
inline constexpr std::size_t max_release_bytes = 8'000;

// Upper bounds of the bytes as compact JSON, whatever the texts hold. Of an event: of its data.
std::size_t stored_size_bound(const Event& event);
std::size_t stored_size_bound(const Document& document);
std::size_t stored_size_bound(const Step& step);  // of its step.planned
std::size_t stored_size_bound(const Wish& wish);
std::size_t stored_size_bound(const Condition& condition);
std::size_t stored_size_bound(const Diagnostic& diagnostic);
// Of a text from outside, as much as fits: no character of UTF-8 is cut in two, whose bytes a record cannot hold. What
// a person writes is refused instead, see check_text.
std::string cut_text(std::string_view text, std::size_t max_bytes);
// A document over this is refused.
std::size_t max_document_bytes(DocumentKind kind);

}  // namespace headgate
