#include "api/views_target.h"

#include "api/described_json.h"
#include "api/views_promotion.h"
#include "engine/domain/flow.h"
#include "engine/domain/governance.h"
#include "engine/domain/guards.h"
#include "engine/domain/locations.h"

namespace headgate::api {
namespace {

void write_text_or_null(JsonWriter& json, const std::string& text) {
  if (text.empty()) {
    json.value(nullptr);
  } else {
    json.value(text);
  }
}

void write_observation(JsonWriter& json, const std::optional<Observation>& observed) {
  if (!observed) {
    json.value(nullptr);
    return;
  }
  json.begin_object().field("version", observed->version);
  write_string_map(json.key("artifacts"), observed->artifacts);
  json.end_object();
}

void write_look(JsonWriter& json, const Look& look) {
  write_time(json.key("observed_at"), look.observed);
  write_text_or_null(json.key("observation_error"), look.error);
}

// Of a target with several locations: since when all of them were seen, and what is wrong with the first.
Look look_of(const TargetRow& row) {
  if (row.looks.empty()) return {};
  auto all = row.looks.front();
  for (std::size_t i = 0; i < row.looks.size(); ++i) {
    const auto& look = row.looks[i];
    if (!look.observed || (all.observed && *look.observed < *all.observed)) all.observed = look.observed;
    if (all.error.empty()) all.error = look.error;
  }
  return all;
}

void write_locations(JsonWriter& json, const TargetRow& row) {
  json.begin_array();
  for (std::size_t i = 0; i < row.locations.size(); ++i) {
    const auto& location = row.locations[i];
    const auto& there = at_location(row.target, location.name);
    json.begin_object();
    json.field("name", location.name);
    json.field("standby", location.standby);
    json.key("wave");
    if (location.standby) {
      json.value(nullptr);
    } else {
      json.value(location.wave);
    }
    write_wish(json.key("current"), there.current);
    write_observation(json.key("observed"), there.observed);
    write_look(json, i < row.looks.size() ? row.looks[i] : Look{});
    json.field("drift", there.drifted);
    write_wish(json.key("missed"), there.missed);
    json.end_object();
  }
  json.end_array();
}

}  // namespace

TargetRow row_of(const State& state, const TargetId& id, const TargetState& target, Timestamp now) {
  const auto locations = locations_of(state, id);
  TargetRow row{id, target, {locations.begin(), locations.end()}, {}};
  if (!target.promotion) {
    row.waiting_for = explain_idle(state, id);
    if (target.document) {
      for (auto& waits : explain_triggers(state, id)) row.waiting_for.push_back(std::move(waits));
    }
  } else if (target.promotion->phase == Phase::waiting || target.promotion->phase == Phase::rolling_back) {
    row.waiting_for = unmet_of(explain_live(state, *target.promotion, now));
  } else if (const auto* step = target.promotion->current()) {
    row.waiting_for = step->unmet;
  }
  if (auto waits = explain_proposal(state, id)) row.waiting_for.push_back(std::move(*waits));
  return row;
}

void add_looks(TargetRow& row, const LastLook& last_look) {
  if (!last_look) return;
  if (row.locations.empty()) row.looks.push_back(last_look(row.id, {}));
  for (const auto& location : row.locations) row.looks.push_back(last_look(row.id, location.name));
}

void write_target(JsonWriter& json, const TargetRow& row, const Names& names) {
  const auto& [id, target, locations, waiting_for, looks] = row;
  json.begin_object();
  json.field("target", to_string(id));
  json.field("service", id.service);
  json.field("environment", id.environment);
  write_wish(json.key("desired"), target.desired);
  json.field("desired_commit", target.desired_commit);
  write_wish(json.key("current"), target.current);
  json.key("current_position");
  if (target.current) {
    json.value(target.current_at);
  } else {
    json.value(nullptr);
  }
  write_observation(json.key("observed"), target.observed);
  write_look(json, look_of(row));
  json.field("drift", target.drifted);
  write_locations(json.key("locations"), row);
  write_text_or_null(json.key("pinned"), names.in_text(target.pinned));
  write_text_or_null(json.key("held"), names.in_text(target.held));
  json.field("suspended", target.document && target.document->document.suspend);
  json.field("orphaned", target.orphaned);
  json.field("retiring", target.retiring);
  json.key("document");
  if (target.document) {
    json.begin_object();
    json.field("file", target.document->source.file);
    json.field("line", target.document->source.line);
    json.field("commit", target.document->commit);
    const auto& document = target.document->document;
    write_wish(json.key("wish"), Wish{document.release, document.variables});
    write_described(json.key("variables_from"), document.variables_from);
    write_described(json.key("on_delete"), document.on_delete);
    write_text_or_null(json.key("formerly"), document.formerly ? document_name(*document.formerly) : "");
    json.end_object();
  } else {
    json.value(nullptr);
  }
  json.field("promotions", target.last_number);
  json.key("promotion");
  if (target.promotion) {
    write_promotion_summary(json, *target.promotion);
  } else {
    json.value(nullptr);
  }
  write_conditions(json.key("waiting_for"), waiting_for, names);
  json.end_object();
}

}  // namespace headgate::api
