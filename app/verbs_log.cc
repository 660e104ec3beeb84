// log verify, proof, checkpoint, stat: on a server, or on a stopped data directory.
#include <cstdio>

#include "app/cli.h"
#include "app/client.h"
#include "app/log_read_side.h"
#include "app/system_clock.h"
#include "app/table.h"
#include "store/files.h"
#include "store/sha256.h"

namespace headgate::app {
namespace {

namespace json = boost::json;

struct OpenLog {
  store::DataLock lock;
  std::unique_ptr<store::RocksDbLog> log;
  std::optional<store::SigningKey> key;
};

// A stopped data directory, read only.
Result<OpenLog> open_log(const std::string& data, const std::string& key_file) {
  HEADGATE_TRY(auto lock, store::DataLock::acquire(data));
  auto key = store::SigningKey::load(key_file.empty() ? std::filesystem::path(data) / "log.key"
                                                      : std::filesystem::path(key_file));
  store::RocksDbLog::Options options;
  options.dir = data;
  options.read_only = true;
  if (key) options.key = *key;
  HEADGATE_TRY(auto log, store::RocksDbLog::open(std::move(options)));
  return OpenLog{std::move(lock), std::move(log), key ? std::optional(*key) : std::nullopt};
}

Result<int> verify_data(const std::string& data, const std::string& key_file, const std::string& checkpoint_file,
                        const Cli& cli) {
  HEADGATE_TRY(auto open, open_log(data, key_file));
  const bool progress = on_terminal(STDERR_FILENO);
  const auto verified = open.log->verify([&](Position done, Position all) {
    if (progress)
      std::fprintf(stderr, "\r\033[Kverified %llu of %llu records", static_cast<unsigned long long>(done),
                   static_cast<unsigned long long>(all));
  });
  if (progress) std::fprintf(stderr, "\r\033[K");
  if (!verified) return std::unexpected(verified.error());
  std::string under;
  if (!checkpoint_file.empty()) {
    HEADGATE_TRY(const auto text, store::read_file(checkpoint_file, store::kMaxNoteBytes));
    if (!open.key)
      return fail(ErrorCode::invalid_input, "the checkpoint cannot be checked without the key: give --key FILE");
    HEADGATE_TRY(const auto checkpoint, store::open_checkpoint(text, open.key->verifier()));
    if (checkpoint.size > verified->records) {
      return fail(ErrorCode::corrupt, "the checkpoint is of " + std::to_string(checkpoint.size) +
                                          " records, the log holds " + std::to_string(verified->records) +
                                          ": records are missing");
    }
    HEADGATE_TRY(const auto root, open.log->root(checkpoint.size));
    if (root != checkpoint.root)
      return fail(ErrorCode::corrupt,
                  "the log's first " + std::to_string(checkpoint.size) + " records are not those of the checkpoint");
    under = ", it holds what the checkpoint of " + std::to_string(checkpoint.size) + " records committed to";
  }
  const json::object answer{{"records", verified->records},
                            {"bytes", verified->bytes},
                            {"tiles", verified->tiles},
                            {"root", store::hex(verified->root)}};
  if (!print_raw(cli.output, answer)) {
    std::printf("verified %llu records, %llu bytes, %llu tiles%s\nroot %s\n",
                static_cast<unsigned long long>(verified->records), static_cast<unsigned long long>(verified->bytes),
                static_cast<unsigned long long>(verified->tiles), under.c_str(), store::hex(verified->root).c_str());
  }
  return exit_done;
}

// Against a server: every record is fetched, its leaves are hashed here, and the root must be the checkpoint's.
Result<int> verify_server(Client& client, const std::string& verifier_text, const Cli& cli) {
  HEADGATE_TRY(const auto note, client.get_text("/checkpoint", {}, "text/plain"));
  store::Checkpoint checkpoint;
  std::string signature = "not checked: give --verifier-key to check it";
  if (verifier_text.empty()) {
    HEADGATE_TRY(const auto parsed, store::parse_note(note));
    HEADGATE_TRY(checkpoint, store::parse_checkpoint_text(parsed.text));
  } else {
    HEADGATE_TRY(const auto verifier, store::VerifierKey::parse(verifier_text));
    HEADGATE_TRY(checkpoint, store::open_checkpoint(note, verifier));
    signature = "good";
  }
  store::MerkleTree tree;
  Position next = 0;
  const bool progress = on_terminal(STDERR_FILENO);
  while (next < checkpoint.size) {
    Query query{{"limit", "500"}};
    if (next > 0) query.emplace_back("after", std::to_string(next - 1));
    HEADGATE_TRY(const auto lines, client.get_text("/v1/events", query, "application/x-ndjson"));
    const auto before = next;
    for (std::size_t begin = 0; begin < lines.size() && next < checkpoint.size;) {
      const auto end = std::min(lines.find('\n', begin), lines.size());
      if (end > begin) {
        tree.append(store::leaf_hash(std::string_view(lines).substr(begin, end - begin)),
                    [](store::TileId, const store::TileHashes&) {});
        ++next;
      }
      begin = end + 1;
    }
    if (next == before)
      return fail(ErrorCode::corrupt, "the server gives no record at position " + std::to_string(next) +
                                          ", its checkpoint says that it has " + std::to_string(checkpoint.size));
    if (progress)
      std::fprintf(stderr, "\r\033[Kverified %llu of %llu records", static_cast<unsigned long long>(next),
                   static_cast<unsigned long long>(checkpoint.size));
  }
  if (progress) std::fprintf(stderr, "\r\033[K");
  if (tree.root() != checkpoint.root)
    return fail(ErrorCode::corrupt, "the records that the server gives are not those of its checkpoint");
  const json::object answer{
      {"records", checkpoint.size}, {"root", store::hex(checkpoint.root)}, {"signature", signature}};
  if (!print_raw(cli.output, answer)) {
    std::printf("verified %llu records against the checkpoint of %s\nroot %s\nsignature %s\n",
                static_cast<unsigned long long>(checkpoint.size), checkpoint.origin.c_str(),
                store::hex(checkpoint.root).c_str(), signature.c_str());
  }
  return exit_done;
}

struct LogOptions {
  std::string data, key, checkpoint, verifier;
  Position position = 0;
};

template <class OnData, class OnServer>
void act(Cli& cli, CLI::App* verb, const std::shared_ptr<LogOptions>& o, OnData on_data, OnServer on_server) {
  verb->add_option("--data", o->data, "a stopped data directory, instead of a server")->type_name("DIR");
  verb->add_option("--key", o->key, "the signing key's file, where it is not in the data directory")->type_name("FILE");
  verb->callback([&cli, o, on_data, on_server] {
    cli.run = [&cli, o, on_data, on_server] {
      const auto result = [&]() -> Result<int> {
        if (!o->data.empty()) return on_data();
        HEADGATE_TRY(auto client, Client::connect(cli));
        return on_server(client);
      }();
      return result ? *result : report(result.error());
    };
  });
}

Result<int> print_text(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  return exit_done;
}

Result<int> stat_data(const LogOptions& o, const Cli& cli) {
  HEADGATE_TRY(auto open, open_log(o.data, o.key));
  const auto size = open.log->size();
  HEADGATE_TRY(const auto root, open.log->root(size));
  const json::object answer{{"origin", open.log->origin()},
                            {"records", size},
                            {"root", store::hex(root)},
                            {"watermark", open.log->mark().size}};
  if (!print_raw(cli.output, answer)) {
    std::printf("origin     %s\nrecords    %llu\nroot       %s\nwatermark  %llu\n", open.log->origin().c_str(),
                static_cast<unsigned long long>(size), store::hex(root).c_str(),
                static_cast<unsigned long long>(open.log->mark().size));
  }
  return exit_done;
}

}  // namespace

void add_log_verbs(Cli& cli) {
  auto* group = cli.program.add_subcommand("log", "Check the log and take proofs of it");
  group->require_subcommand(1);

  auto* verify = group->add_subcommand("verify", "Compute everything anew from the records: hashes, tree, root");
  auto v = std::make_shared<LogOptions>();
  verify->add_option("--checkpoint", v->checkpoint, "with --data: a checkpoint that the log must hold")
      ->type_name("FILE");
  verify->add_option("--verifier-key", v->verifier, "against a server: the key that must have signed its checkpoint");
  verify->footer(
      "Example:\n  headgate log verify --data ./data\n  headgate log verify --server https://headgate.example.com "
      "--token-file auditor.token");
  act(
      cli, verify, v, [&cli, v] { return verify_data(v->data, v->key, v->checkpoint, cli); },
      [&cli, v](Client& client) { return verify_server(client, v->verifier, cli); });

  auto* proof = group->add_subcommand("proof", "The .tlog-proof of a record");
  auto p = std::make_shared<LogOptions>();
  proof->add_option("POSITION", p->position)->required();
  proof->footer("Example:\n  headgate log proof 41 > 41.tlog-proof");
  act(
      cli, proof, p,
      [p]() -> Result<int> {
        HEADGATE_TRY(auto open, open_log(p->data, p->key));
        if (!open.key) return fail(ErrorCode::not_found, "no signing key: give --key FILE");
        const SystemClock clock;
        HEADGATE_TRY(const auto text, LogProofs(*open.log, open.key->verifier(), clock).proof(p->position));
        return print_text(text);
      },
      [p](Client& client) -> Result<int> {
        HEADGATE_TRY(const auto text,
                     client.get_text("/v1/events/" + std::to_string(p->position) + "/proof", {}, "*/*"));
        return print_text(text);
      });

  auto* checkpoint = group->add_subcommand("checkpoint", "The newest signed checkpoint");
  auto c = std::make_shared<LogOptions>();
  checkpoint->footer("Example:\n  headgate log checkpoint");
  act(
      cli, checkpoint, c,
      [c]() -> Result<int> {
        HEADGATE_TRY(auto open, open_log(c->data, c->key));
        HEADGATE_TRY(const auto text, open.log->sign_checkpoint_now());
        return print_text(text);
      },
      [](Client& client) -> Result<int> {
        HEADGATE_TRY(const auto text, client.get_text("/checkpoint", {}, "text/plain"));
        return print_text(text);
      });

  auto* stat = group->add_subcommand("stat", "Size, root and origin");
  auto s = std::make_shared<LogOptions>();
  stat->footer("Example:\n  headgate log stat --data ./data");
  act(
      cli, stat, s, [&cli, s] { return stat_data(*s, cli); },
      [&cli](Client& client) -> Result<int> {
        HEADGATE_TRY(const auto note, client.get_text("/checkpoint", {}, "text/plain"));
        HEADGATE_TRY(const auto parsed, store::parse_note(note));
        HEADGATE_TRY(const auto point, store::parse_checkpoint_text(parsed.text));
        const json::object answer{{"origin", point.origin}, {"records", point.size}, {"root", store::hex(point.root)}};
        if (!print_raw(cli.output, answer)) {
          std::printf("origin   %s\nrecords  %llu (signed)\nroot     %s\n", point.origin.c_str(),
                      static_cast<unsigned long long>(point.size), store::hex(point.root).c_str());
        }
        return exit_done;
      });
}

}  // namespace headgate::app
