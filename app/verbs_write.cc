// promote, adopt, approve, reject, cancel, wait, gate, release, quarantine, reinstate, token, people: what asks for
// something.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>
#include <utility>

#include "app/cli.h"
#include "app/client.h"
#include "app/promotion_verb.h"
#include "app/table.h"
#include "engine/domain/names.h"
#include "engine/domain/time.h"

namespace headgate::app {
namespace {

namespace json = boost::json;
using std::chrono::steady_clock;

Query dry_run_query(bool dry_run) {
  return {{"dry_run", dry_run ? "true" : ""}};
}

// name=value pairs of an option that may be given several times.
Result<json::object> pairs(const std::vector<std::string>& entries, const char* option) {
  json::object object;
  for (const auto& entry : entries) {
    const auto equals = entry.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(ErrorCode::invalid_input, std::string(option) + " '" + entry + "': expected NAME=VALUE");
    }
    object[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
  return object;
}

// ------------------------------------------------------------------------------------------------------------ wait

bool is_ended(const std::string& phase) {
  return phase != "waiting" && phase != "running" && phase != "rollingBack";
}

// A server that was reached once and goes away comes back, and goes on with the promotion.
Result<int> wait_for(Client& client, const Cli& cli, const std::string& id, std::optional<Duration> timeout) {
  HEADGATE_TRY(const auto path, promotion_path(id));
  const bool progress = on_terminal(STDERR_FILENO);
  const auto began = steady_clock::now();
  std::string phase;
  std::string shown;
  bool told = false;
  while (true) {
    const auto promotion = client.get(path);
    if (promotion) {
      told = false;
      phase = shown_at(*promotion, {"phase"});
      const auto line = id + "  " + phase + "  " + shown_at(*promotion, {"step"});
      if (progress && line != shown) std::fprintf(stderr, "\r\033[K%s", line.c_str());
      shown = line;
    } else if (phase.empty() || promotion.error().code != ErrorCode::unavailable) {
      return std::unexpected(promotion.error());
    } else if (!std::exchange(told, true)) {
      std::fprintf(stderr, "%sheadgate: %s; connecting again\n", progress ? "\r\033[K" : "",
                   promotion.error().message.c_str());
      shown.clear();
    }
    if (is_ended(phase)) {
      if (progress) std::fprintf(stderr, "\r\033[K");
      if (!print_raw(cli.output, *promotion)) {
        const auto reason = text_at(*promotion, {"end_reason"});
        std::printf("%s %s%s\n", id.c_str(), phase.c_str(), reason ? (": " + printable(*reason)).c_str() : "");
      }
      return phase == "succeeded" ? exit_done : exit_no;
    }
    if (timeout && steady_clock::now() - began >= *timeout) {
      if (progress) std::fprintf(stderr, "\n");
      std::fprintf(stderr, "headgate: %s is still %s; see: headgate explain %s\n", id.c_str(), phase.c_str(),
                   id.c_str());
      return exit_timed_out;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(promotion ? 250 : 1000));
  }
}

Result<std::optional<Duration>> timeout_of(const std::string& text) {
  if (text.empty()) return std::nullopt;
  HEADGATE_TRY(const auto duration, parse_duration(text));
  return duration;
}

void add_wait(Cli& cli) {
  auto* verb = cli.program.add_subcommand("wait", "Follow a promotion to its end");
  auto id = std::make_shared<std::string>();
  auto timeout = std::make_shared<std::string>();
  verb->add_option("PROMOTION", *id)->required();
  verb->add_option("--timeout", *timeout, "such as 10m");
  verb->footer(
      "Goes on by itself when the server comes back.\nExit code: 0 succeeded, 1 ended otherwise, 124 timed "
      "out.\n\nExample:\n  headgate wait gateway/production/7 "
      "--timeout 30m");
  act(cli, verb, [&cli, id, timeout](Client& client) -> Result<int> {
    HEADGATE_TRY(const auto limit, timeout_of(*timeout));
    return wait_for(client, cli, *id, limit);
  });
}

// --------------------------------------------------------------------------------------------------------- promote

struct PromoteOptions {
  std::string service, environment, version, commit, reason;
  std::vector<std::string> artifacts;
  std::vector<std::string> locations;
  bool expedite = false;
  bool dry_run = false;
  bool wait = false;
};

// What a dry run tells of the promotion that it would plan.
void print_planned(const json::value& answer) {
  const auto* events = value_at(answer, {"events"});
  bool any = false;
  for (const auto& event : events && events->is_array() ? events->as_array() : json::array()) {
    const auto type = text_at(event, {"type"});
    if (type == "promotion.superseded") {
      std::printf("%s would be superseded\n", shown_at(event, {"subject"}).c_str());
    } else if (type == "promotion.planned") {
      any = true;
      const auto from = text_at(event, {"data", "from", "release", "version"});
      std::printf("%s  %s -> %s  (nothing is done)\n", shown_at(event, {"subject"}).c_str(),
                  from ? printable(*from).c_str() : "nothing",
                  shown_at(event, {"data", "to", "release", "version"}).c_str());
    } else if (type == "step.planned" && text_at(event, {"data", "step", "rollback"}) != "true") {
      const auto step = shown_at(event, {"subject"});
      std::printf("  %s\n", step.substr(step.rfind('/') + 1).c_str());
    }
  }
  if (!any) std::printf("nothing would be planned\n");
}

Result<int> promote(Client& client, const Cli& cli, const PromoteOptions& o) {
  json::object release{{"version", o.version}};
  if (!o.commit.empty()) release["commit"] = o.commit;
  HEADGATE_TRY(auto artifacts, pairs(o.artifacts, "--artifact"));
  if (!artifacts.empty()) release["artifacts"] = std::move(artifacts);
  json::object body{{"service", o.service}, {"environment", o.environment}, {"release", std::move(release)}};
  if (!o.reason.empty()) body["reason"] = o.reason;
  if (o.expedite) body["expedite"] = true;
  if (!o.locations.empty()) body["locations"] = json::array(o.locations.begin(), o.locations.end());
  HEADGATE_TRY(const auto answer, client.post("/v1/promotions", body, dry_run_query(o.dry_run)));
  const auto id = shown_at(answer, {"id"});
  if (o.wait && !o.dry_run) {
    std::fprintf(stderr, "%s planned\n", id.c_str());
    return wait_for(client, cli, id, std::nullopt);
  }
  if (print_raw(cli.output, answer)) return exit_done;
  if (o.dry_run) {
    print_planned(answer);
  } else {
    std::printf("%s planned\nnext: headgate wait %s\n", id.c_str(), id.c_str());
  }
  return exit_done;
}

void add_promote(Cli& cli) {
  auto* verb = cli.program.add_subcommand("promote", "Bring a release to an environment");
  auto o = std::make_shared<PromoteOptions>();
  verb->add_option("SERVICE", o->service)->required()->check(is_given);
  verb->add_option("--to", o->environment, "environment")->required();
  verb->add_option("--release", o->version, "version")->required();
  verb->add_option("--commit", o->commit, "of a release that is not registered");
  verb->add_option("--artifact", o->artifacts, "NAME=REFERENCE, likewise");
  verb->add_option("--reason", o->reason);
  verb->add_option("--location", o->locations,
                   "only there: what is verified in the other locations; more than one: --location again");
  verb->add_flag("--expedite", o->expedite, "with the shorter waits of the stage's 'expedite'; needs a reason");
  verb->add_flag("--dry-run", o->dry_run, "say what would happen, do nothing");
  verb->add_flag("--wait", o->wait, "follow it to its end");
  verb->footer("Example:\n  headgate promote gateway --to production --release v1.4.2 --wait");
  act(cli, verb, [&cli, o](Client& client) { return promote(client, cli, *o); });
}

void add_adopt(Cli& cli) {
  auto* verb = cli.program.add_subcommand("adopt", "Take what a target runs as the release that belongs there");
  auto target = std::make_shared<std::string>();
  auto reason = std::make_shared<std::string>();
  verb->add_option("TARGET", *target, "such as gateway/production")->required();
  verb->add_option("--reason", *reason);
  verb->footer("Example:\n  headgate adopt gateway/production --reason 'was deployed by hand before'");
  act(cli, verb, [&cli, target, reason](Client& client) -> Result<int> {
    HEADGATE_TRY_VOID(parse_target_id(*target));
    json::object body;
    if (!reason->empty()) body["reason"] = *reason;
    HEADGATE_TRY(const auto answer, client.post("/v1/targets/" + *target + "/adopt", body));
    if (!print_raw(cli.output, answer)) std::printf("%s adopted\n", target->c_str());
    return exit_done;
  });
}

// --------------------------------------------------------------------------------------------------------- approve

struct ApproveOptions {
  std::string id, team, comment;
  bool yes = false;
};

// On standard error, as the question: what is printed on standard output is the answer of the verb.
void show_plan(const json::value& promotion) {
  std::fprintf(stderr, "%s  %s -> %s\n", shown_at(promotion, {"id"}).c_str(),
               shown_at(promotion, {"from", "version"}).c_str(), shown_at(promotion, {"to", "version"}).c_str());
  std::fprintf(stderr, "plan %s\n", shown_at(promotion, {"plan_digest"}).c_str());
  if (const auto* steps = value_at(promotion, {"steps"}); steps && steps->is_array()) {
    for (const auto& step : steps->as_array()) {
      std::fprintf(stderr, "  %-10s %-24s %s\n", shown_at(step, {"kind"}).c_str(), shown_at(step, {"name"}).c_str(),
                   shown_at(step, {"status"}).c_str());
    }
  }
  if (const auto* unmet = value_at(promotion, {"unmet"}); unmet && unmet->is_array()) {
    for (const auto& condition : unmet->as_array())
      std::fprintf(stderr, "unmet: %s\n", shown_at(condition, {"text"}).c_str());
  }
}

Result<int> approve(Client& client, const Cli& cli, const ApproveOptions& o) {
  HEADGATE_TRY(const auto path, promotion_path(o.id));
  HEADGATE_TRY(const auto looked_at, client.get_with_position(path));
  const auto& [promotion, position] = looked_at;
  const auto digest = text_at(promotion, {"plan_digest"}).value_or("");
  if (!o.yes || !is_raw(cli.output)) show_plan(promotion);
  HEADGATE_TRY(const bool go_on, confirmed("Approve this plan?", o.yes));
  if (!go_on) return exit_no;
  json::object body{{"plan_digest", digest}};
  if (position) body["seen"] = *position;
  if (!o.team.empty()) body["team"] = o.team;
  if (!o.comment.empty()) body["comment"] = o.comment;
  HEADGATE_TRY(const auto answer, client.post(path + "/approve", body));
  if (!print_raw(cli.output, answer))
    std::printf("%s approved for team %s\n", o.id.c_str(), shown_at(answer, {"team"}).c_str());
  return exit_done;
}

void add_decisions(Cli& cli) {
  auto* verb = cli.program.add_subcommand("approve", "Approve a promotion's plan, after showing it and its digest");
  auto o = std::make_shared<ApproveOptions>();
  verb->add_option("PROMOTION", o->id)->required();
  verb->add_option("--team", o->team, "the team to approve for, where several are asked");
  verb->add_option("--comment", o->comment);
  verb->add_flag("--yes", o->yes, "do not ask");
  verb->footer("Example:\n  headgate approve gateway/production/7 --comment 'checked the canary'");
  act(cli, verb, [&cli, o](Client& client) { return approve(client, cli, *o); });

  const auto says = [](const char* what) {
    return [what](const std::string& id, const json::value&) { std::printf("%s %s\n", id.c_str(), what); };
  };
  add_promotion_verb(cli, {.name = "reject",
                           .help = "Refuse a promotion that asks for approval",
                           .example = " --comment 'the canary was slow'",
                           .text = "comment",
                           .print = says("rejected")});
  add_promotion_verb(cli, {.name = "cancel",
                           .help = "End a promotion; one that has begun to deploy rolls back",
                           .example = " --reason 'wrong version'",
                           .print = says("cancelled")});
}

// ---------------------------------------------------------------------------------------------------- gate, release

// NAME=NUMBER pairs as a JSON object, each number digit by digit as it was written.
Result<std::string> numbers(const std::vector<std::string>& entries, const char* option) {
  HEADGATE_TRY(const auto written, pairs(entries, option));
  std::string text = "{";
  for (const auto& [name, value] : written) {
    const std::string number(value.as_string());
    if (!is_decimal(number)) {
      return fail(ErrorCode::invalid_input,
                  std::string(option) + " " + std::string(name) + "=" + number + ": expected a number such as 91.2");
    }
    text += (text.size() > 1 ? "," : "") + json::serialize(json::string(name)) + ":" + number;
  }
  return text + "}";
}

struct GateOptions {
  std::string service, commit, version, gate, status, url, summary, report;
  std::vector<std::string> metrics;
};

Result<int> report_gate(Client& client, const Cli& cli, const GateOptions& o) {
  json::object body{{"service", o.service}, {"gate", o.gate}, {"status", o.status}};
  if (!o.commit.empty()) body["commit"] = o.commit;
  if (!o.version.empty()) body["version"] = o.version;
  if (!o.url.empty()) body["url"] = o.url;
  if (!o.summary.empty()) body["summary"] = o.summary;
  if (!o.report.empty()) body["report"] = o.report;
  auto text = json::serialize(body);
  text.pop_back();
  HEADGATE_TRY(const auto metrics, numbers(o.metrics, "--metric"));
  HEADGATE_TRY(const auto answer, client.post_text("/v1/gates", text + ",\"metrics\":" + metrics + "}"));
  if (!print_raw(cli.output, answer)) {
    std::printf("gate %s of %s: %s, at position %s\n", o.gate.c_str(), o.service.c_str(), o.status.c_str(),
                shown_at(answer, {"position"}).c_str());
  }
  return exit_done;
}

void add_gate(Cli& cli) {
  auto* group = cli.program.add_subcommand("gate", "Report gates (for CI)");
  group->footer(
      "Example:\n  headgate gate report --service gateway --version v1.4.2 --gate unit-tests --status passed");
  group->require_subcommand(1);
  auto* verb = group->add_subcommand("report", "Report the result of a gate");
  auto o = std::make_shared<GateOptions>();
  verb->add_option("--service", o->service)->required();
  verb->add_option("--commit", o->commit, "full commit id");
  verb->add_option("--version", o->version, "of a registered release, instead of a commit");
  verb->add_option("--gate", o->gate)->required();
  verb->add_option("--status", o->status)->required()->check(CLI::IsMember({"passed", "failed", "error"}));
  verb->add_option("--metric", o->metrics, "NAME=NUMBER, may be given again");
  verb->add_option("--url", o->url, "where to read more");
  verb->add_option("--summary", o->summary);
  verb->add_option("--report", o->report, "digest of a blob that was put before (PUT /v1/blobs/…)");
  verb->footer(
      "Example:\n  headgate gate report --service gateway --commit 9f3c… --gate unit-tests --status passed --metric "
      "coverage=91.2");
  act(cli, verb, [&cli, o](Client& client) { return report_gate(client, cli, *o); });
}

struct ReleaseOptions {
  std::string service, version, commit, branch;
  std::vector<std::string> artifacts, tags;
};

Result<int> register_release(Client& client, const Cli& cli, const ReleaseOptions& o) {
  HEADGATE_TRY(auto artifacts, pairs(o.artifacts, "--artifact"));
  json::object body{
      {"service", o.service}, {"version", o.version}, {"commit", o.commit}, {"artifacts", std::move(artifacts)}};
  if (!o.branch.empty()) body["branch"] = o.branch;
  if (!o.tags.empty()) body["tags"] = json::value_from(o.tags);
  HEADGATE_TRY(const auto answer, client.post("/v1/releases", body));
  if (!print_raw(cli.output, answer)) std::printf("release %s/%s registered\n", o.service.c_str(), o.version.c_str());
  return exit_done;
}

void add_release(Cli& cli) {
  auto* group = cli.program.add_subcommand("release", "Register releases (for CI)");
  group->footer("Example:\n  headgate release register --service gateway --version v1.4.2 --commit 9f3c…");
  group->require_subcommand(1);
  auto* verb = group->add_subcommand("register", "Make a candidate known");
  auto o = std::make_shared<ReleaseOptions>();
  verb->add_option("--service", o->service)->required();
  verb->add_option("--version", o->version)->required();
  verb->add_option("--commit", o->commit, "full commit id")->required();
  verb->add_option("--artifact", o->artifacts, "NAME=REFERENCE by digest, may be given again");
  verb->add_option("--branch", o->branch);
  verb->add_option("--tag", o->tags, "may be given again");
  verb->footer(
      "Example:\n  headgate release register --service gateway --version v1.4.2 --commit 9f3c… --artifact "
      "image=registry.example.com/gateway@sha256:…");
  act(cli, verb, [&cli, o](Client& client) { return register_release(client, cli, *o); });

  const auto add = [&](const char* name, const char* help, bool lift) {
    auto* quarantine = cli.program.add_subcommand(name, help);
    auto service = std::make_shared<std::string>();
    auto version = std::make_shared<std::string>();
    auto reason = std::make_shared<std::string>();
    quarantine->add_option("SERVICE", *service)->required()->check(is_given);
    quarantine->add_option("VERSION", *version)->required()->check(is_given);
    quarantine->add_option("--reason", *reason)->required();
    quarantine->footer(std::string("Example:\n  headgate ") + name + " gateway v1.4.2 --reason TEXT");
    act(cli, quarantine, [&cli, service, version, reason, lift](Client& client) -> Result<int> {
      const json::object body{{"service", *service}, {"version", *version}, {"reason", *reason}};
      const auto path = "/v1/quarantine/" + percent_encode(*service) + "/" + percent_encode(*version);
      HEADGATE_TRY(const auto answer,
                   lift ? client.del(path, {{"reason", *reason}}) : client.post("/v1/quarantine", body));
      if (!print_raw(cli.output, answer)) {
        std::printf("release %s/%s %s\n", service->c_str(), version->c_str(), lift ? "reinstated" : "quarantined");
      }
      return exit_done;
    });
  };
  add("quarantine", "Bar a release from every environment", false);
  add("reinstate", "Lift a release's quarantine", true);
}

// ----------------------------------------------------------------------------------------------------------- token

void add_token(Cli& cli) {
  auto* group = cli.program.add_subcommand("token", "Tokens of people and machines");
  group->footer("Example:\n  headgate token create ci > ci.token");
  group->require_subcommand(1);

  auto* create = group->add_subcommand("create", "Make a token; its text is printed once");
  auto name = std::make_shared<std::string>();
  auto roles = std::make_shared<std::vector<std::string>>();
  auto expires = std::make_shared<std::string>();
  create->add_option("NAME", *name, "as the AccessPolicy calls it")->required()->check(is_given);
  create->add_option("--role", *roles, "held everywhere, besides what the AccessPolicy grants; may be given again");
  create->add_option("--expires", *expires, "RFC 3339 time");
  create->footer("Example:\n  headgate token create ci > ci.token");
  act(cli, create, [&cli, name, roles, expires](Client& client) -> Result<int> {
    json::object body{{"name", *name}};
    if (!roles->empty()) body["roles"] = json::value_from(*roles);
    if (!expires->empty()) body["expires"] = *expires;
    HEADGATE_TRY(const auto answer, client.post("/v1/tokens", body));
    if (print_raw(cli.output, answer)) return exit_done;
    std::printf("%s\n", text_at(answer, {"token"}).value_or("-").c_str());
    std::fprintf(stderr, "token %s (%s) made; it is not shown again\n", name->c_str(),
                 shown_at(answer, {"id"}).c_str());
    return exit_done;
  });

  auto* list = group->add_subcommand("list", "Tokens in use");
  list->footer("Example:\n  headgate token list");
  act(cli, list, [&cli](Client& client) -> Result<int> {
    HEADGATE_TRY(const auto tokens, all_pages(client, "/v1/tokens", "tokens", {}));
    if (print_raw(cli.output, tokens)) return exit_done;
    Table table({"ID", "NAME", "ROLES", "CREATED", "EXPIRES"});
    for (const auto& token : tokens) {
      table.add({shown_at(token, {"id"}), shown_at(token, {"name"}), cell_at(token, {"roles"}),
                 shown_at(token, {"created"}), shown_at(token, {"expires"})});
    }
    table.print();
    return exit_done;
  });

  auto* revoke = group->add_subcommand("revoke", "End a token");
  auto id = std::make_shared<std::string>();
  revoke->add_option("ID", *id, "token:…, as token list shows it")->required()->check(is_given);
  revoke->footer("Example:\n  headgate token revoke token:k3v9q2m4ya");
  act(cli, revoke, [&cli, id](Client& client) -> Result<int> {
    HEADGATE_TRY(const auto answer, client.del("/v1/tokens/" + percent_encode(*id)));
    if (!print_raw(cli.output, answer)) std::printf("%s revoked\n", id->c_str());
    return exit_done;
  });
}

// ----------------------------------------------------------------------------------------------------------- people

void add_people(Cli& cli) {
  auto* group = cli.program.add_subcommand("people", "The people behind person:… in the log");
  group->footer("Example:\n  headgate people list");
  group->require_subcommand(1);

  auto* list = group->add_subcommand("list", "Everybody whom the directory beside the log knows");
  list->footer("Example:\n  headgate people list");
  act(cli, list, [&cli](Client& client) -> Result<int> {
    HEADGATE_TRY(const auto people, all_pages(client, "/v1/people", "people", {}));
    if (print_raw(cli.output, people)) return exit_done;
    Table table({"ID", "NAME", "EMAILS"});
    for (const auto& person : people) {
      table.add({shown_at(person, {"id"}), shown_at(person, {"name"}), cell_at(person, {"emails"})});
    }
    table.print();
    return exit_done;
  });

  auto* erase = group->add_subcommand("erase", "Forget a person: name, addresses, keys and the names of their tokens");
  auto id = std::make_shared<std::string>();
  auto yes = std::make_shared<bool>(false);
  erase->add_option("ID", *id, "person:…, as people list shows it")->required()->check(is_given);
  erase->add_flag("--yes", *yes, "do not ask");
  erase->footer(
      "The log keeps person:… and every proof stays good. Take the person out of the AccessPolicy first; older backups "
      "and Git keep what they hold.\n\nExample:\n  headgate people erase person:k3v9q2m4ya");
  act(cli, erase, [&cli, id, yes](Client& client) -> Result<int> {
    HEADGATE_TRY(const bool go_on, confirmed("Forget " + *id + " for good?", *yes));
    if (!go_on) return exit_no;
    HEADGATE_TRY(const auto answer, client.del("/v1/people/" + percent_encode(*id)));
    if (!print_raw(cli.output, answer)) std::printf("%s erased\n", id->c_str());
    return exit_done;
  });
}

}  // namespace

void add_write_verbs(Cli& cli) {
  add_promote(cli);
  add_adopt(cli);
  add_decisions(cli);
  add_wait(cli);
  add_gate(cli);
  add_release(cli);
  add_token(cli);
  add_people(cli);
}

}  // namespace headgate::app
