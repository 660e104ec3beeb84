// The JSON Schema (draft 07) of a whole record of one event type, as `describe` and the codec give it. What the codec
// leaves out when it is empty is not required here, and is not empty when it is there.
#pragma once

#include <boost/json.hpp>
#include <limits>
#include <string>
#include <string_view>

#include "store/codec.h"
#include "store/shapes.h"

namespace headgate::schemas {

namespace json = boost::json;

inline constexpr std::string_view kTimePattern =
    R"(^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$)";
inline constexpr std::string_view kDecimalPattern = R"(^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$)";
inline constexpr std::string_view kPositionPattern = "^(0|[1-9][0-9]*)$";

// Where a value stands: as a member that is left out when it is empty, or where it is always written.
enum class Place { member, element };

template <class T>
json::object schema_of(Place place);

inline json::object text_schema(Place place) {
  json::object schema{{"type", "string"}};
  if (place == Place::member) schema["minLength"] = 1;
  return schema;
}
inline json::object pattern_schema(std::string_view pattern) {
  return {{"type", "string"}, {"pattern", pattern}};
}

// Collects the members of an object; what is added is complete with `take`.
class ObjectSchema {
 public:
  void add(std::string_view name, json::object schema, bool required) {
    HEADGATE_CHECK(!properties_.contains(name));
    properties_[name] = std::move(schema);
    if (required) required_.emplace_back(name);
  }
  json::object take() {
    json::object schema{{"type", "object"}, {"properties", std::move(properties_)}};
    if (!required_.empty()) schema["required"] = std::move(required_);
    schema["additionalProperties"] = false;
    return schema;
  }

 private:
  json::object properties_;
  json::array required_;
};

class FieldSchemas {
 public:
  explicit FieldSchemas(ObjectSchema& object) : object_(object) {}
  template <class T>
  void operator()(std::string_view name, T&) {
    using store::kIsMap, store::kIsOptional, store::kIsVector;
    constexpr bool kLeftOut = std::is_same_v<T, std::string> || kIsVector<T> || kIsMap<T> || kIsOptional<T>;
    object_.add(name, schema_of<T>(Place::member), !kLeftOut);
  }
  template <class T>
  void subject(T&) {}
  void correlation(std::string&) {}

 private:
  ObjectSchema& object_;
};

// The attributes that follow from an event's subject. A subject that is a text may be empty, and is left out then.
class AddressSchema {
 public:
  void subject(TargetId&) { of("^[^/]+/[^/]+$", true, true); }
  void subject(IncidentTarget&) {
    of("^[^/]+(/[^/]+)?$", true, true);
    service_required_ = false;
  }
  void subject(PromotionId&) {
    of("^[^/]+/[^/]+/[0-9]+$", true, true);
    correlated_ = true;
  }
  void subject(StepId&) {
    of("^[^/]+/[^/]+/[0-9]+/[^/]+$", true, true);
    correlated_ = true;
  }
  void subject(ReleaseId&) { of("^[^/]+/[^/]+$", true, false); }
  void subject(ServiceName&) { of("^[^/]+$", true, false); }
  void subject(EnvironmentName&) { of("^[^/]+$", false, true); }
  void subject(std::string&) { subject_ = text_schema(Place::member); }
  void correlation(std::string&) { correlation_ = true; }
  template <class T>
  void operator()(std::string_view, T&) {}

  void add_subject(ObjectSchema& record) {
    if (!subject_.empty()) record.add("subject", subject_, required_);
  }
  void add_rest(ObjectSchema& record) const {
    if (correlated_ || correlation_) record.add("correlation", text_schema(Place::member), correlated_);
    if (service_) record.add("service", text_schema(Place::member), service_required_);
    if (environment_) record.add("environment", text_schema(Place::member), true);
  }

