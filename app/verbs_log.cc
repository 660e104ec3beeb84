// log verify, proof, checkpoint, stat: on a server, or on a stopped data directory. verbs_log_export.cc has the rest.
#include <charconv>
#include <cstdio>

#include "app/cli.h"
#include "app/client.h"
#include "app/log_audit.h"
#include "app/log_checkpoints.h"
#include "app/log_read_side.h"
#include "app/named_file.h"
#include "app/stopped_log.h"
#include "app/system_clock.h"
#include "app/table.h"
#include "engine/base/digest.h"

namespace headgate::app {
namespace {

namespace json = boost::json;

struct LogOptions {
  std::string data, signing_key, checkpoint, verifier, proof, record;
  Position position = 0;
};

unsigned long long number(std::uint64_t value) {
  return value;
}

// The text of a verifier key, or the file that holds it.
Result<std::optional<store::VerifierKey>> verifier_of(const std::string& given) {
  if (given.empty()) return std::nullopt;
  std::string text = given;
  std::error_code ignored;  // of a file that cannot be looked at, the key's own error tells
  if (given.find('+') == std::string::npos || std::filesystem::exists(given, ignored)) {
    HEADGATE_TRY(text, as_named(store::read_file(given, 4096)));
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  }
  HEADGATE_TRY(auto key, store::VerifierKey::parse(text));
  return key;
}

Result<std::optional<std::string>> earlier_checkpoint(const LogOptions& o) {
  if (o.checkpoint.empty()) return std::nullopt;
  HEADGATE_TRY(auto note, as_named(store::read_file(o.checkpoint, store::kMaxNoteBytes)));
  if (const auto parsed = store::parse_note(note); !parsed) {
    return fail(ErrorCode::invalid_input, o.checkpoint + " holds no checkpoint: " + parsed.error().message);
  }
  return note;
}

std::string is_position(const std::string& text) {
  Position position = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), position);
  if (error == std::errc{} && end == text.data() + text.size()) return "";
  return "'" + text + "' is no position: expected a whole number below 2^64";
}

void print_keys(const std::vector<api::LogKey>& keys) {
  for (const auto& key : keys) {
    std::printf("key        %s from record %llu", printable(key.verifier_key).c_str(), number(key.from));
    if (key.until) std::printf(" until %llu", number(*key.until));
    std::printf("\n");
  }
}

json::array json_of(const std::vector<api::LogKey>& keys) {
  json::array all;
  for (const auto& key : keys) {
    all.push_back({{"verifier_key", key.verifier_key},
                   {"from", key.from},
                   {"until", key.until ? json::value(*key.until) : json::value(nullptr)}});
  }
  return all;
}

std::string held_text(const std::optional<store::Checkpoint>& earlier) {
  if (!earlier) return {};
  return ", among them those of the checkpoint of " + std::to_string(earlier->size);
}

// The log's first records are those that the checkpoint committed to.
Result<std::optional<store::Checkpoint>> check_earlier(const StoppedLog& open, const std::optional<std::string>& note,
                                                       Position size) {
  if (!note) return std::nullopt;
  HEADGATE_TRY(auto earlier, open_checkpoint_of(open.keys, *note));
  if (earlier.size > size) {
    return fail(ErrorCode::corrupt, "the checkpoint is of " + std::to_string(earlier.size) +
                                        " records, the log holds " + std::to_string(size) + ": records are missing");
  }
  HEADGATE_TRY(const auto root, open.log->root(earlier.size));
  if (root != earlier.root) {
    return fail(ErrorCode::corrupt,
                "the log's first " + std::to_string(earlier.size) + " records are not those of the checkpoint");
  }
  return earlier;
}

