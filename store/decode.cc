#include <simdjson.h>

#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "store/codec.h"
#include "store/shapes.h"

namespace headgate::store {
namespace {

namespace od = simdjson::ondemand;

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

struct Attributes {
  std::string_view type, subject, correlation;
};

template <class E>
void read_event(Problem& problem, const Attributes& attributes, od::value data, Event& out) {
  auto& event = out.emplace<E>();
  AddressReader address{problem, attributes.subject, attributes.correlation};
  E::describe(event, address);
  read_described(problem, "data", data, event);
  if constexpr (std::is_same_v<E, StepPlanned>) event.step.name = event.id.step;
}

using ReadEvent = void (*)(Problem&, const Attributes&, od::value, Event&);

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
  static constexpr std::size_t kPrefix = std::string_view("dev.headgate.").size();
  static constexpr std::size_t kShortest = kPrefix + 8;
  static_assert(std::variant_size_v<Event> < 200, "the table wants more slots");

  static std::size_t start(std::string_view type) {
    std::uint64_t head = 0;
    std::uint64_t tail = 0;
    std::memcpy(&head, type.data() + kPrefix, sizeof head);
    std::memcpy(&tail, type.data() + type.size() - sizeof tail, sizeof tail);
    return ((head ^ std::rotl(tail, 29)) * 0x9E3779B97F4A7C15U) >> 56;
  }

  std::array<Slot, 256> slots_;
};

const Catalogue& catalogue() {
  static const Catalogue instance;
  return instance;
}

// A record's bytes with the room behind them that simdjson may read, and the parser for them.
struct Workspace {
  std::vector<char> bytes;
  od::parser parser;
  explicit Workspace(std::size_t capacity) : bytes(capacity + simdjson::SIMDJSON_PADDING), parser(capacity) {}
};

// The same record with its type and data brought to the newest version; empty where no upcaster applies.
std::string upcast(std::string_view type, std::string_view whole, std::size_t data_at,
                   std::span<const Upcaster> table) {
  constexpr std::string_view kPrefix = "dev.headgate.";
  const auto dot = type.rfind(".v");
  std::uint64_t version = 0;
  if (!type.starts_with(kPrefix) || dot == std::string_view::npos || dot < kPrefix.size() ||
      !parse_number(type.substr(dot + 2), version)) {
    return {};
  }
  const auto name = type.substr(kPrefix.size(), dot - kPrefix.size());
  for (const auto& upcaster : table) {
    if (upcaster.name != name || static_cast<std::uint64_t>(upcaster.from) != version) continue;
    const auto type_at = static_cast<std::size_t>(type.data() - whole.data());
    std::string newer(whole.substr(0, type_at));
    newer += stored_type({name, upcaster.from + 1});
    newer += whole.substr(type_at + type.size(), data_at - type_at - type.size());
    newer += upcaster.apply(whole.substr(data_at, whole.size() - data_at - 1));
    newer += '}';
    return newer;
  }
  return {};
}

// Reads attributes up to `data`, then the event; `newer` holds what is to be read instead when the type is an older
// one.
void read_record(Problem& problem, Workspace& space, std::string_view text, Recorded<Event>& out, bool& numbered,
                 std::string& newer, std::span<const Upcaster> table) {
  std::memcpy(space.bytes.data(), text.data(), text.size());
  std::memset(space.bytes.data() + text.size(), 0, simdjson::SIMDJSON_PADDING);
  const std::string_view whole(space.bytes.data(), text.size());
  od::document document;
  od::object object;
  if (const auto error = space.parser.iterate(whole.data(), whole.size(), space.bytes.size()).get(document)) {
    return problem.set("JSON", simdjson::error_message(error));
  }
  if (document.get_object().get(object)) return problem.set("JSON", "not an object");

  Fields fields(problem, "attributes", object);
  od::value value;
  const auto optional = [&](std::string_view name, std::string_view& member) {
    if (!fields.take(name, value)) return false;
    if (!read_text(value, member)) problem.set(name, "expected a text");
    fields.next();
    return true;
  };
  const auto required = [&](std::string_view name, std::string_view& member) {
    if (!optional(name, member)) problem.set(name, "missing or out of order");
  };
  auto& meta = out.meta;
  Attributes attributes;
  std::string_view word;
  required("specversion", word);
  if (word != "1.0") return problem.set("specversion", "expected 1.0");
  required("id", word);
  if (!parse_number(word, meta.position)) return problem.set("id", "expected a position");
  numbered = true;
  required("source", word);
  required("type", attributes.type);
  required("time", word);
  if (problem) return;
  auto time = parse_timestamp(word);
  if (!time) return problem.set("time", time.error().message);
  meta.time = *time;
  optional("subject", attributes.subject);
  word = {};
  optional("actor", word);
  meta.actor = word;
  meta.cause.reset();
  if (optional("cause", word) && !parse_number(word, meta.cause.emplace())) {
    return problem.set("cause", "expected a position");
  }
  optional("correlation", attributes.correlation);
  optional("service", word);  // these two follow from the subject
  optional("environment", word);
  word = {};
  optional("idempotencykey", word);
  meta.idempotency_key = word;
  word = {};
  optional("requestdigest", word);
  meta.request_digest = word;

  const auto read = catalogue().find(attributes.type);
  if (!fields.take("data", value)) {
    if (!read) return problem.set("type", "unknown event type " + std::string(attributes.type));
    return fields.end(), problem.set("data", "missing or out of order");
  }
  if (!read) {
    const std::string_view token = value.raw_json_token();
    newer = upcast(attributes.type, whole, static_cast<std::size_t>(token.data() - whole.data()), table);
    if (newer.empty()) {
      problem.set("type", "unknown event type " + std::string(attributes.type) +
                              ", written by a newer version of Headgate: run that version");
    }
    return;
  }
  read(problem, attributes, value, out.event);
  if (problem) return;
  fields.next();
  fields.end();
  const char* behind = nullptr;
  if (!problem && document.current_location().get(behind) != simdjson::OUT_OF_BOUNDS) {
    problem.set("JSON", "something follows the record");
  }
}

}  // namespace

