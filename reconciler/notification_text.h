// An event as a message that people read, and as what each kind of receiver takes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/error.h"
#include "engine/domain/names.h"
#include "engine/ports/people.h"

namespace headgate::reconciler {

struct NotificationText {
  Position position = 0;
  std::string origin;       // of the log
  std::string type;         // short: promotion.failed
  std::string subject;      // gateway/production/7; may be empty
  std::string environment;  // may be empty
  std::string service;      // may be empty
  std::string time;
  std::string actor;                                         // as the directory calls them; engine
  std::string title;                                         // one line
  std::vector<std::pair<std::string, std::string>> details;  // of the event's data, bounded
  std::string incident;                                      // its number, of an event that concerns one
};

// `record`: a stored event. The names of people come from the directory, for those who are told; the log holds none.
Result<NotificationText> notification_text(std::string_view record, const People& people);

// The short type of a stored event, without reading the rest.
std::string_view type_of_record(std::string_view record);
std::string environment_of_record(std::string_view record);  // empty: it has none

std::string plain_text(const NotificationText& text);  // title and details, a line each

// Bodies, JSON in UTF-8.
std::string slack_body(const NotificationText& text);
std::string teams_body(const NotificationText& text);
// Events API v2. What opens an incident triggers, what resolves it resolves the same alert; a repeat is told by its
// key.
std::string pagerduty_body(const NotificationText& text, const std::string& routing_key);

}  // namespace headgate::reconciler