Result<int> verify_data(const LogOptions& o, const Cli& cli) {
  HEADGATE_TRY(const auto pinned, verifier_of(o.verifier));
  HEADGATE_TRY(const auto note, earlier_checkpoint(o));
  HEADGATE_TRY(const auto open, open_stopped_log(o.data, {}));
  const auto verified = [&] {
    Progress progress("verified");
    return open.log->verify([&](Position done, Position all) { progress(done, all); });
  }();
  if (!verified) return std::unexpected(verified.error());
  const auto is_pinned = [&](const api::LogKey& key) { return key.verifier_key == pinned->text(); };
  if (pinned && std::ranges::none_of(open.keys, is_pinned)) {
    return fail(ErrorCode::corrupt, "the log's records never name the key " + pinned->text());
  }
  HEADGATE_TRY(const auto earlier, check_earlier(open, note, verified->records));
  const json::object answer{{"records", verified->records}, {"bytes", verified->bytes},
                            {"tiles", verified->tiles},     {"root", hex(verified->root)},
                            {"notice", open.log->notice()}, {"keys", json_of(open.keys)}};
  if (!print_raw(cli.output, answer)) {
    if (!open.log->notice().empty()) std::printf("%s\n", open.log->notice().c_str());
    std::printf("verified %llu records, %llu bytes, %llu tiles%s\nroot %s\n", number(verified->records),
                number(verified->bytes), number(verified->tiles), held_text(earlier).c_str(),
                hex(verified->root).c_str());
  }
  return exit_done;
}

Result<int> verify_server(Client& client, const LogOptions& o, const Cli& cli) {
  AuditOptions options;
  HEADGATE_TRY(options.key, verifier_of(o.verifier));
  HEADGATE_TRY(options.earlier, earlier_checkpoint(o));
  const auto fetch = [&](const std::string& path) { return client.get_text(path, {}, "*/*"); };
  const auto audited = [&] {
    Progress progress("verified");
    options.progress = [&](Position done, Position all) { progress(done, all); };
    return audit_log(fetch, options);
  }();
  if (!audited) return std::unexpected(audited.error());
  const auto& signer = audited->keys.back().verifier_key;
  const json::object answer{{"origin", audited->checkpoint.origin},
                            {"records", audited->checkpoint.size},
                            {"bytes", audited->bytes},
                            {"tiles", audited->tiles},
                            {"root", hex(audited->checkpoint.root)},
                            {"key", signer},
                            {"key_pinned", options.key.has_value()}};
  if (!print_raw(cli.output, answer)) {
    std::printf("verified %llu records, %llu bytes, %llu tiles of %s%s\nroot %s\nsigned by %s\n",
                number(audited->checkpoint.size), number(audited->bytes), number(audited->tiles),
                audited->checkpoint.origin.c_str(), held_text(audited->earlier).c_str(),
                hex(audited->checkpoint.root).c_str(), signer.c_str());
    if (!options.key) {
      std::printf("that key is the server's own word: compare it with what its operator published, then give --key\n");
    }
  }
  return exit_done;
}

// Asks nobody: what is in the files and the key is all that it takes.
Result<int> verify_proof(const LogOptions& o, const Cli& cli) {
  HEADGATE_TRY(const auto key, verifier_of(o.verifier));
  HEADGATE_TRY(const auto text, as_named(store::read_file(o.proof, store::kMaxProofBytes)));
  const auto proof = store::parse_tlog_proof(text);
  if (!proof) return fail(ErrorCode::invalid_input, o.proof + " holds no proof: " + proof.error().message);
  HEADGATE_TRY(auto record, as_named(store::read_file(o.record, store::kMaxRecordBytes + 1)));
  if (record.ends_with('\n')) record.pop_back();  // of the file: a record is one line
  const auto proven = store::verify_tlog_proof(*proof, record, *key);
  if (!proven) return fail(ErrorCode::corrupt, o.record + " is not proven: " + proven.error().message);
  const json::object answer{{"origin", proven->origin},
                            {"position", proof->index},
                            {"records", proven->size},
                            {"root", hex(proven->root)},
                            {"verifier_key", key->text()}};
  if (!print_raw(cli.output, answer)) {
    std::printf("record %llu of the %llu records of %s, as signed by %s\n", number(proof->index), number(proven->size),
                printable(proven->origin).c_str(), printable(key->text()).c_str());
  }
  return exit_done;
}

