// rollback, retry, expedite, incident, postmortem: what is done when something went wrong.
#include <cstdio>

#include "app/cli.h"
#include "app/client.h"
#include "app/promotion_verb.h"
#include "app/table.h"
#include "engine/domain/names.h"

namespace headgate::app {
namespace {

namespace json = boost::json;

struct RollbackOptions {
  std::string environment, group, to, scope, reason;
  std::vector<std::string> services;
  bool restore = false;
  bool break_glass = false;
  bool dry_run = false;
};

// What a rollback of more than named services would leave out: only a dry run tells.
void print_skipped(const json::value& preview) {
  const auto* skipped = value_at(preview, {"skipped"});
  if (!skipped || !skipped->is_array()) return;
  for (const auto& s : skipped->as_array()) {
    std::printf("%s is left as it is: %s\n", shown_at(s, {"target"}).c_str(), shown_at(s, {"reason"}).c_str());
  }
}

void print_rollbacks(const json::value& answer, bool dry_run) {
  if (const auto* rollbacks = value_at(answer, {"rollbacks"}); rollbacks && rollbacks->is_array()) {
    for (const auto& r : rollbacks->as_array()) {
      std::printf("%s  %s -> %s%s\n", shown_at(r, {"id"}).c_str(), shown_at(r, {"leaves", "version"}).c_str(),
                  text_at(r, {"to", "version"}) ? shown_at(r, {"to", "version"}).c_str() : "nothing",
                  dry_run ? "  (nothing is done)" : "");
      if (const auto crosses = text_at(r, {"crosses"})) {
        std::printf("  goes across the irreversible step %s\n", printable(*crosses).c_str());
      }
      if (const auto* steps = value_at(r, {"steps"}); steps && steps->is_array()) {
        for (const auto& step : steps->as_array()) std::printf("  %s\n", shown_at(step, {}).c_str());
      }
      if (!dry_run) std::printf("next: headgate wait %s\n", shown_at(r, {"id"}).c_str());
    }
  }
}

void add_rollback(Cli& cli) {
  auto* verb = cli.program.add_subcommand("rollback", "Go back to what was verified before; passes windows and gates");
  auto o = std::make_shared<RollbackOptions>();
  verb->add_option("--environment", o->environment)->required();
  verb->add_option("--service", o->services, "only this service; may be given again");
  verb->add_option("--group", o->group, "only the services of this group");
  verb->add_option("--to", o->to, "version of a release that was verified there; previous when left out");
  verb->add_option("--scope", o->scope, "canary: only what is being rolled out")
      ->check(CLI::IsMember({"all", "canary"}));
  verb->add_flag("--restore", o->restore, "put back what the restore point names, too");
  verb->add_flag("--break-glass", o->break_glass, "go across an irreversible step (role breakGlass)");
  verb->add_flag("--dry-run", o->dry_run, "show the plan, do nothing");
  verb->add_option("--reason", o->reason)->required();
  verb->footer(
      "Without --service and --group everything in the environment goes back that can.\n\nExample:\n  headgate "
      "rollback --environment production --service gateway --reason 'errors since noon'");
  act(cli, verb, [&cli, o](Client& client) -> Result<int> {
    json::object body{{"environment", o->environment}, {"reason", o->reason}};
    if (!o->services.empty()) body["services"] = json::value_from(o->services);
    if (!o->group.empty()) body["group"] = o->group;
    if (!o->to.empty()) body["to"] = o->to;
    if (!o->scope.empty()) body["scope"] = o->scope;
    if (o->restore) body["restore"] = true;
    if (o->break_glass) body["break_glass"] = true;
    json::value preview;
    if (o->dry_run || o->services.empty()) {
      HEADGATE_TRY(preview, client.post("/v1/rollbacks", body, {{"dry_run", "true"}}));
    }
    json::value answer = preview;
    if (!o->dry_run) {
      HEADGATE_TRY(answer, client.post("/v1/rollbacks", body));
    }
    if (print_raw(cli.output, answer)) return exit_done;
    print_rollbacks(answer, o->dry_run);
    print_skipped(preview);
    return exit_done;
  });
}

void add_again(Cli& cli, const char* name, const char* help, bool reason_required) {
  add_promotion_verb(cli, {.name = name,
                           .help = help,
                           .example = " --reason 'the host is back'",
                           .required = reason_required,
                           .print = [](const std::string& id, const json::value& answer) {
                             const auto planned = text_at(answer, {"planned"});
                             const auto goes_on = printable(planned.value_or(id));
                             const bool ended = cell_at(answer, {"events"}).contains("activity.fenced");
                             std::printf("%s %s\nnext: headgate wait %s\n", goes_on.c_str(),
                                         planned ? "is planned"
                                         : ended ? "goes on: the attempt that ran is ended, the next one begins once "
                                                   "its processes are gone"
                                                 : "goes on",
                                         goes_on.c_str());
                           }});
}

void add_incident(Cli& cli) {
  auto* group = cli.program.add_subcommand("incident", "List open incidents, note what is done, resolve");
  group->footer("Example:\n  headgate incident list");
  group->require_subcommand(1);
  auto* list = group->add_subcommand("list", "The open ones, the newest first");
  auto environment = std::make_shared<std::string>();
  list->add_option("--environment", *environment);
  list->footer("Example:\n  headgate incident list --environment production");
  act(cli, list, [&cli, environment](Client& client) -> Result<int> {
    HEADGATE_TRY(const auto rows, all_pages(client, "/v1/incidents", "incidents", {{"environment", *environment}}));
    if (print_raw(cli.output, rows)) return exit_done;
    Table table({"INCIDENT", "TARGET", "PROMOTION", "RELEASE", "OPENED", "REASON", "NEXT STEP"});
    for (const auto& row : rows) {
      table.add({shown_at(row, {"id"}), shown_at(row, {"target"}), shown_at(row, {"promotion"}),
                 shown_at(row, {"release"}), shown_at(row, {"opened"}), shown_at(row, {"reason"}),
                 shown_at(row, {"next_step"})});
    }
    table.print();
    return exit_done;
  });
  const auto add = [&](const char* name, const char* help, const char* field, const char* example) {
    auto* verb = group->add_subcommand(name, help);
    auto id = std::make_shared<std::string>();
    auto text = std::make_shared<std::string>();
    verb->add_option("ID", *id, "as incident list shows it")->required()->check(is_given);
    verb->add_option("--" + std::string(field), *text)->required();
    verb->footer(std::string("Example:\n  headgate incident ") + name + " 3 --" + field + " '" + example + "'");
    const std::string action = name;
    const std::string member = field;
    act(cli, verb, [&cli, id, text, action, member](Client& client) -> Result<int> {
      HEADGATE_TRY(const auto answer,
                   client.post("/v1/incidents/" + percent_encode(*id) + "/" + action, json::object{{member, *text}}));
      if (!print_raw(cli.output, answer)) {
        std::printf("incident %s is %s\n", id->c_str(), action == "note" ? "noted" : "resolved");
      }
      return exit_done;
    });
  };
  add("note", "Say what is being done; the first note acknowledges the incident", "note", "looking at the host");
  add("resolve", "Close it with its review; a freeze that was set with it is lifted", "review", "the disk was full");
}

void add_postmortem(Cli& cli) {
  auto* verb = cli.program.add_subcommand("postmortem", "What happened to a promotion, as Markdown to go on writing");
  auto id = std::make_shared<std::string>();
  verb->add_option("PROMOTION", *id)->required();
  verb->footer("Example:\n  headgate postmortem gateway/production/7 > postmortem.md");
  act(cli, verb, [id](Client& client) -> Result<int> {
    HEADGATE_TRY(const auto path, promotion_path(*id));
    HEADGATE_TRY(const auto text, client.get_text(path + "/postmortem", {}, "text/markdown"));
    std::fputs(printable_lines(text).c_str(), stdout);
    return exit_done;
  });
}

}  // namespace

void add_rollback_verbs(Cli& cli) {
  add_rollback(cli);
  add_again(cli, "retry", "Try the step again at which a promotion or its rollback failed, or hangs", false);
  add_again(cli, "expedite", "Plan a waiting promotion anew with shorter waits; gates and approvals stay", true);
  add_incident(cli);
  add_postmortem(cli);
}

}  // namespace headgate::app
