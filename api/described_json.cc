#include "api/described_json.h"

namespace headgate::api {

void write_event(JsonWriter& json, const Event& event) {
  json.begin_object().field("type", type_name(event));
  if (const auto address = address_of(event); !address.subject.empty()) json.field("subject", address.subject);
  json.key("data");
  std::visit([&](const auto& e) { write_described(json, e); }, event);
  json.end_object();
}

}  // namespace headgate::api
