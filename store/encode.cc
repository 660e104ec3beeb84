#include <array>
#include <charconv>

#include "engine/base/json_string.h"
#include "store/attributes.h"
#include "store/codec.h"
#include "store/json_text.h"
#include "store/shapes.h"

namespace headgate::store {
namespace {

template <std::integral N>
void append_number(std::string& out, N number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

void append_time(std::string& out, Timestamp time) {
  std::array<char, timestamp_length> text;
  write_timestamp(time, text);
  out += '"';
  out.append(text.data(), text.size());
  out += '"';
}

template <class T>
bool is_left_out(const T& value) {
  if constexpr (std::is_same_v<T, std::string> || kIsVector<T> || kIsMap<T>) {
    return value.empty();
  } else if constexpr (kIsOptional<T>) {
    return !value.has_value();
  } else {
    return false;
  }
}

class ObjectWriter;
template <class T>
void append_value(std::string& out, const T& value);

// Writes the fields that `describe` names.
class ObjectWriter {
 public:
  explicit ObjectWriter(std::string& out) : out_(out) { out_ += '{'; }
  void end() { out_ += '}'; }

  template <class T>
  void operator()(std::string_view name, const T& value) {
    if (is_left_out(value)) return;
    begin_key();
    out_ += name;  // an identifier
    out_.append("\":", 2);
    append_value(out_, value);
  }
  // Of whatever characters.
  void key(std::string_view text) {
    begin_key();
    append_json_escaped(out_, text);
    out_.append("\":", 2);
  }
  template <class T>
  void subject(const T&) {}
  void correlation(const std::string&) {}

 private:
  void begin_key() {
    out_.append(",\"" + (first_ ? 1 : 0), first_ ? 1 : 2);
    first_ = false;
  }

  std::string& out_;
  bool first_ = true;
};

void append_document(std::string& out, const Document& document) {
  ObjectWriter writer(out);
  writer.key(EnumNames<DocumentKind>::names[document.index()]);
  std::visit([&](const auto& d) { append_value(out, d); }, document);
  writer.end();
}

template <class T>
void append_value(std::string& out, const T& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    append_json_string(out, value);
  } else if constexpr (std::is_same_v<T, bool>) {
    out += value ? "true" : "false";
  } else if constexpr (Unsigned<T>) {
    append_number(out, value);
  } else if constexpr (NamedEnum<T>) {
    append_json_string(out, name_of(value));
  } else if constexpr (std::is_same_v<T, Duration>) {
    append_number(out, std::chrono::duration_cast<std::chrono::milliseconds>(value).count());
  } else if constexpr (std::is_same_v<T, Timestamp>) {
    append_time(out, value);
  } else if constexpr (std::is_same_v<T, Decimal>) {
    append_json_string(out, value.text);
  } else if constexpr (std::is_same_v<T, Json>) {
    HEADGATE_CHECK(is_json_object_line(value.text));
    out += value.text;
  } else if constexpr (std::is_same_v<T, Document>) {
    append_document(out, value);
  } else if constexpr (kIsOptional<T>) {
    append_value(out, *value);
  } else if constexpr (kIsVector<T>) {
    out += '[';
    bool first = true;
    for (const auto& element : value) {
      if (!first) out += ',';
      first = false;
      append_value(out, element);
    }
    out += ']';
  } else if constexpr (kIsMap<T>) {
    ObjectWriter writer(out);
    for (const auto& [key, element] : value) {
      writer.key(key);
      append_value(out, element);
    }
    writer.end();
  } else if constexpr (Described<T>) {
    ObjectWriter writer(out);
    T::describe(value, writer);
    writer.end();
  } else {
    static_assert(kUnsupported<T>, "a member of a kind that records do not know");
  }
}

void append_attribute(std::string& out, std::string_view head, std::string_view text) {
  if (text.empty()) return;
  out += head;
  append_json_string(out, text);
}

}  // namespace

std::string stored_type(const EventType& type) {
  return "dev.headgate." + std::string(type.name) + ".v" + std::to_string(type.version);
}

void encode(std::string& out, std::string_view origin, const Recorded<Event>& record) {
  const auto& meta = record.meta;
  out += R"({"specversion":"1.0","id":")";
  append_number(out, meta.position);
  out += R"(","source":")";
  append_json_escaped(out, origin);
  out += R"(/log","type":"dev.headgate.)";
  std::visit(
      [&]<class E>(const E& event) {
        out += E::type.name;
        out += ".v";
        append_number(out, E::type.version);
        out += R"(","time":)";
        append_time(out, meta.time);
        const AttributesView attributes(event);
        const auto put = [&](std::string_view part) { append_json_escaped(out, part); };
        if (attributes.has_subject()) {
          out += R"(,"subject":")";
          attributes.subject(put);
          out += '"';
        }
        append_attribute(out, R"(,"actor":)", meta.actor);
        if (meta.cause) {
          out += R"(,"cause":")";
          append_number(out, *meta.cause);
          out += '"';
        }
        if (attributes.has_correlation()) {
          out += R"(,"correlation":")";
          attributes.correlation(put);
          out += '"';
        }
        append_attribute(out, R"(,"service":)", attributes.service());
        append_attribute(out, R"(,"environment":)", attributes.environment());
        append_attribute(out, R"(,"idempotencykey":)", meta.idempotency_key);
        append_attribute(out, R"(,"requestdigest":)", meta.request_digest);
        out += R"(,"data":)";
        append_value(out, event);
        out += '}';
      },
      record.event);
}

}  // namespace headgate::store
