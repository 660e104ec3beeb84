#include "reconciler/notification_text.h"

#include <algorithm>
#include <boost/json.hpp>

#include "engine/base/utf8.h"

namespace headgate::reconciler {
namespace {

namespace json = boost::json;

constexpr std::size_t max_details = 16;
constexpr std::size_t max_detail_bytes = 500;
constexpr std::string_view type_prefix = "dev.headgate.";

std::string text_at(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::string shown(const json::value& value) {
  return valid_utf8(value.is_string() ? std::string_view(value.as_string()) : std::string_view(json::serialize(value)),
                    max_detail_bytes);
}

// promotion.failed -> promotion failed
std::string in_words(std::string type) {
  std::ranges::replace(type, '.', ' ');
  return type;
}

std::string name_of_actor(const std::string& actor, const People& people) {
  if (actor.starts_with("person:")) {
    if (const auto known = people.find(actor); known && !known->name.empty()) return known->name;
  }
  if (actor.starts_with("token:")) return people.token_name(actor).value_or(actor);
  return actor;
}

bool is_grave(std::string_view type) {
  return type.starts_with("incident.") || type.starts_with("rollback.") || type.ends_with(".failed") ||
         type == "breakglass.used";
}

json::object fact(std::string_view name, std::string_view value) {
  return {{"title", name}, {"value", value}};
}

}  // namespace

std::string_view type_of_record(std::string_view record) {
  constexpr std::string_view mark = R"("type":"dev.headgate.)";
  const auto at = record.find(mark);
  if (at == std::string_view::npos) return {};
  auto type = record.substr(at + mark.size());
  type = type.substr(0, type.find('"'));
  return type.substr(0, type.rfind(".v"));
}

std::string environment_of_record(std::string_view record) {
  boost::system::error_code error;
  const auto parsed = json::parse(json::string_view(record.data(), record.size()), error);
  return error || !parsed.is_object() ? std::string() : text_at(parsed.as_object(), "environment");
}

Result<NotificationText> notification_text(std::string_view record, const People& people) {
  boost::system::error_code error;
  const auto parsed = json::parse(json::string_view(record.data(), record.size()), error);
  if (error || !parsed.is_object()) return fail(ErrorCode::corrupt, "a record is no JSON object");
  const auto& event = parsed.as_object();
  NotificationText text;
  text.position = std::strtoull(text_at(event, "id").c_str(), nullptr, 10);
  text.origin = text_at(event, "source");
  text.origin = text.origin.substr(0, text.origin.rfind("/log"));
  text.type = type_of_record(record);
  text.subject = text_at(event, "subject");
  text.environment = text_at(event, "environment");
  text.service = text_at(event, "service");
  text.time = text_at(event, "time");
  text.actor = name_of_actor(text_at(event, "actor"), people);
  text.title = in_words(text.type) + (text.subject.empty() ? "" : ": " + text.subject);
  const auto* data = event.if_contains("data");
  if (data == nullptr || !data->is_object()) return text;
  const auto& fields = data->as_object();
  if (text.type.starts_with("incident.")) {
    const auto* id = fields.if_contains("id");
    if (id != nullptr && id->is_string()) text.incident = std::string(id->as_string());
  }
  if (const auto reason = text_at(fields, "reason"); !reason.empty()) {
    text.title += ": " + valid_utf8(std::string_view(reason).substr(0, reason.find('\n')), 200);
  }
  for (const auto& [name, value] : fields) {
    if (text.details.size() == max_details) break;
    text.details.emplace_back(std::string(name), shown(value));
  }
  return text;
}

std::string plain_text(const NotificationText& text) {
  std::string out = text.title + "\n\n";
  const auto line = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) out += std::string(name) + ": " + std::string(value) + "\n";
  };
  line("service", text.service);
  line("environment", text.environment);
  line("time", text.time);
  line("by", text.actor);
  for (const auto& [name, value] : text.details) line(name, value);
  line("record", text.origin + "/log, position " + std::to_string(text.position));
  return out;
}

std::string slack_body(const NotificationText& text) {
  // Slack's own notation has three characters that must not be taken for it.
  std::string escaped;
  for (const char c : plain_text(text)) {
    escaped += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
  }
  return json::serialize(json::object{{"text", escaped}});
}

std::string teams_body(const NotificationText& text) {
  json::array facts;
  if (!text.environment.empty()) facts.push_back(fact("environment", text.environment));
  facts.push_back(fact("time", text.time));
  facts.push_back(fact("by", text.actor));
  for (const auto& [name, value] : text.details) facts.push_back(fact(name, value));
  const json::object card{
      {"type", "AdaptiveCard"},
      {"$schema", "http://adaptivecards.io/schemas/adaptive-card.json"},
      {"version", "1.4"},
      {"body",
       json::array{json::object{{"type", "TextBlock"}, {"text", text.title}, {"wrap", true}, {"weight", "Bolder"}},
                   json::object{{"type", "FactSet"}, {"facts", std::move(facts)}}}}};
  return json::serialize(json::object{
      {"type", "message"},
      {"attachments",
       json::array{json::object{{"contentType", "application/vnd.microsoft.card.adaptive"}, {"content", card}}}}});
}

std::string pagerduty_body(const NotificationText& text, const std::string& routing_key) {
  json::object details{{"by", text.actor}, {"position", text.position}};
  for (const auto& [name, value] : text.details) details[name] = value;
  const auto key =
      text.origin + (text.incident.empty() ? "/log/" + std::to_string(text.position) : "/incident/" + text.incident);
  json::object body{{"routing_key", routing_key},
                    {"event_action", text.type == "incident.resolved" ? "resolve" : "trigger"},
                    {"dedup_key", key}};
  body["payload"] = json::object{{"summary", valid_utf8(text.title, 1024)},
                                 {"source", text.origin},
                                 {"severity", is_grave(text.type) ? "critical" : "info"},
                                 {"timestamp", text.time},
                                 {"component", text.service},
                                 {"group", text.environment},
                                 {"class", text.type},
                                 {"custom_details", std::move(details)}};
  return json::serialize(body);
}

}  // namespace headgate::reconciler
