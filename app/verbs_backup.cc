// backup create, list, verify, restore: on a server, or on directories while no server runs on them; effects pause,
// resume.
#include <chrono>
#include <cstdio>
#include <limits>
#include <thread>

#include "app/cli.h"
#include "app/client.h"
#include "app/restore.h"
#include "app/stopped_log.h"
#include "app/system_clock.h"
#include "app/table.h"
#include "engine/base/digest.h"
#include "store/backup.h"
#include "store/files.h"

namespace headgate::app {
namespace {

namespace json = boost::json;

constexpr std::uint64_t max_id = std::numeric_limits<std::uint32_t>::max();  // of RocksDB's backups

void run_verb(Cli& cli, CLI::App* verb, std::function<Result<int>()> f) {
  verb->callback([&cli, f = std::move(f)] {
    cli.run = [f] {
      const auto result = f();
      return result ? *result : report(result.error());
    };
  });
}

struct BackupOptions {
  std::string data, to, from, from_mirror, key, origin, verifier_key;
  std::vector<std::string> checkpoints;
  std::uint64_t id = 0;  // 0: not given
  bool without_damaged_people = false;
};

json::object row_of(const store::BackupInfo& info) {
  return {{"id", info.id},
          {"time", format_timestamp(info.time)},
          {"origin", info.origin},
          {"size", info.size},
          {"root", digest_text(info.root)},
          {"bytes", info.bytes},
          {"verified", info.verified ? json::value(format_timestamp(*info.verified)) : json::value()},
          {"failure", info.failure}};
}

// A folder of backups or of a mirror that is to be read.
Result<void> expect_folder(const std::string& folder) {
  HEADGATE_TRY(const auto type, store::type_of_file(folder));
  if (type == std::filesystem::file_type::directory) return {};
  return fail(ErrorCode::invalid_input, "there is no directory " + folder);
}

int print_rows(const Cli& cli, const json::array& rows) {
  if (print_raw(cli.output, rows)) return exit_done;
  Table table({"ID", "TIME", "RECORDS", "BYTES", "VERIFIED", "FAILURE"});
  for (const auto& row : rows) {
    table.add({shown_at(row, {"id"}), shown_at(row, {"time"}), shown_at(row, {"size"}), shown_at(row, {"bytes"}),
               shown_at(row, {"verified"}), shown_at(row, {"failure"})});
  }
  table.print();
  return exit_done;
}

// Until the run that the server has begun has ended; prints the backup that it was about.
Result<int> wait_for_run(Client& client, const Cli& cli, const json::object& body) {
  HEADGATE_TRY(const auto started, client.post("/v1/backups", body));
  const auto run = std::stoull(text_at(started, {"run"}).value_or("0"));
  const auto wait = [&]() -> Result<json::value> {
    const Stopwatch line(body.empty() ? "the server takes a backup" : "the server reads the backup again");
    while (true) {
      HEADGATE_TRY(auto answer, client.get("/v1/backups", {{"limit", "1"}}));
      if (std::stoull(text_at(answer, {"runs"}).value_or("0")) >= run) return answer;
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
  };
  HEADGATE_TRY(const auto ended, wait());
  if (const auto error = text_at(ended, {"last_error"})) return fail(ErrorCode::corrupt, *error);
  const auto id = text_at(ended, {"last_id"});
  HEADGATE_TRY(const auto all, all_pages(client, "/v1/backups", "backups", {}));
  json::array rows;
  for (const auto& row : all) {
    if (text_at(row, {"id"}) == id) rows.push_back(row);
  }
  return print_rows(cli, rows);
}

Result<int> create_on_disk(const BackupOptions& options, const Cli& cli) {
  if (options.data.empty() || options.to.empty()) {
    return fail(ErrorCode::invalid_input, "backup create needs both --data and --to, or neither to ask the server");
  }
  // A file that is named as the key of the log must hold it: the backup would be restored without one.
  HEADGATE_TRY(const auto open, open_stopped_log(options.data, options.key, false));
  const SystemClock clock;
  store::Backups backups(options.to);
  const std::filesystem::path data = options.data;
  const auto key = options.key.empty() ? data / "log.key" : std::filesystem::path(options.key);
  const auto take = [&]() -> Result<store::BackupInfo> {
    const Stopwatch line("taking a backup and reading it again");
    HEADGATE_TRY(const auto made, backups.create({*open.log, data, key}, clock.now()));
    const auto root_at = [&](std::uint64_t size) { return open.log->root(size); };
    return backups.verify(made.id, root_at, clock.now());
  };
  HEADGATE_TRY(const auto info, take());
  if (!info.has_key) std::fprintf(stderr, "headgate: no key in %s: the backup holds none\n", key.c_str());
  return print_rows(cli, {row_of(info)});
}

Result<int> list_on_disk(const BackupOptions& options, const Cli& cli) {
  HEADGATE_TRY_VOID(expect_folder(options.from));
  HEADGATE_TRY(const auto all, store::Backups(options.from).list());
  json::array rows;
  for (const auto& info : all) rows.push_back(row_of(info));
  return print_rows(cli, rows);
}

Result<int> verify_on_disk(const BackupOptions& options, const Cli& cli) {
  HEADGATE_TRY_VOID(expect_folder(options.from));
  store::Backups backups(options.from);
  auto id = options.id;
  if (id == 0) {
    HEADGATE_TRY(const auto all, backups.list());
    if (all.empty()) return fail(ErrorCode::not_found, "there is no backup in " + options.from);
    id = all.back().id;
  }
  std::optional<StoppedLog> open;
  store::Backups::RootAt root_at;
  if (!options.data.empty()) {
    HEADGATE_TRY(open, open_stopped_log(options.data, {}, false));
    root_at = [&](std::uint64_t size) { return open->log->root(size); };
  }
  const SystemClock clock;
  const auto verify = [&] {
    const Stopwatch line("reading backup " + std::to_string(id));
    return backups.verify(id, root_at, clock.now());
  };
  HEADGATE_TRY(const auto info, verify());
  return print_rows(cli, {row_of(info)});
}

Result<int> restore(const BackupOptions& options, const Cli& cli) {
  if (options.from.empty() == options.from_mirror.empty()) {
    return fail(ErrorCode::invalid_input, "backup restore needs --from or --from-mirror");
  }
  HEADGATE_TRY_VOID(expect_folder(options.from.empty() ? options.from_mirror : options.from));
  RestoreRequest request;
  request.data = std::filesystem::absolute(options.data).lexically_normal();
  request.backups = options.from;
  request.mirror = options.from_mirror;
  if (options.id != 0) request.id = options.id;
  for (const auto& path : options.checkpoints) request.known.emplace_back(path);
  request.origin = options.origin;
  request.verifier_key = options.verifier_key;
  request.without_damaged_people = options.without_damaged_people;
  const SystemClock clock;
  const auto put_back = [&] {
    const Stopwatch line("putting the log back and reading it again");
    return restore_data(request, clock);
  };
  HEADGATE_TRY(const auto done, put_back());
  const json::object answer{{"backup", done.backup},
                            {"size", done.size},
                            {"lost", done.lost},
                            {"origin", done.origin},
                            {"origin_changed", done.origin_changed},
                            {"key", done.has_key},
                            {"people", done.has_people},
                            {"passed_over", json::array(done.passed_over.begin(), done.passed_over.end())},
                            {"left_out", json::array(done.left_out.begin(), done.left_out.end())}};
  for (const auto& backup : done.passed_over) {
    std::fprintf(stderr, "headgate: passed over, since it is damaged: %s\n", backup.c_str());
  }
  for (const auto& file : done.left_out) {
    std::fprintf(stderr, "headgate: %s is damaged and was left out\n", file.c_str());
  }
  if (print_raw(cli.output, answer)) return exit_done;
  const auto from = done.backup == 0 ? std::string("the mirror") : "backup " + std::to_string(done.backup);
  std::printf("restored %llu records of %s from %s into %s; effects are paused\n",
              static_cast<unsigned long long>(done.size), done.origin.c_str(), from.c_str(), request.data.c_str());
  if (done.origin_changed) {
    std::printf(
        "%llu records are lost. The log goes on as %s with a new key in log.key: set origin in the server's "
        "file\n",
        static_cast<unsigned long long>(done.lost), done.origin.c_str());
  } else if (request.known.empty()) {
    std::printf("no later checkpoint was named with --checkpoint: if there is one, restore again and name it\n");
  }
  if (!done.has_key) {
    std::printf("the signing key is missing: put it into %s/log.key, or start once with serve --rotate-key\n",
                request.data.c_str());
  }
  if (!done.has_people) std::printf("the people directory is missing: ids have no names\n");
  std::printf("next: start the server, look at headgate status, then: headgate effects resume --reason TEXT\n");
  return exit_done;
}

void add_backup(Cli& cli) {
  auto* group = cli.program.add_subcommand("backup", "Backups, and putting a log back from one or from a mirror");
  group->footer("Example:\n  headgate backup create");
  group->require_subcommand(1);

  auto* create = group->add_subcommand("create", "Take a backup and read it again");
  auto c = std::make_shared<BackupOptions>();
  create->add_option("--data", c->data, "of a stopped server, instead of asking one")->type_name("DIR");
  create->add_option("--to", c->to, "folder of the backups, with --data")->type_name("DIR");
  create->add_option("--signing-key", c->key, "with --data: the signing key, where it is not <data>/log.key")
      ->envname("HEADGATE_SIGNING_KEY_FILE")
      ->type_name("FILE");
  create->footer(
      "Example:\n  headgate backup create\n  headgate backup create --data /var/lib/headgate --to /mnt/backup");
  run_verb(cli, create, [&cli, c]() -> Result<int> {
    if (!c->data.empty() || !c->to.empty()) return create_on_disk(*c, cli);
    HEADGATE_TRY(auto client, Client::connect(cli));
    return wait_for_run(client, cli, {});
  });

  auto* list = group->add_subcommand("list", "Backups, the oldest first");
  auto l = std::make_shared<BackupOptions>();
  list->add_option("--from", l->from, "folder of the backups, instead of asking a server")->type_name("DIR");
  list->footer("Example:\n  headgate backup list --from /mnt/backup");
  run_verb(cli, list, [&cli, l]() -> Result<int> {
    if (!l->from.empty()) return list_on_disk(*l, cli);
    HEADGATE_TRY(auto client, Client::connect(cli));
    HEADGATE_TRY(const auto rows, all_pages(client, "/v1/backups", "backups", {}));
    return print_rows(cli, rows);
  });

  auto* verify = group->add_subcommand("verify", "Read a backup again, every byte and every record");
  auto v = std::make_shared<BackupOptions>();
  verify->add_option("ID", v->id, "as backup list shows it; with --from the newest by default")
      ->check(is_number(1, max_id));
  verify->add_option("--from", v->from, "folder of the backups, instead of asking a server")->type_name("DIR");
  verify->add_option("--data", v->data, "compare with the log of a stopped server, with --from")->type_name("DIR");
  verify->footer("Example:\n  headgate backup verify 7\n  headgate backup verify --from /mnt/backup");
  run_verb(cli, verify, [&cli, v]() -> Result<int> {
    if (!v->from.empty()) return verify_on_disk(*v, cli);
    if (v->id == 0) return fail(ErrorCode::invalid_input, "backup verify needs an ID, or --from");
    HEADGATE_TRY(auto client, Client::connect(cli));
    return wait_for_run(client, cli, {{"verify", v->id}});
  });

  auto* put_back = group->add_subcommand("restore", "Put a log back into an empty data directory");
  auto r = std::make_shared<BackupOptions>();
  put_back->add_option("--data", r->data, "empty, or not there")->required()->type_name("DIR");
  put_back->add_option("--from", r->from, "folder of backups")->type_name("DIR");
  put_back->add_option("--id", r->id, "which backup; else the newest good one")->check(is_number(1, max_id));
  put_back->add_option("--from-mirror", r->from_mirror, "folder of a mirror")->type_name("DIR");
  put_back
      ->add_option("--checkpoint", r->checkpoints,
                   "a later checkpoint: its file, a mirror, or what is left of the old data directory; may be repeated")
      ->type_name("PATH");
  put_back->add_option("--origin", r->origin, "to go on under, when records that a checkpoint covers are lost");
  put_back->add_option("--verifier-key", r->verifier_key, "of a checkpoint that was signed by a later key");
  put_back->add_flag("--without-damaged-people", r->without_damaged_people,
                     "go on without files of people that are damaged; the names in them are lost");
  put_back->footer(
      "The restored log begins with everything outside paused.\n\nExample:\n"
      "  headgate backup restore --from /mnt/backup --data /var/lib/headgate --checkpoint /mnt/mirror");
  run_verb(cli, put_back, [&cli, r] { return restore(*r, cli); });
}

void add_effects(Cli& cli) {
  auto* group = cli.program.add_subcommand("effects", "Pause and resume everything that acts outside");
  group->footer("Example:\n  headgate effects pause --reason 'the data centre moves'");
  group->require_subcommand(1);
  const auto add = [&](const char* name, const char* help) {
    auto* verb = group->add_subcommand(name, help);
    auto reason = std::make_shared<std::string>();
    verb->add_option("--reason", *reason)->required();
    verb->footer(std::string("Example:\n  headgate effects ") + name + " --reason 'moving the database'");
    act(cli, verb, [&cli, reason, path = std::string("/v1/effects/") + name](Client& client) -> Result<int> {
      HEADGATE_TRY(const auto answer, client.post(path, {{"reason", *reason}}));
      if (print_raw(cli.output, answer)) return exit_done;
      std::printf("effects %s %s\n", text_at(answer, {"changed"}) == "true" ? "are" : "were already",
                  text_at(answer, {"paused"}) == "true" ? "paused" : "resumed");
      return exit_done;
    });
  };
  add("pause", "Begin nothing outside, stop what runs");
  add("resume", "Go on");
}

}  // namespace

void add_backup_verbs(Cli& cli) {
  add_backup(cli);
  add_effects(cli);
}

}  // namespace headgate::app
