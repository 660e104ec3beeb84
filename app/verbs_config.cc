// config: what of the configuration is in force, what waits for people, and their answer.
#include <cstdio>

#include "app/cli.h"
#include "app/client.h"
#include "app/table.h"

namespace headgate::app {
namespace {

namespace json = boost::json;

void print_proposal(std::FILE* to, const json::value& proposal) {
  std::fprintf(to, "proposed   commit %s %s\n", shown_at(proposal, {"commit"}).c_str(),
               shown_at(proposal, {"text"}).c_str());
  std::fprintf(to, "digest     %s\n", shown_at(proposal, {"digest"}).c_str());
  for (const auto& condition : proposal.at("conditions").as_array()) {
    std::fprintf(to, "  %s %s\n", text_at(condition, {"met"}) == "true" ? "met  " : "unmet",
                 shown_at(condition, {"text"}).c_str());
    if (text_at(condition, {"remedy"})) std::fprintf(to, "        %s\n", shown_at(condition, {"remedy"}).c_str());
  }
}

Result<void> print_unreachable(Client& client) {
  HEADGATE_TRY(const auto repositories, all_pages(client, "/v1/repositories", "repositories", {}));
  for (const auto& repository : repositories) {
    const auto* error = value_at(repository, {"error"});
    if (!error || !error->is_string()) continue;
    std::printf("trouble    repository %s, last fetched %s: %s\n", shown_at(repository, {"name"}).c_str(),
                shown_at(repository, {"fetched"}).c_str(), printable(error->as_string()).c_str());
  }
  return {};
}

// As validate prints it.
std::string mistake_of(const json::value& diagnostic) {
  auto line = shown_at(diagnostic, {"file"}) + ":" + shown_at(diagnostic, {"line"}) + ":" +
              shown_at(diagnostic, {"column"}) + ": " + shown_at(diagnostic, {"message"});
  for (const auto* field : {"found", "expected"}) {
    const auto* text = value_at(diagnostic, {field});
    if (text && text->is_string() && !text->as_string().empty()) {
      line += std::string(field[0] == 'f' ? ": found " : ", expected ") + std::string(text->as_string());
    }
  }
  return printable(line);
}

Result<int> show(Client& client, const Cli& cli) {
  HEADGATE_TRY(const auto answer, client.get("/v1/configuration"));
  if (print_raw(cli.output, answer)) return exit_done;
  if (const auto* since = value_at(answer, {"time"}); since && since->is_string()) {
    std::printf("in force   commit %s of %s since %s\n", shown_at(answer, {"commit"}).c_str(),
                shown_at(answer, {"repository"}).c_str(), shown_at(answer, {"time"}).c_str());
  } else {
    std::printf("in force   none yet\n");
  }
  HEADGATE_TRY_VOID(print_unreachable(client));
  if (const auto* proposal = value_at(answer, {"proposal"}); proposal && proposal->is_object()) {
    print_proposal(stdout, *proposal);
  }
  if (const auto* declined = value_at(answer, {"declined"}); declined && declined->is_object()) {
    const auto comment = text_at(*declined, {"comment"});
    const auto* name = value_at(*declined, {"by", "name"});
    const bool has_name = name && name->is_string();
    std::printf("declined   commit %s by %s%s\n", shown_at(*declined, {"commit"}).c_str(),
                shown_at(*declined, {"by", has_name ? "name" : "id"}).c_str(),
                comment ? (": " + printable(*comment)).c_str() : "");
  }
  if (const auto* rejected = value_at(answer, {"rejected"}); rejected && rejected->is_object()) {
    std::printf("rejected   commit %s\n", shown_at(*rejected, {"commit"}).c_str());
    for (const auto& diagnostic : rejected->at("diagnostics").as_array()) {
      std::printf("  %s\n", mistake_of(diagnostic).c_str());
    }
  }
  return exit_done;
}

struct AnswerOptions {
  std::string digest, team, comment;
  bool yes = false;
};

// The digest as it was given, else that of what waits now, which is shown before, on standard error.
Result<std::string> digest_of(Client& client, const Cli& cli, const AnswerOptions& o) {
  if (!o.digest.empty()) return o.digest;
  HEADGATE_TRY(const auto answer, client.get("/v1/configuration"));
  const auto* proposal = value_at(answer, {"proposal"});
  if (!proposal || !proposal->is_object()) return fail(ErrorCode::conflict, "no configuration waits for approval");
  if (!o.yes || !is_raw(cli.output)) print_proposal(stderr, *proposal);
  return text_at(*proposal, {"digest"}).value_or("");
}

void add_approve(Cli& cli, CLI::App& group) {
  auto* verb = group.add_subcommand("approve", "Approve what is proposed");
  auto o = std::make_shared<AnswerOptions>();
  verb->add_option("DIGEST", o->digest, "as config status shows it; without it, what waits now is shown and asked for");
  verb->add_option("--team", o->team, "for which team");
  verb->add_option("--comment", o->comment);
  verb->add_flag("--yes", o->yes, "do not ask");
  verb->footer("Example:\n  headgate config approve sha256:3b1f… --comment 'looked at with dave'");
  act(cli, verb, [&cli, o](Client& client) -> Result<int> {
    HEADGATE_TRY(const auto digest, digest_of(client, cli, *o));
    HEADGATE_TRY(const bool go_on, confirmed("Approve this configuration?", o->yes || !o->digest.empty()));
    if (!go_on) return exit_no;
    json::object body;
    if (!o->team.empty()) body["team"] = o->team;
    if (!o->comment.empty()) body["comment"] = o->comment;
    HEADGATE_TRY(const auto answer, client.post("/v1/configuration/" + percent_encode(digest) + "/approve", body));
    if (print_raw(cli.output, answer)) return exit_done;
    const bool in_force = text_at(answer, {"in_force"}) == "true";
    std::printf("approved; commit %s %s\n", shown_at(answer, {"commit"}).c_str(),
                in_force ? "is in force" : "waits for more (headgate config status)");
    return exit_done;
  });
}

void add_reject(Cli& cli, CLI::App& group) {
  auto* verb = group.add_subcommand("reject", "Decline what is proposed: what is in force stays, until another commit");
  auto o = std::make_shared<AnswerOptions>();
  verb->add_option("DIGEST", o->digest, "as config status shows it; without it, of what waits now");
  verb->add_option("--comment", o->comment);
  verb->footer("Example:\n  headgate config reject --comment 'the wait of production must stay'");
  act(cli, verb, [&cli, o](Client& client) -> Result<int> {
    HEADGATE_TRY(const auto digest, digest_of(client, cli, *o));
    json::object body;
    if (!o->comment.empty()) body["comment"] = o->comment;
    HEADGATE_TRY(const auto answer, client.post("/v1/configuration/" + percent_encode(digest) + "/reject", body));
    if (!print_raw(cli.output, answer)) std::printf("declined commit %s\n", shown_at(answer, {"commit"}).c_str());
    return exit_done;
  });
}

}  // namespace

void add_config_verbs(Cli& cli) {
  auto* group = cli.program.add_subcommand("config", "The configuration: in force, proposed, declined, rejected");
  group->footer("Example:\n  headgate config status");
  group->require_subcommand(1);
  auto* status = group->add_subcommand("status", "What is in force, and what waits for whom");
  status->footer("Example:\n  headgate config status");
  act(cli, status, [&cli](Client& client) { return show(client, cli); });
  add_approve(cli, *group);
  add_reject(cli, *group);
}

}  // namespace headgate::app
