// log repair: on a stopped data directory.
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <cstdio>

#include "app/cli.h"
#include "app/data_directory.h"
#include "app/named_file.h"
#include "app/table.h"
#include "engine/base/digest.h"
#include "store/files.h"
#include "store/log_repair.h"

namespace headgate::app {
namespace {

namespace json = boost::json;

// What was in the log no longer is: it may have been answered.
std::string dropped_text(const store::LogRepair& repaired, const std::string& data) {
  const auto where = repaired.records == 0 ? "before record 0" : fmt::format("behind record {}", repaired.records - 1);
  return fmt::format(
      "dropped    {} the write-ahead log is damaged; what stood there was dropped (copy: {}); it may have been "
      "answered: compare with the mirror or a newer checkpoint ('headgate log verify --data {} --checkpoint FILE')",
      where, fmt::join(repaired.damaged_wal, ", "), data);
}

Result<int> repair(const std::string& data, const Cli& cli) {
  if (!is_data_directory(data)) return fail(ErrorCode::invalid_input, "there is no log in " + data);
  HEADGATE_TRY(const auto lock, as_named(store::DataLock::acquire(data)));
  const bool progress = on_terminal(STDERR_FILENO);
  const auto repaired = store::repair_log(data, [&](Position done, Position all) {
    if (progress)
      std::fprintf(stderr, "\r\033[Kread %llu of %llu records", static_cast<unsigned long long>(done),
                   static_cast<unsigned long long>(all));
  });
  if (progress) std::fprintf(stderr, "\r\033[K");
  if (!repaired) return std::unexpected(repaired.error());
  const auto& damaged_wal = repaired->damaged_wal;
  const json::object answer{
      {"found", repaired->found},
      {"records", repaired->records},
      {"damaged_wal", json::array(damaged_wal.begin(), damaged_wal.end())},
      {"root", hex(repaired->root)},
      {"tiles", repaired->tiles},
      {"damaged_tiles", repaired->damaged_tiles},
      {"dropped_snapshots", json::array(repaired->dropped_snapshots.begin(), repaired->dropped_snapshots.end())}};
  // Mended, but whether it holds all that was answered nobody here can say.
  const auto code = damaged_wal.empty() ? exit_done : exit_no;
  if (print_raw(cli.output, answer)) return code;
  if (!repaired->found.empty()) std::printf("found      %s\n", repaired->found.c_str());
  if (!damaged_wal.empty()) std::printf("%s\n", dropped_text(*repaired, data).c_str());
  std::printf(
      "records    %llu, %s\nroot       %s\ntree       %llu tiles made anew, %llu of them "
      "were damaged or missing\nindex      made anew\nsnapshots  ",
      static_cast<unsigned long long>(repaired->records),
      damaged_wal.empty() ? "whole and left as they are" : "left as they are", hex(repaired->root).c_str(),
      static_cast<unsigned long long>(repaired->tiles), static_cast<unsigned long long>(repaired->damaged_tiles));
  if (repaired->dropped_snapshots.empty()) std::printf("none was damaged");
  for (const auto& name : repaired->dropped_snapshots) std::printf("%s dropped ", name.c_str());
  std::printf("\n");
  return code;
}

}  // namespace

void add_log_repair_verb(Cli& cli) {
  auto* verb = cli.program.get_subcommand("log")->add_subcommand(
      "repair", "Compute tree and index anew from the records, drop damaged snapshots");
  auto data = std::make_shared<std::string>();
  verb->add_option("--data", *data, "the stopped data directory")->type_name("DIR")->required();
  verb->footer(
      "Records are read and never written: where they are damaged or missing, it names the first one, changes nothing\n"
      "and ends with 1. Where the write-ahead log is damaged behind all that was known to be durable, it drops what\n"
      "stood there, keeps a copy in DIR/damaged, says so and ends with 1 as well.\n\n"
      "Example:\n  headgate log repair --data ./data");
  verb->callback([&cli, data] {
    cli.run = [&cli, data] {
      const auto result = repair(*data, cli);
      return result ? *result : report(result.error());
    };
  });
}

}  // namespace headgate::app