 private:
  void of(std::string_view pattern, bool service, bool environment) {
    subject_ = pattern_schema(pattern);
    required_ = true;
    service_ = service;
    environment_ = environment;
  }
  json::object subject_;
  bool required_ = false;
  bool correlated_ = false;   // by the promotion that it belongs to
  bool correlation_ = false;  // by a text of its own
  bool service_ = false;
  bool service_required_ = true;
  bool environment_ = false;
};

template <std::size_t... I>
json::object document_schema(std::index_sequence<I...>) {
  json::object kinds;
  ((kinds[EnumNames<DocumentKind>::names[I]] = schema_of<std::variant_alternative_t<I, Document>>(Place::element)),
   ...);
  return {{"type", "object"},
          {"properties", std::move(kinds)},
          {"minProperties", 1},
          {"maxProperties", 1},
          {"additionalProperties", false}};
}

template <class T>
json::object schema_of(Place place) {
  if constexpr (std::is_same_v<T, std::string>) {
    return text_schema(place);
  } else if constexpr (std::is_same_v<T, bool>) {
    return {{"type", "boolean"}};
  } else if constexpr (store::Unsigned<T>) {
    json::object schema{{"type", "integer"}, {"minimum", 0}};
    if (sizeof(T) < sizeof(std::uint64_t)) schema["maximum"] = std::numeric_limits<T>::max();
    return schema;
  } else if constexpr (store::NamedEnum<T>) {
    json::array words;
    for (const auto& word : EnumNames<T>::names) words.emplace_back(word);
    return {{"enum", std::move(words)}};
  } else if constexpr (std::is_same_v<T, Duration>) {
    return {{"type", "integer"}};  // milliseconds
  } else if constexpr (std::is_same_v<T, Timestamp>) {
    return pattern_schema(kTimePattern);
  } else if constexpr (std::is_same_v<T, Decimal>) {
    return pattern_schema(kDecimalPattern);
  } else if constexpr (std::is_same_v<T, Json>) {
    return {{"type", "object"}};
  } else if constexpr (std::is_same_v<T, Document>) {
    return document_schema(std::make_index_sequence<std::variant_size_v<Document>>());
  } else if constexpr (store::kIsOptional<T>) {
    return schema_of<typename T::value_type>(Place::element);
  } else if constexpr (store::kIsVector<T>) {
    json::object schema{{"type", "array"}, {"items", schema_of<typename T::value_type>(Place::element)}};
    if (place == Place::member) schema["minItems"] = 1;
    return schema;
  } else if constexpr (store::kIsMap<T>) {
    json::object schema{{"type", "object"},
                        {"additionalProperties", schema_of<typename T::mapped_type>(Place::element)}};
    if (place == Place::member) schema["minProperties"] = 1;
    return schema;
  } else if constexpr (store::Described<T>) {
    T value{};
    ObjectSchema object;
    FieldSchemas fields(object);
    T::describe(value, fields);
    return object.take();
  } else {
    static_assert(store::kUnsupported<T>, "a member of a kind that schemas do not know");
  }
}

template <class E>
json::object event_schema() {
  E event{};
  AddressSchema address;
  E::describe(event, address);
  const auto type = store::stored_type(E::type);
  ObjectSchema record;
  record.add("specversion", {{"const", "1.0"}}, true);
  record.add("id", pattern_schema(kPositionPattern), true);
  record.add("source", pattern_schema("/log$"), true);
  record.add("type", {{"const", type}}, true);
  record.add("time", pattern_schema(kTimePattern), true);
  address.add_subject(record);
  record.add("actor", text_schema(Place::member), false);
  record.add("cause", pattern_schema(kPositionPattern), false);
  address.add_rest(record);
  record.add("idempotencykey", text_schema(Place::member), false);
  record.add("requestdigest", text_schema(Place::member), false);
  record.add("data", schema_of<E>(Place::element), true);
  json::object schema{{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", type}};
  for (auto& [name, value] : record.take()) schema[name] = value;
  return schema;
}

}  // namespace headgate::schemas
