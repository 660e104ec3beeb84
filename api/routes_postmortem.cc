// What happened to a promotion, as a text that people go on writing. It is put together from the log alone, with ids
// instead of names: the same records give the same bytes, whenever and for whomever it is made.
#include <fmt/format.h>

#include "api/paging.h"
#include "api/promotion_reads.h"
#include "api/record_view.h"
#include "api/routes.h"

namespace headgate::api {
namespace {

constexpr std::size_t max_rows = 2'000;

// Of one event, within a table's cell: its reason and the like, on one line.
std::string in_cell(std::string_view text) {
  std::string cell;
  for (const char c : text) {
    if (c == '|') cell += '\\';
    cell += c == '\n' || c == '\r' ? ' ' : c;
  }
  return cell;
}

std::string wish_text(const std::optional<Wish>& wish) {
  if (!wish) return "nothing";
  return "release " + wish->release.version + (wish->release.commit.empty() ? "" : ", commit " + wish->release.commit);
}

struct Story {
  std::string rows;
  std::string incidents;
  std::size_t count = 0;
  bool cut = false;
};

Result<Story> read_story(const Core& core, const PromotionId& id) {
  Story story;
  std::optional<Position> after;
  bool more = true;
  std::optional<Timestamp> first;
  while (more && story.count < max_rows) {
    HEADGATE_TRY(const auto found, events_of_promotion(core, id, after, 500));
    for (const auto& record : found.records) {
      after = record.position;
      HEADGATE_TRY(const auto view, view_record(record.bytes));
      if (view.type == "step.planned") continue;
      HEADGATE_TRY(const auto time, parse_timestamp(view.time));
      if (!first) first = time;
      const auto since = std::chrono::floor<std::chrono::milliseconds>(time - *first);
      const auto detail = in_cell(detail_of(view.data));
      story.rows += fmt::format("| {} | {} | +{} | {} | {} | {} | {} |\n", record.position, view.time,
                                format_duration(since), view.type, view.subject, view.actor, detail);
      if (view.type.starts_with("incident.")) {
        story.incidents += fmt::format("- {} {} (position {}): {}\n", view.time, view.type, record.position, detail);
      }
      ++story.count;
    }
    more = found.more && !found.records.empty();
  }
  story.cut = more;
  return story;
}

std::string text_of(const Promotion& p, const Story& story) {
  const auto took = p.ended ? format_duration(std::chrono::floor<std::chrono::milliseconds>(*p.ended - p.planned))
                            : std::string("not ended");
  std::string text = fmt::format("# Post-mortem of {}\n\n", to_string(p.id));
  text += fmt::format("- phase: {}\n- trigger: {}\n- from: {}\n- to: {}\n- plan: {}\n- planned: {}\n- ended: {}\n",
                      name_of(p.phase), name_of(p.trigger), wish_text(p.from), wish_text(p.to), p.plan_digest,
                      format_timestamp(p.planned), p.ended ? format_timestamp(*p.ended) : "-");
  text += fmt::format("- took: {}\n- outcome: {}\n", took, p.end_reason.empty() ? "-" : in_cell(p.end_reason));
  if (p.rollback_began) {
    const auto back = p.ended
                          ? format_duration(std::chrono::floor<std::chrono::milliseconds>(*p.ended - *p.rollback_began))
                          : std::string("not ended");
    text += fmt::format("- rollback: began {}, {}\n", format_timestamp(*p.rollback_began), back);
  }
  if (const auto& away = p.downtime) {
    text += fmt::format("- downtime: {} at a time, {} allowed{}, in step {} (position {})\n",
                        format_duration(away->longest), format_duration(away->max),
                        away->longest > away->max ? ", exceeded" : "", away->step, away->position);
  }
  text += "\n## Steps\n\n| step | kind | status | attempts | reason |\n|---|---|---|---|---|\n";
  for (const auto& s : p.steps) {
    text += fmt::format("| {} | {} | {} | {} | {} |\n", s.step->name, name_of(s.step->kind), name_of(s.status),
                        s.attempt, in_cell(s.reason));
  }
  text += "\n## Approvals\n\n";
  if (p.approvals.empty()) text += "None.\n";
  for (const auto& a : p.approvals) {
    text += fmt::format("- {} for {} (position {}): {}\n", a.approver, a.team, a.position, in_cell(a.comment));
  }
  text += "\n## Incidents\n\n" + (story.incidents.empty() ? std::string("None.\n") : story.incidents);
  text +=
      "\n## Timeline\n\n| position | time | since | event | subject | actor | detail "
      "|\n|---|---|---|---|---|---|---|\n";
  text += story.rows;
  if (story.cut) text += fmt::format("\nThe first {} events are shown.\n", story.count);
  for (const auto* title : {"Impact", "Root cause", "What went well", "What went badly", "Actions"}) {
    text += fmt::format("\n## {}\n\n_To be written._\n", title);
  }
  return text;
}

Result<Response> postmortem(const Core& core, const Call& call) {
  HEADGATE_TRY(const auto id, promotion_of_path(call.request));
  QueryReader query(call.request.query);
  HEADGATE_TRY_VOID(query.finish());
  HEADGATE_TRY(const auto found, find_promotion(core, id));
  HEADGATE_TRY(const auto story, read_story(core, id));
  return Response::of(200, "text/markdown; charset=utf-8", text_of(found.promotion, story));
}

}  // namespace

void add_postmortem_route(Core& core, Router& router) {
  core.heavy(router, "GET", "/v1/promotions/{service}/{environment}/{n}/postmortem", "viewer",
             [&core](Call& call) { return postmortem(core, call); });
}

}  // namespace headgate::api
