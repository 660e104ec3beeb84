#include <simdjson.h>

#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>
#include <optional>
#include <vector>

#include "store/codec.h"
#include "store/envelope.h"
#include "store/json_text.h"
#include "store/shapes.h"

namespace headgate::store {
namespace {

namespace od = simdjson::ondemand;

constexpr std::string_view kTypePrefix = "dev.headgate.";

// What is wrong, once something is; every reader below does nothing from then on.
struct Problem {
  std::string text;
  explicit operator bool() const { return !text.empty(); }
  void set(std::string_view where, std::string_view what) {
    if (text.empty()) text = std::string(where) + ": " + std::string(what);
  }
};

// Walks the fields of one object, each of which is asked for by its name in the order in which it was written.
class Fields {
 public:
  // Of an object without fields.
  Fields(Problem& problem, std::string_view where) : problem_(problem), where_(where) {}
  Fields(Problem& problem, std::string_view where, od::object object) : problem_(problem), where_(where) {
    if (object.begin().get(at_)) {
      problem_.set(where_, "not an object");
    } else {
      load();
    }
  }

  // The value of the next field when it bears this name; then `next` must follow.
  bool take(std::string_view name, od::value& value) {
    if (!there_ || !key_.unsafe_is_equal(name)) return false;
    value = value_;
    return true;
  }
  // The next field, whatever its name.
  bool take_any(std::string_view& name, od::value& value) {
    if (!there_) return false;
    const auto begin = key_.raw();
    if (const std::string_view plain(begin, std::strcspn(begin, "\"\\")); begin[plain.size()] == '"') {
      name = plain;
    } else if (field_.unescaped_key().get(name)) {
      problem_.set(where_, "a name that is no text");
      return false;
    }
    value = value_;
    return true;
  }
  void next() {
    ++at_;
    load();
  }
  // To be called once no more fields are expected.
  void end() {
    if (there_ && !problem_) {
      const auto begin = key_.raw();
      problem_.set(where_, "'" + std::string(begin, std::strcspn(begin, "\"\\")) + "' is unknown or out of order");
    }
  }
  Problem& problem() { return problem_; }
  std::string_view where() const { return where_; }

 private:
  void load() {
    there_ = false;
    if (problem_ || !(at_ != od::object_iterator{})) return;
    if ((*at_).get(field_)) {
      problem_.set(where_, "damaged JSON");
      return;
    }
    key_ = field_.key();
    value_ = field_.value();
    there_ = true;
  }

