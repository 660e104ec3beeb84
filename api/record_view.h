// The attributes of a stored record, without reading its data. A record is one JSON object whose attributes are texts
// and stand before `data`, which is the last member.
#pragma once

#include <string>
#include <string_view>

#include "engine/domain/error.h"
#include "engine/domain/time.h"

namespace headgate::api {

struct RecordView {
  std::string id;
  std::string type;  // short: approval.granted
  std::string time;
  std::string subject;
  std::string actor;
  std::string cause;
  std::string correlation;
  std::string service;
  std::string environment;
  std::string_view data;  // into the record
};

Result<RecordView> view_record(std::string_view record);  // corrupt

}  // namespace headgate::api