Result<int> print_text(const std::string& text) {
  std::printf("%s", text.c_str());
  return exit_done;
}

Result<int> proof_of_data(const LogOptions& o) {
  const auto file = signing_key_file(o.signing_key, o.data);
  HEADGATE_TRY(const auto key, as_named(store::SigningKey::load(file)));
  HEADGATE_TRY(const auto open, open_stopped_log(o.data, file));
  const SystemClock clock;
  HEADGATE_TRY(const auto text, LogProofs(*open.log, key.verifier(), clock).proof(o.position));
  return print_text(text);
}

Result<int> checkpoint_of_data(const LogOptions& o) {
  HEADGATE_TRY(const auto open, open_stopped_log(o.data, signing_key_file(o.signing_key, o.data)));
  HEADGATE_TRY(const auto text, open.log->sign_checkpoint_now());
  return print_text(text);
}

Result<int> stat_data(const LogOptions& o, const Cli& cli) {
  HEADGATE_TRY(const auto open, open_stopped_log(o.data, {}));
  const auto size = open.log->size();
  HEADGATE_TRY(const auto root, open.log->root(size));
  const json::object answer{{"origin", open.log->origin()},
                            {"records", size},
                            {"root", hex(root)},
                            {"watermark", open.log->mark().size},
                            {"keys", json_of(open.keys)}};
  if (!print_raw(cli.output, answer)) {
    std::printf("origin     %s\nrecords    %llu\nroot       %s\nwatermark  %llu\n", open.log->origin().c_str(),
                number(size), hex(root).c_str(), number(open.log->mark().size));
    print_keys(open.keys);
  }
  return exit_done;
}

Result<std::vector<api::LogKey>> keys_of_server(Client& client) {
  HEADGATE_TRY(const auto answer, client.get("/v1/log/keys"));
  std::vector<api::LogKey> keys;
  const auto* list = value_at(answer, {"keys"});
  if (!list || !list->is_array()) return fail(ErrorCode::unavailable, "the answer to /v1/log/keys is no list");
  for (const auto& row : list->as_array()) {
    const auto* from = value_at(row, {"from"});
    const auto* until = value_at(row, {"until"});
    if (!from || !from->is_int64()) return fail(ErrorCode::unavailable, "a key in /v1/log/keys has no position");
    auto& key = keys.emplace_back();
    key.verifier_key = text_at(row, {"verifier_key"}).value_or("");
    key.from = static_cast<Position>(from->as_int64());
    if (until && until->is_int64()) key.until = static_cast<Position>(until->as_int64());
  }
  return keys;
}

Result<int> stat_server(Client& client, const Cli& cli) {
  HEADGATE_TRY(const auto note, client.get_text("/checkpoint", {}, "text/plain"));
  HEADGATE_TRY(const auto point, said_checkpoint(note));
  HEADGATE_TRY(const auto keys, keys_of_server(client));
  const json::object answer{
      {"origin", point.origin}, {"records", point.size}, {"root", hex(point.root)}, {"keys", json_of(keys)}};
  if (!print_raw(cli.output, answer)) {
    std::printf("origin     %s\nrecords    %llu (signed)\nroot       %s\n", printable(point.origin).c_str(),
                number(point.size), hex(point.root).c_str());
    print_keys(keys);
  }
  return exit_done;
}

template <class OnData, class OnServer>
void act(Cli& cli, CLI::App* verb, const std::shared_ptr<LogOptions>& o, OnData on_data, OnServer on_server) {
  verb->add_option("--data", o->data, "a stopped data directory, instead of a server")
      ->type_name("DIR")
      ->check(is_given);
  verb->callback([&cli, o, on_data, on_server] {
    cli.run = [&cli, o, on_data, on_server] {
      const auto result = [&]() -> Result<int> {
        if (!o->proof.empty()) return verify_proof(*o, cli);
        if (!o->data.empty()) return on_data(*o);
        HEADGATE_TRY(auto client, Client::connect(cli));
        return on_server(client, *o);
      }();
      return result ? *result : report(result.error());
    };
  });
}

