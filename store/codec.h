// The text of a record: one CloudEvents 1.0 JSON document, UTF-8, one line, no insignificant white space:
//
//   {"specversion":"1.0","id":"42","source":"<origin>/log","type":"dev.headgate.approval.granted.v1","time":"…",
//    "subject":…,"actor":…,"cause":…,"correlation":…,"service":…,"environment":…,"idempotencykey":…,"requestdigest":…,
//    "data":{…}}
//
// Attributes and the fields of `data` stand in exactly this order (of `data`: the order of the type's `describe`);
// absent ones are left out. Lengths of time are whole milliseconds, points in time RFC 3339 texts, enums their names,
// decimals texts, a Document an object with one member named by its kind. In texts only '"', '\' and control characters
// are escaped. Stored bytes are never written anew, so whatever `encode` gave once is what `decode` must read for ever.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "engine/domain/events.h"
#include "store/envelope.h"

namespace headgate::store {

inline constexpr std::size_t kMaxRecordBytes = 65'535;  // an entry bundle gives a record's length two bytes

// Appends the record's text to `out` and allocates nothing besides. Bytes that are not UTF-8 become U+FFFD, so that a
// record can always be read again. HEADGATE_CHECK: each Json member is a JSON object on one line.
void encode(std::string& out, std::string_view origin, const Recorded<Event>& record);

// Turns the `data` of version `from` of a type into that of version from + 1. Pure.
struct Upcaster {
  std::string_view name;  // approval.granted
  int from = 1;
  std::string (*apply)(std::string_view data) = nullptr;
};
std::span<const Upcaster> upcasters();

// corrupt, naming the record and what is wrong with it, for anything that `encode` (of this version or of an earlier
// one by way of `upcasters`) would not have written.
Result<Recorded<Event>> decode(std::string_view text);
// The same into a value that is used again and again; on an Error its content is unspecified.
Result<void> decode(std::string_view text, Recorded<Event>& out);
Result<void> decode(std::string_view text, Recorded<Event>& out, std::span<const Upcaster> table);

// The same for a record that stands at `position`: the Error names that position, and so does one about a record that
// bears another.
Result<void> decode_at(Position position, std::string_view text, Recorded<Event>& out);

// The envelope of the record at `position` and its time: attributes in order, this position, a known type; Errors as
// decode_at. Its data is not looked into: for records whose bytes are vouched for by their hash.
Result<Timestamp> envelope_at(Position position, std::string_view text, Envelope& out);

// The time of a record without reading the rest of it. corrupt when there is none where it must be.
Result<Timestamp> time_of(std::string_view text);

// dev.headgate.<name>.v<version>
std::string stored_type(const EventType& type);

}  // namespace headgate::store