  Problem& problem_;
  std::string_view where_;
  od::object_iterator at_;
  od::field field_;
  od::raw_json_string key_;
  od::value value_;
  bool there_ = false;
};

template <class T>
void read_value(Problem& problem, std::string_view name, od::value value, T& out);

// Valid until the record's buffer is used again.
bool read_text(od::value value, std::string_view& out) {
  const std::string_view token = value.raw_json_token();
  if (token.size() >= 2 && token.front() == '"' && token.back() == '"') {
    out = token.substr(1, token.size() - 2);
    if (out.empty() || std::memchr(out.data(), '\\', out.size()) == nullptr) return true;
  }
  return !value.get_string().get(out);
}

template <class T>
constexpr bool may_be_left_out() {
  return std::is_same_v<T, std::string> || kIsVector<T> || kIsMap<T> || kIsOptional<T>;
}

// Reads the fields that `describe` names.
struct FieldReader {
  Fields& fields;
  template <class T>
  void operator()(std::string_view name, T& member) {
    od::value value;
    if (fields.take(name, value)) {
      read_value(fields.problem(), name, value, member);
      fields.next();
    } else if constexpr (!may_be_left_out<T>()) {
      fields.problem().set(name, "missing or out of order");
    }
  }
  template <class T>
  void subject(T&) {}
  void correlation(std::string&) {}
};

template <class T>
void read_described(Problem& problem, std::string_view name, od::value value, T& out) {
  od::object object;
  if (value.get_object().get(object)) return problem.set(name, "expected an object");
  Fields fields(problem, name, object);
  FieldReader reader{fields};
  T::describe(out, reader);
  fields.end();
}

template <class T>
void read_map(Problem& problem, std::string_view name, od::value value, T& out) {
  od::object object;
  if (value.get_object().get(object)) return problem.set(name, "expected an object");
  Fields fields(problem, name, object);
  std::string_view key;
  od::value element;
  while (fields.take_any(key, element)) {
    const auto before = out.size();
    const auto added = out.emplace_hint(out.end(), std::string(key), typename T::mapped_type{});
    if (out.size() == before) return problem.set(name, "the same key twice");
    read_value(problem, name, element, added->second);
    fields.next();
  }
}

template <class T>
void read_vector(Problem& problem, std::string_view name, od::value value, T& out) {
  od::array array;
  if (value.get_array().get(array)) return problem.set(name, "expected a list");
  for (auto element : array) {
    od::value one;
    if (problem || element.get(one)) return problem.set(name, "damaged list");
    read_value(problem, name, one, out.emplace_back());
  }
}

template <std::size_t I = 0>
void read_document(Problem& problem, std::string_view kind, od::value value, Document& out) {
  if constexpr (I == std::variant_size_v<Document>) {
    problem.set(kind, "unknown kind of document");
  } else if (kind == EnumNames<DocumentKind>::names[I]) {
    read_value(problem, kind, value, out.emplace<I>());
  } else {
    read_document<I + 1>(problem, kind, value, out);
  }
}

void read_json(Problem& problem, std::string_view name, od::value value, Json& out) {
  od::object object;
  std::string_view text;
  if (value.get_object().get(object) || object.raw_json().get(text)) return problem.set(name, "expected an object");
  // Found by its braces alone: what is between them may be anything.
  if (!is_json_object_line(text)) return problem.set(name, "expected an object on one line");
  out.text = text;
}

template <class T>
void read_value(Problem& problem, std::string_view name, od::value value, T& out) {
  if (problem) return;
  std::string_view text;
  if constexpr (std::is_same_v<T, std::string>) {
    if (!read_text(value, text)) return problem.set(name, "expected a text");
    out = text;
  } else if constexpr (std::is_same_v<T, bool>) {
    if (value.get_bool().get(out)) problem.set(name, "expected true or false");
  } else if constexpr (Unsigned<T>) {
    std::uint64_t number = 0;
    if (value.get_uint64().get(number) || number > std::numeric_limits<T>::max()) {
      return problem.set(name, "expected a whole number in range");
    }
    out = static_cast<T>(number);
  } else if constexpr (NamedEnum<T>) {
    const auto known = read_text(value, text) ? parse_enum<T>(text) : std::nullopt;
    if (!known) return problem.set(name, "unknown word '" + std::string(text) + "'");
    out = *known;
  } else if constexpr (std::is_same_v<T, Duration>) {
    std::int64_t milliseconds = 0;
    constexpr auto kMost = std::numeric_limits<std::int64_t>::max() / 1000;
    if (value.get_int64().get(milliseconds) || milliseconds > kMost || milliseconds < -kMost) {
      return problem.set(name, "expected whole milliseconds");
    }
    out = std::chrono::milliseconds(milliseconds);
  } else if constexpr (std::is_same_v<T, Timestamp>) {
    if (!read_text(value, text)) return problem.set(name, "expected a time");
    auto time = parse_timestamp(text);
    if (!time) return problem.set(name, time.error().message);
    out = *time;
  } else if constexpr (std::is_same_v<T, Decimal>) {
    if (!read_text(value, text)) return problem.set(name, "expected a decimal as text");
    out.text = text;
  } else if constexpr (std::is_same_v<T, Json>) {
    read_json(problem, name, value, out);
  } else if constexpr (std::is_same_v<T, Document>) {
    od::object object;
    if (value.get_object().get(object)) return problem.set(name, "expected an object");
    Fields fields(problem, name, object);
    std::string_view kind;
    od::value document;
    if (!fields.take_any(kind, document)) return problem.set(name, "expected one member named by the kind");
    read_document(problem, kind, document, out);
    fields.next();
    fields.end();
  } else if constexpr (kIsOptional<T>) {
    read_value(problem, name, value, out.emplace());
  } else if constexpr (kIsVector<T>) {
    read_vector(problem, name, value, out);
  } else if constexpr (kIsMap<T>) {
    read_map(problem, name, value, out);
  } else if constexpr (Described<T>) {
    read_described(problem, name, value, out);
  } else {
    static_assert(kUnsupported<T>, "a member of a kind that records do not know");
  }
}

bool parse_number(std::string_view text, std::uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

// Gives an event's subject and correlation back to the members that they came from.
struct AddressReader {
  Problem& problem;
  std::string_view rest;  // of the subject
  std::string_view correlated;

  void subject(TargetId& id) {
    id.service = part();
    id.environment = part();
    done();
  }
  void subject(IncidentTarget& id) {
    if (rest.find('/') == std::string_view::npos) {
      id.environment = rest;
    } else {
      subject(static_cast<TargetId&>(id));
    }
  }
  void subject(PromotionId& id) {
    promotion(id);
    done();
  }
  void subject(StepId& id) {
    promotion(id.promotion);
    id.step = part();
    done();
  }
  void subject(ReleaseId& id) {
    id.service = part();
    id.version = part();
    done();
  }
  void subject(ServiceName& name) { name.text = rest; }
  void subject(EnvironmentName& name) { name.text = rest; }
  void subject(std::string& text) { text = rest; }
  void correlation(std::string& text) { text = correlated; }
  template <class T>
  void operator()(std::string_view, T&) {}

 private:
  std::string_view part() {
    const auto found = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(rest.size(), found.size() + 1));
    if (found.empty()) problem.set("subject", "a part is missing");
    return found;
  }
  void promotion(PromotionId& id) {
    id.target.service = part();
    id.target.environment = part();
    if (!parse_number(part(), id.number)) problem.set("subject", "expected the number of a promotion");
  }
  void done() {
    if (!rest.empty()) problem.set("subject", "a part too many");
  }
};

template <class E>
void read_event(const Envelope& envelope, Fields& data, Event& out) {
  auto& event = out.emplace<E>();
  AddressReader address{data.problem(), envelope.subject, envelope.correlation};
  E::describe(event, address);
  FieldReader reader{data};
  E::describe(event, reader);
  data.end();
  if constexpr (std::is_same_v<E, StepPlanned>) event.step.change().name = event.id.step;
}

using ReadEvent = void (*)(const Envelope&, Fields&, Event&);

// The reader of each type by its stored text: open addressing over 256 slots.
class Catalogue {
 public:
  Catalogue() {
    for_each_event_type([this]<class E>() {
      Slot slot{stored_type(E::type), &read_event<E>};
      HEADGATE_CHECK(slot.type.size() >= kShortest && find(slot.type) == nullptr);
      auto at = start(slot.type);
      while (slots_[at].read != nullptr) at = (at + 1) % slots_.size();
      slots_[at] = std::move(slot);
    });
  }
  ReadEvent find(std::string_view type) const {
    if (type.size() < kShortest) return nullptr;
    for (auto at = start(type); slots_[at].read != nullptr; at = (at + 1) % slots_.size()) {
      if (slots_[at].type == type) return slots_[at].read;
    }
    return nullptr;
  }