void add_signing_key(CLI::App* verb, const std::shared_ptr<LogOptions>& o) {
  verb->add_option("--signing-key", o->signing_key,
                   "with --data: the key that signs, where it is not <data>/log.key (or HEADGATE_SIGNING_KEY_FILE)")
      ->type_name("FILE")
      ->check(is_given);
}

}  // namespace

void add_log_verbs(Cli& cli) {
  auto* group = cli.program.add_subcommand("log", "Check the log and take proofs of it");
  group->footer("Example:\n  headgate log verify");
  group->require_subcommand(1);

  auto* verify = group->add_subcommand("verify", "Compute everything anew from the records: hashes, tree, root");
  auto v = std::make_shared<LogOptions>();
  verify->add_option("--checkpoint", v->checkpoint, "an earlier checkpoint that the log must still hold")
      ->type_name("FILE")
      ->check(is_given);
  verify->add_option("--key,--verifier-key", v->verifier, "the log's verifier key as you know it, or its file")
      ->type_name("KEY|FILE")
      ->check(is_given);
  auto* of_proof = verify->add_option("--proof", v->proof, "a .tlog-proof: verify it alone, asking nobody")
                       ->type_name("FILE")
                       ->check(is_given);
  auto* of_record = verify->add_option("--record", v->record, "the record that it proves, byte for byte")
                        ->type_name("FILE")
                        ->check(is_given);
  of_proof->needs(of_record)->needs("--key");
  of_record->needs(of_proof);
  of_proof->excludes("--checkpoint");
  verify->footer(
      "Against a server it takes a token of an auditor, and believes nothing but --key: records and tiles are fetched\n"
      "and the tree is computed here. Exit code 1: something is not what it should be.\n\n"
      "Example:\n  headgate log verify --data ./data\n"
      "  headgate log verify --server https://headgate.example.com --token-file auditor.token \\\n"
      "    --key headgate.example.com+1a2b3c4d+AZ… --checkpoint last-month.checkpoint\n"
      "  headgate log verify --proof 41.tlog-proof --record 41.json --key headgate.example.com+1a2b3c4d+AZ…");
  act(
      cli, verify, v, [&cli](const LogOptions& o) { return verify_data(o, cli); },
      [&cli](Client& client, const LogOptions& o) { return verify_server(client, o, cli); });
  of_proof->excludes("--data");

  auto* proof = group->add_subcommand("proof", "The .tlog-proof of a record");
  auto p = std::make_shared<LogOptions>();
  proof->add_option("POSITION", p->position)->required()->check(is_position);
  proof->footer("Example:\n  headgate log proof 41 > 41.tlog-proof");
  add_signing_key(proof, p);
  act(cli, proof, p, proof_of_data, [](Client& client, const LogOptions& o) -> Result<int> {
    HEADGATE_TRY(const auto text, client.get_text("/v1/events/" + std::to_string(o.position) + "/proof", {}, "*/*"));
    return print_text(text);
  });

  auto* checkpoint = group->add_subcommand("checkpoint", "The newest signed checkpoint");
  auto c = std::make_shared<LogOptions>();
  checkpoint->footer("Example:\n  headgate log checkpoint > $(date +%F).checkpoint");
  add_signing_key(checkpoint, c);
  act(cli, checkpoint, c, checkpoint_of_data, [](Client& client, const LogOptions&) -> Result<int> {
    HEADGATE_TRY(const auto text, client.get_text("/checkpoint", {}, "text/plain"));
    HEADGATE_TRY_VOID(said_checkpoint(text));
    return print_text(text);
  });

  auto* stat = group->add_subcommand("stat", "Size, root, origin and keys");
  auto s = std::make_shared<LogOptions>();
  stat->footer("Example:\n  headgate log stat --data ./data");
  act(
      cli, stat, s, [&cli](const LogOptions& o) { return stat_data(o, cli); },
      [&cli](Client& client, const LogOptions&) { return stat_server(client, cli); });

  add_log_export_verb(cli, *group);
}

}  // namespace headgate::app
