// resume, freeze, unfreeze, override: who lets a pause end, what closes an environment by hand, and who passes what is
// closed.
#include <cstdio>

#include "app/cli.h"
#include "app/client.h"
#include "app/promotion_verb.h"
#include "app/table.h"
#include "engine/domain/names.h"

namespace headgate::app {
namespace {

namespace json = boost::json;

struct FreezeOptions {
  std::string environment, reason, until;
  std::vector<std::string> services;
};

void add_freeze(Cli& cli) {
  auto* verb = cli.program.add_subcommand("freeze", "Let nothing begin in an environment; rollbacks pass");
  auto o = std::make_shared<FreezeOptions>();
  verb->add_option("ENVIRONMENT", o->environment)->required()->check(is_given);
  verb->add_option("--service", o->services, "only this service; may be given again");
  verb->add_option("--reason", o->reason)->required();
  verb->add_option("--until", o->until, "RFC 3339 time at which it ends by itself");
  verb->footer("Example:\n  headgate freeze production --reason 'the audit' --until 2027-01-03T00:00:00Z");
  act(cli, verb, [&cli, o](Client& client) -> Result<int> {
    json::object body{{"environment", o->environment}, {"reason", o->reason}};
    if (!o->services.empty()) body["services"] = json::value_from(o->services);
    if (!o->until.empty()) body["until"] = o->until;
    HEADGATE_TRY(const auto answer, client.post("/v1/freezes", body));
    if (!print_raw(cli.output, answer)) {
      const auto id = shown_at(answer, {"id"});
      std::printf("freeze %s of %s is in force\nnext: headgate unfreeze %s\n", id.c_str(), o->environment.c_str(),
                  id.c_str());
    }
    return exit_done;
  });

  auto* lift = cli.program.add_subcommand("unfreeze", "Lift a freeze");
  auto id = std::make_shared<std::string>();
  auto reason = std::make_shared<std::string>();
  lift->add_option("ID", *id, "as get freezes shows it")->required()->check(is_given);
  lift->add_option("--reason", *reason);
  lift->footer("Example:\n  headgate unfreeze 3");
  act(cli, lift, [&cli, id, reason](Client& client) -> Result<int> {
    HEADGATE_TRY(const auto answer, client.del("/v1/freezes/" + percent_encode(*id), {{"reason", *reason}}));
    if (!print_raw(cli.output, answer)) std::printf("freeze %s is lifted\n", id->c_str());
    return exit_done;
  });
}

void add_override(Cli& cli) {
  add_promotion_verb(
      cli, {.name = "override",
            .help = "Let one promotion pass a closed window or a freeze (role breakGlass); gates and approvals stay",
            .example = " --reason 'the fix of the outage'",
            .required = true,
            .print = [](const std::string& id, const json::value& answer) {
              std::printf("%s passes: %s\n", id.c_str(), cell_at(answer, {"events"}).c_str());
            }});
}

void add_resume(Cli& cli) {
  add_promotion_verb(
      cli,
      {.name = "resume",
       .help = "End a pause that waits for a person: one without a duration, or one whose measurements say nothing",
       .example = "",
       .print = [](const std::string& id, const json::value&) { std::printf("%s goes on\n", id.c_str()); }});
}

}  // namespace

void add_protection_verbs(Cli& cli) {
  add_resume(cli);
  add_freeze(cli);
  add_override(cli);
}

}  // namespace headgate::app