 private:
  struct Slot {
    std::string type;
    ReadEvent read = nullptr;
  };
  static constexpr std::size_t kShortest = kTypePrefix.size() + 8;
  static_assert(std::variant_size_v<AnyEvent> < 200, "the table wants more slots");

  static std::size_t start(std::string_view type) {
    std::uint64_t head = 0;
    std::uint64_t tail = 0;
    std::memcpy(&head, type.data() + kTypePrefix.size(), sizeof head);
    std::memcpy(&tail, type.data() + type.size() - sizeof tail, sizeof tail);
    return ((head ^ std::rotl(tail, 29)) * 0x9E3779B97F4A7C15U) >> 56;
  }

  std::array<Slot, 256> slots_;
};

const Catalogue& catalogue() {
  static const Catalogue instance;
  return instance;
}

// An event's data with the room behind it that simdjson may read, and the parser for it.
struct Workspace {
  std::vector<char> bytes;
  od::parser parser;
  explicit Workspace(std::size_t capacity) : bytes(capacity + simdjson::SIMDJSON_PADDING), parser(capacity) {}
};

void read_data(Problem& problem, const Envelope& envelope, std::string_view data, ReadEvent read, Event& out) {
  if (data == "{}") {
    Fields none(problem, "data");
    return read(envelope, none, out);
  }
  thread_local Workspace usual(kMaxRecordBytes);
  std::optional<Workspace> larger;  // an upcaster may have made it longer than any record
  auto& space = data.size() <= kMaxRecordBytes ? usual : larger.emplace(data.size());
  std::memcpy(space.bytes.data(), data.data(), data.size());
  std::memset(space.bytes.data() + data.size(), 0, simdjson::SIMDJSON_PADDING);
  od::document document;
  od::object object;
  if (const auto error = space.parser.iterate(space.bytes.data(), data.size(), space.bytes.size()).get(document)) {
    return problem.set("data", simdjson::error_message(error));
  }
  if (document.get_object().get(object)) return problem.set("data", "not an object");
  Fields fields(problem, "data", object);
  read(envelope, fields, out);
  const char* behind = nullptr;
  if (!problem && document.current_location().get(behind) != simdjson::OUT_OF_BOUNDS) {
    problem.set("data", "something follows it");
  }
}

// The reader of the type, with `data` brought to the version that it reads; null when nobody knows the type.
ReadEvent find_reader(std::string_view type, std::span<const Upcaster> table, std::string_view& data,
                      std::string& newer) {
  const auto read = catalogue().find(type);
  if (read != nullptr) return read;
  const auto dot = type.rfind(".v");
  std::uint64_t version = 0;
  if (!type.starts_with(kTypePrefix) || dot == std::string_view::npos || dot < kTypePrefix.size() ||
      !parse_number(type.substr(dot + 2), version)) {
    return nullptr;
  }
  const auto name = type.substr(kTypePrefix.size(), dot - kTypePrefix.size());
  for (const auto& upcaster : table) {
    if (upcaster.name != name || static_cast<std::uint64_t>(upcaster.from) != version) continue;
    newer = upcaster.apply(data);
    data = newer;
    return find_reader(stored_type({name, upcaster.from + 1}), table, data, newer);
  }
  return nullptr;
}

// A time as `encode` writes it, 2026-11-20T14:55:01.123456Z, without a look at what else RFC 3339 allows; nullopt for
// anything else.
std::optional<Timestamp> written_time(std::string_view text) {
  constexpr std::string_view kShape = "0000-00-00T00:00:00.000000Z";
  if (text.size() != kShape.size()) return std::nullopt;
  std::array<int, kShape.size()> digits;
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    digits[i] = text[i] - '0';
    if (kShape[i] == '0' ? digits[i] < 0 || digits[i] > 9 : text[i] != kShape[i]) return std::nullopt;
  }
  const auto two = [&](std::size_t at) { return 10 * digits[at] + digits[at + 1]; };
  using namespace std::chrono;
  const year_month_day date{year{100 * two(0) + two(2)}, month{static_cast<unsigned>(two(5))},
                            day{static_cast<unsigned>(two(8))}};
  if (!date.ok() || two(11) > 23 || two(14) > 59 || two(17) > 59) return std::nullopt;
  return sys_days{date} + hours{two(11)} + minutes{two(14)} + seconds{two(17)} +
         microseconds{10'000 * two(20) + 100 * two(22) + two(24)};
}

// The envelope and its time, and the reader of the type, with `data` brought to the version that it reads.
ReadEvent read_head(Problem& problem, Envelope& envelope, std::string_view text, Timestamp& time,
                    std::span<const Upcaster> table, std::string_view& data, std::string& newer) {
  if (text.size() > kMaxRecordBytes) {
    problem.set("length", "expected at most 65535 bytes, found " + std::to_string(text.size()));
    return nullptr;
  }
  problem.text = read_envelope(text, envelope);
  if (problem) return nullptr;
  data = envelope.data;
  const auto read = find_reader(envelope.type, table, data, newer);
  if (read == nullptr) {
    problem.set("type", "unknown event type " + std::string(envelope.type) +
                            ", written by a newer version of Headgate: run that version");
    return nullptr;
  }
  if (const auto written = written_time(envelope.time)) {
    time = *written;
    return read;
  }
  auto parsed = parse_timestamp(envelope.time);
  if (!parsed) {
    problem.set("time", parsed.error().message);
    return nullptr;
  }
  time = *parsed;
  return read;
}

void read_record(Problem& problem, Envelope& envelope, std::string_view text, Recorded<Event>& out,
                 std::span<const Upcaster> table) {
  std::string newer;
  std::string_view data;
  auto& meta = out.meta;
  const auto read = read_head(problem, envelope, text, meta.time, table, data, newer);
  if (read == nullptr) return;
  meta.position = envelope.position;
  meta.actor = envelope.actor;
  meta.cause = envelope.cause;
  meta.idempotency_key = envelope.idempotency_key;
  meta.request_digest = envelope.request_digest;
  read_data(problem, envelope, data, read, out.event);
}

std::unexpected<Error> cannot_be_read(const Problem& problem, const Envelope& envelope) {
  return fail(ErrorCode::corrupt, (envelope.numbered ? "record " + std::to_string(envelope.position) : "a record") +
                                      " cannot be read: " + problem.text);
}

// Of an Error about the record at `position` that may name another one, or none.
std::unexpected<Error> named(Position position, Error error) {
  const auto name = "record " + std::to_string(position);
  if (!error.message.starts_with(name + " ")) error.message = name + ": " + error.message;
  return std::unexpected(std::move(error));
}

std::unexpected<Error> misplaced(Position position, Position said) {
  return fail(ErrorCode::corrupt,
              "record " + std::to_string(position) + " says that it is record " + std::to_string(said));
}

}  // namespace

// An earlier version of a type gets its line here: {"gate.reported", 1, gate_reported_v1_to_v2}.
std::span<const Upcaster> upcasters() {
  constexpr auto as_it_is = [](std::string_view data) { return std::string(data); };
  static constexpr std::array table{
      // Each version 2 has fields more that may be left out, and mean what was meant before when they are.
      Upcaster{"log.created", 1, as_it_is},
      Upcaster{"document.accepted", 1, as_it_is},
      Upcaster{"gate.reported", 1, as_it_is},
      Upcaster{"step.planned", 1, as_it_is},
      Upcaster{"approval.granted", 1, as_it_is},
      Upcaster{"step.waiting", 1, as_it_is},
      Upcaster{"window.overridden", 1, as_it_is},
      Upcaster{"target.observed", 1, as_it_is},
      Upcaster{"drift.detected", 1, as_it_is},
      Upcaster{"drift.resolved", 1, as_it_is},
      // Further words of what began it.
      Upcaster{"promotion.planned", 1, as_it_is},
  };
  return table;
}

Result<void> decode(std::string_view text, Recorded<Event>& out, std::span<const Upcaster> table) {
  Problem problem;
  Envelope envelope;
  read_record(problem, envelope, text, out, table);
  if (!problem) return {};
  return cannot_be_read(problem, envelope);
}

Result<void> decode(std::string_view text, Recorded<Event>& out) {
  return decode(text, out, upcasters());
}

Result<Recorded<Event>> decode(std::string_view text) {
  Recorded<Event> record;
  HEADGATE_TRY_VOID(decode(text, record));
  return record;
}

Result<void> decode_at(Position position, std::string_view text, Recorded<Event>& out) {
  if (auto read = decode(text, out); !read) return named(position, std::move(read).error());
  if (out.meta.position == position) return {};
  return misplaced(position, out.meta.position);
}

Result<Timestamp> envelope_at(Position position, std::string_view text, Envelope& out) {
  Problem problem;
  std::string newer;
  std::string_view data;
  Timestamp time;
  if (read_head(problem, out, text, time, upcasters(), data, newer) == nullptr) {
    return named(position, cannot_be_read(problem, out).error());
  }
  if (out.position != position) return misplaced(position, out.position);
  return time;
}

Result<Timestamp> time_of(std::string_view text) {
  Envelope envelope;
  if (const auto problem = read_envelope(text, envelope); !problem.empty()) return fail(ErrorCode::corrupt, problem);
  auto time = parse_timestamp(envelope.time);
  if (!time) time.error().code = ErrorCode::corrupt;
  return time;
}

}  // namespace headgate::store
