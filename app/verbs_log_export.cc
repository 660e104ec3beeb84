// log export: the records as they are stored, one a line, from a server or a stopped data directory.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>

#include "app/cli.h"
#include "app/client.h"
#include "app/stopped_log.h"
#include "app/verbs_evidence.h"
#include "engine/base/unique_fd.h"
#include "store/envelope.h"

namespace headgate::app {
namespace {

constexpr std::size_t chunk_records = 1'024;

struct ExportOptions {
  std::string data, from, to, out;
};

// Standard output, or a file that has its name only once it is whole. What stands under that name and is no plain file
// (a device, a pipe, a link) is written into as it is and stays what it is.
class Sink {
 public:
  static Result<Sink> open(const std::string& path) {
    Sink sink;
    if (path.empty()) return sink;
    std::error_code error;
    const auto found = std::filesystem::symlink_status(path, error).type();
    sink.renamed_ = found == std::filesystem::file_type::not_found || found == std::filesystem::file_type::regular;
    sink.path_ = path;
    HEADGATE_TRY(sink.file_, store::open_file(sink.destination(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    return sink;
  }
  Sink(Sink&&) noexcept = default;
  Sink& operator=(Sink&&) = delete;
  ~Sink() {
    if (file_ && renamed_) ::unlink(destination().c_str());
  }

  Result<void> line(std::string_view record) {
    buffer_.append(record).append("\n");
    return buffer_.size() < (1 << 18) ? Result<void>() : flush();
  }

  Result<void> finish() {
    HEADGATE_TRY_VOID(flush());
    if (!file_ || !renamed_) return {};
    HEADGATE_TRY_VOID(store::sync_file(file_.get(), destination()));
    if (::rename(destination().c_str(), path_.c_str()) != 0) return store::fail_io("write", path_, errno);
    file_.reset();
    return {};
  }

 private:
  Sink() = default;
  std::string destination() const { return renamed_ ? path_ + ".part" : path_; }

  Result<void> flush() {
    const int fd = file_ ? file_.get() : STDOUT_FILENO;
    for (std::string_view rest = buffer_; !rest.empty();) {
      const auto written = ::write(fd, rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return store::fail_io("write", file_ ? destination() : "standard output", errno);
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
    buffer_.clear();
    return {};
  }

  std::string path_;
  bool renamed_ = false;
  UniqueFd file_;
  std::string buffer_;
};

// A position, or nothing when the text is a time.
std::optional<Position> position_of(const std::string& text) {
  Position position = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), position);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return position;
}

Result<Position> find(const store::RocksDbLog& log, const std::string& text, Position otherwise) {
  if (text.empty()) return otherwise;
  if (const auto position = position_of(text)) return std::min(*position, log.size());
  HEADGATE_TRY(const auto time, parse_timestamp(text));
  return log.position_at(time);
}

Result<Position> export_data(const ExportOptions& o, Sink& sink, Progress& progress) {
  HEADGATE_TRY(const auto open, open_stopped_log(o.data, {}));
  HEADGATE_TRY(const auto from, find(*open.log, o.from, 0));
  HEADGATE_TRY(const auto to, find(*open.log, o.to, open.log->size()));
  for (Position next = from; next < to; progress(next - from, to - from)) {
    HEADGATE_TRY(const auto records, open.log->read(next, std::min<Position>(chunk_records, to - next)));
    for (const auto& record : records) HEADGATE_TRY_VOID(sink.line(record.bytes));
    next += records.size();
  }
  return to > from ? to - from : 0;
}

// The server's export as it streams, until `to`. Its positions follow each other without a gap, or it is not whole.
class Lines {
 public:
  Lines(Sink& sink, Progress& progress, std::optional<Position> to) : sink_(sink), progress_(progress), to_(to) {}

  bool take(std::string_view piece) {
    buffer_ += piece;
    std::size_t begin = 0;
    for (auto end = buffer_.find('\n'); end != std::string::npos; end = buffer_.find('\n', begin)) {
      if (!take_line(std::string_view(buffer_).substr(begin, end - begin))) return false;
      begin = end + 1;
    }
    buffer_.erase(0, begin);
    return buffer_.size() <= (1 << 17) || stop(fail(ErrorCode::corrupt, "a line of the export is no record"));
  }

  // What was wrong, or how many records came; `streamed` says how the exchange ended.
  Result<Position> end(const Result<void>& streamed) {
    if (failure_) return std::unexpected(*failure_);
    if (!streamed && !done_) return std::unexpected(streamed.error());
    if (!done_ && !buffer_.empty()) return fail(ErrorCode::unavailable, "the export ended in the middle of a record");
    return count_;
  }

 private:
  bool stop(std::unexpected<Error> error) {
    failure_ = std::move(error).error();
    return false;
  }

  bool take_line(std::string_view line) {
    store::Envelope envelope;
    if (const auto problem = store::read_envelope(line, envelope); !problem.empty()) {
      return stop(fail(ErrorCode::corrupt, "a line of the export is no record: " + problem));
    }
    if (to_ && envelope.position >= *to_) {
      done_ = true;
      return false;
    }
    if (next_ && envelope.position != *next_) {
      return stop(fail(ErrorCode::forbidden, "the export leaves out record " + std::to_string(*next_) +
                                                 ": this token may not see everything"));
    }
    next_ = envelope.position + 1;
    if (auto written = sink_.line(line); !written) return stop(std::unexpected(written.error()));
    if (++count_ % chunk_records == 0) progress_(count_, 0);
    return true;
  }

  Sink& sink_;
  Progress& progress_;
  const std::optional<Position> to_;
  std::string buffer_;
  std::optional<Position> next_;
  Position count_ = 0;
  bool done_ = false;
  std::optional<Error> failure_;
};

Result<Position> export_server(Client& client, const ExportOptions& o, Sink& sink, Progress& progress) {
  Query query;
  const auto from = position_of(o.from);
  const auto to = position_of(o.to);
  if (from && *from > 0) query.emplace_back("after", std::to_string(*from - 1));
  if (!from) query.emplace_back("from", o.from);
  if (!to) query.emplace_back("to", o.to);
  Lines lines(sink, progress, to);
  const auto streamed = client.stream("/v1/events", query, "application/x-ndjson",
                                      [&](std::string_view piece) { return lines.take(piece); });
  return lines.end(streamed);
}

Result<int> export_records(const Cli& cli, const ExportOptions& o) {
  HEADGATE_TRY(auto sink, Sink::open(o.out));
  const auto count = [&]() -> Result<Position> {
    Progress progress("exported");
    if (!o.data.empty()) return export_data(o, sink, progress);
    HEADGATE_TRY(auto client, Client::connect(cli));
    return export_server(client, o, sink, progress);
  }();
  if (!count) return std::unexpected(count.error());
  HEADGATE_TRY_VOID(sink.finish());
  if (!o.out.empty()) {
    std::fprintf(stderr, "%llu records in %s\n", static_cast<unsigned long long>(*count), o.out.c_str());
  }
  return exit_done;
}

}  // namespace

void add_log_export_verb(Cli& cli, CLI::App& group) {
  auto* verb = group.add_subcommand("export", "The records as they are stored, one a line (NDJSON)");
  auto o = std::make_shared<ExportOptions>();
  verb->add_option("--data", o->data, "a stopped data directory, instead of a server")->type_name("DIR");
  verb->add_option("--from", o->from, "position or RFC 3339 time of the first one")->type_name("AT");
  verb->add_option("--to", o->to, "position or RFC 3339 time; the first one that is left out")->type_name("AT");
  verb->add_option("-o,--file", o->out, "instead of standard output; it has its name once it is whole")
      ->type_name("FILE")
      ->check([](const std::string& file) -> std::string {
        const bool format = file == "table" || file == "wide" || file == "json" || file == "yaml";
        return format ? "-o names a file here; records are JSON as they are (a file of that name: ./" + file + ")" : "";
      });
  const auto evidence = add_evidence_options(*verb);
  verb->footer(
      "From a server it takes a token of an auditor.\n\n"
      "Example:\n  headgate log export --from 2026-10-01T00:00:00Z --to 2026-11-01T00:00:00Z -o october.ndjson\n"
      "  headgate log export --data ./data --from 0 --to 1000 | jq .type\n"
      "  headgate log export --evidence --service gateway --from 2026-10-01T00:00:00Z -o evidence.zip");
  verb->callback([&cli, o, evidence] {
    cli.run = [&cli, o, evidence] {
      const auto done =
          evidence->wanted ? export_evidence(cli, *evidence, o->data, o->from, o->to, o->out) : export_records(cli, *o);
      return done ? *done : report(done.error());
    };
  });
}

}  // namespace headgate::app
