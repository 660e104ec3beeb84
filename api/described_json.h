// Any value of the domain that has a `describe`, as JSON: the same names, order and texts as in the log's records. Ids
// are one text: gateway/production/7. As there, empty texts, lists and maps and unset optionals are left out.
#pragma once

#include <concepts>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "api/json_writer.h"
#include "engine/domain/events.h"

namespace headgate::api {

template <class T>
void write_described(JsonWriter& json, const T& value);

template <class T>
concept IdText =
    std::same_as<T, TargetId> || std::same_as<T, PromotionId> || std::same_as<T, StepId> || std::same_as<T, ReleaseId>;

template <class T>
concept MapLike = requires {
  typename T::mapped_type;
};
template <class T>
concept ListLike = !MapLike<T> && !std::same_as<T, std::string> && requires(const T& t) {
  t.begin();
  t.end();
  t.empty();
};

class DescribedFields {
 public:
  explicit DescribedFields(JsonWriter& json) : json_(json) {}
  // A record has these as attributes, not in `data`.
  template <class T>
  void subject(const T&) {}
  void correlation(const std::string&) {}
  template <class T>
  void operator()(std::string_view name, const T& value) {
    if constexpr (is_optional<T>) {
      if (!value) return;
    } else if constexpr (std::same_as<T, std::string> || MapLike<T> || ListLike<T>) {
      if (value.empty()) return;
    }
    json_.key(name);
    write_described(json_, value);
  }

 private:
  JsonWriter& json_;
};

template <class T>
void write_described(JsonWriter& json, const T& value) {
  if constexpr (std::integral<T> || std::same_as<T, std::string>) {
    json.value(value);
  } else if constexpr (std::same_as<T, Decimal>) {
    json.value(value.text);  // a text in records, too
  } else if constexpr (std::is_enum_v<T>) {
    json.value(name_of(value));
  } else if constexpr (std::same_as<T, Duration>) {
    json.value(std::chrono::floor<std::chrono::milliseconds>(value).count());
  } else if constexpr (std::same_as<T, Timestamp>) {
    json.value(format_timestamp(value));
  } else if constexpr (std::same_as<T, Json>) {
    json.raw(value.text);
  } else if constexpr (IdText<T>) {
    json.value(to_string(value));
  } else if constexpr (is_optional<T>) {
    if (value) {
      write_described(json, *value);
    } else {
      json.value(nullptr);
    }
  } else if constexpr (std::same_as<T, Document>) {
    json.begin_object().key(name_of(static_cast<DocumentKind>(value.index())));
    std::visit([&](const auto& document) { write_described(json, document); }, value);
    json.end_object();
  } else if constexpr (MapLike<T>) {
    json.begin_object();
    for (const auto& [key, entry] : value) {
      json.key(key);
      write_described(json, entry);
    }
    json.end_object();
  } else if constexpr (ListLike<T>) {
    json.begin_array();
    for (const auto& entry : value) write_described(json, entry);
    json.end_array();
  } else {
    json.begin_object();
    DescribedFields fields(json);
    T::describe(value, fields);
    json.end_object();
  }
}

// {"type": "approval.granted", "subject": "gateway/production/7", "data": {…}}
void write_event(JsonWriter& json, const Event& event);

}  // namespace headgate::api
