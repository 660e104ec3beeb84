// How large a document becomes as a record of the log, which holds at most 65,535 bytes.
#pragma once

#include <cstddef>

#include "engine/domain/documents.h"

namespace headgate::reconciler {

// Leaves room for the record's own attributes.
inline constexpr std::size_t kMaxStoredDocumentBytes = 60'000;

// Never less than the bytes of the document as compact JSON.
std::size_t stored_size(const Document& document);

}  // namespace headgate::reconciler
