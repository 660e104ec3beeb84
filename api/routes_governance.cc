// A configuration that waits for people: approved or declined under the digest of what it changes.
#include "api/json_reader.h"
#include "api/routes.h"
#include "api/views_configuration.h"
#include "api/views_promotion.h"
#include "engine/domain/governance.h"

namespace headgate::api {
namespace {

Result<ApproveConfiguration> read_approval(const Call& call) {
  HEADGATE_TRY(const auto value, json_body(call, true));
  JsonReader body(value);
  ApproveConfiguration command;
  command.digest = call.request.parameter("digest");
  command.team = body.optional_string("team").value_or("");
  command.comment = body.optional_string("comment").value_or("");
  HEADGATE_TRY_VOID(body.finish());
  return command;
}

void approve(Core& core, const CallPtr& call) {
  auto command = read_approval(*call);
  if (!command) return core.answer(*call, std::unexpected(command.error()));
  WriteAnswer answer;
  answer.fields = [digest = command->digest](JsonWriter& json, const Receipt& receipt) {
    bool in_force = false;
    for (const auto& event : receipt.events) {
      if (const auto* approved = std::get_if<ConfigurationApproved>(&event)) {
        json.field("commit", approved->commit).field("team", approved->team);
      }
      in_force |= std::holds_alternative<ConfigurationAccepted>(event);
    }
    json.field("digest", digest).field("in_force", in_force);
  };
  core.submit(call, std::move(*command), std::move(answer));
}

void reject(Core& core, const CallPtr& call) {
  auto approval = read_approval(*call);
  if (!approval) return core.answer(*call, std::unexpected(approval.error()));
  WriteAnswer answer;
  answer.fields = [digest = approval->digest](JsonWriter& json, const Receipt& receipt) {
    for (const auto& event : receipt.events) {
      if (const auto* declined = std::get_if<ConfigurationDeclined>(&event)) json.field("commit", declined->commit);
    }
    json.field("digest", digest).field("declined", true);
  };
  core.submit(call, DeclineConfiguration{approval->digest, approval->comment}, std::move(answer));
}

}  // namespace

void write_proposal(JsonWriter& json, const State& state, const Names& names) {
  const auto& proposal = state.configuration.proposal;
  if (!proposal) {
    json.value(nullptr);
    return;
  }
  const auto& change = proposal->change;
  json.begin_object();
  json.field("digest", change.digest).field("commit", proposal->commit).field("position", proposal->position);
  json.field("time", format_timestamp(proposal->time));
  json.field("text", describe_change(change));
  json.field("documents", change.documents).field("policy", change.policy);
  json.field("removed", change.removed).field("targets", change.targets);
  json.key("authors").begin_array();
  for (const auto& person : change.people) names.write(json, person);
  json.end_array();
  json.key("approvals").begin_array();
  for (const auto& approval : proposal->approvals) {
    json.begin_object();
    names.write(json.key("approver"), approval.approver);
    json.field("team", approval.team).field("comment", approval.comment).field("position", approval.position);
    json.field("time", format_timestamp(approval.time)).end_object();
  }
  json.end_array();
  write_conditions(json.key("conditions"), judge_proposal(state, *proposal), names);
  json.end_object();
}

void write_declined(JsonWriter& json, const State& state, const Names& names) {
  const auto& declined = state.configuration.declined;
  if (!declined) {
    json.value(nullptr);
    return;
  }
  json.begin_object().field("commit", declined->commit);
  names.write(json.key("by"), declined->by);
  json.field("comment", declined->comment).field("position", declined->position).end_object();
}

// Who may follows from what is proposed: a team's member, an operator, or an administrator.
void add_governance_routes(Core& core, Router& router) {
  core.async(router, "POST", "/v1/configuration/{digest}/approve", "viewer somewhere",
             [&core](const CallPtr& call) { approve(core, call); });
  core.async(router, "POST", "/v1/configuration/{digest}/reject", "viewer somewhere",
             [&core](const CallPtr& call) { reject(core, call); });
}

}  // namespace headgate::api