// An earlier version of a type gets its line here: {"gate.reported", 1, gate_reported_v1_to_v2}.
std::span<const Upcaster> upcasters() {
  return {};
}

Result<void> decode(std::string_view text, Recorded<Event>& out, std::span<const Upcaster> table) {
  thread_local Workspace space(kMaxRecordBytes);
  Problem problem;
  bool numbered = false;
  std::string newer;
  if (text.size() > kMaxRecordBytes) {
    problem.set("length", "expected at most 65535 bytes, found " + std::to_string(text.size()));
  } else {
    read_record(problem, space, text, out, numbered, newer, table);
  }
  while (!problem && !newer.empty()) {
    const auto current = std::exchange(newer, {});
    Workspace larger(current.size());
    read_record(problem, larger, current, out, numbered, newer, table);
  }
  if (!problem) return {};
  return fail(ErrorCode::corrupt, (numbered ? "record " + std::to_string(out.meta.position) : "a record") +
                                      " cannot be read: " + problem.text);
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
  const auto name = [&] { return "record " + std::to_string(position); };
  if (auto read = decode(text, out); !read) {
    auto& message = read.error().message;
    if (!message.starts_with(name() + " ")) message = name() + ": " + message;
    return read;
  }
  if (out.meta.position == position) return {};
  return fail(ErrorCode::corrupt, name() + " says that it is record " + std::to_string(out.meta.position));
}

Result<Timestamp> time_of(std::string_view text) {
  // Nothing before the time can hold a quote of its own: an origin with one would stand there as \".
  constexpr std::string_view kHead = R"(","time":")";
  const auto at = text.find(kHead);
  if (at == std::string_view::npos) return fail(ErrorCode::corrupt, "a record without a time");
  auto time = parse_timestamp(text.substr(at + kHead.size(), kTimestampLength));
  if (!time) return fail(ErrorCode::corrupt, "a record with a damaged time: " + time.error().message);
  return time;
}

}  // namespace headgate::store
