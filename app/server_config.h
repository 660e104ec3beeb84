// The server's own file, headgate.yaml: what the host says, as against what Git says.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/tls.h"
#include "engine/domain/documents.h"
#include "reconciler/command_policy.h"
#include "reconciler/host_secrets.h"

namespace headgate::app {

struct RepositoryConfig {
  std::string name = "environments";
  std::string url;
  std::string branch = "main";
  std::string path = ".";
  Duration poll = std::chrono::minutes(1);
  std::optional<std::filesystem::path> token_file;  // credentials.token.file
  bool source = false;                              // role: source, of services, and not of documents
  std::vector<std::string> branches;                // of a source: patterns
  std::vector<std::string> tags;
};

struct LimitsConfig {
  std::size_t body_bytes = 1 << 20;
  std::uint32_t requests_per_second = 50;
  std::uint32_t burst = 100;
};

struct WitnessConfig {
  std::string url;  // its submission prefix
  std::string key;  // its verifier key, for cosignatures
};

// Where checkpoints go besides /checkpoint.
struct CheckpointsConfig {
  struct Git {
    std::string url;
    std::string branch = "checkpoints";
    Duration every = std::chrono::minutes(1);
    std::optional<std::filesystem::path> token_file;  // credentials.token.file
  };
  std::optional<Git> git;
  std::vector<WitnessConfig> witnesses;
};

struct BackupConfig {
  std::filesystem::path directory;          // empty: none
  Duration every = std::chrono::hours(24);  // zero: only when somebody asks
  Duration keep = std::chrono::hours(24 * 30);
  bool verify = true;  // read each one again before it counts
};

// The server that takes mail for receivers of notifications.
struct SmtpConfig {
  std::string url;   // smtp:// or smtps://
  std::string from;  // address
  std::string user;  // empty: nobody signs in
  std::filesystem::path password_file;
};

struct ServerConfig {
  std::filesystem::path data = "data";
  std::string address = "127.0.0.1";
  std::uint16_t port = 8420;
  std::optional<api::TlsFiles> tls;
  std::string origin = "headgate.localhost";
  std::filesystem::path signing_key;      // empty: <data>/log.key
  bool rotate_key = false;                // take another key than the log's; never from the file: for one start
  bool strict = false;                    // durability: strict
  RepositoryConfig repository;            // of role environments
  std::vector<RepositoryConfig> sources;  // of role source
  std::vector<ApprovalRule> governance;   // that a change of the policy takes; empty: none
  std::filesystem::path signed_by;  // governance.signedBy: who signs commits that change the policy; empty: nobody must
  reconciler::CommandSettings commands;
  std::map<std::string, reconciler::SecretSource, std::less<>> secrets;
  std::optional<SmtpConfig> smtp;
  CheckpointsConfig checkpoints;
  LimitsConfig limits;
  BackupConfig backup;
  std::filesystem::path mirror;  // its folder; empty: none
  Duration drain = std::chrono::minutes(10);
  Duration verify_every = std::chrono::hours(24);
};

// Relative paths are meant from the file's own folder. The Error's message holds every mistake, one a line, as
// file:line:column: error: …
Result<ServerConfig> read_server_config(const std::filesystem::path& file);
Result<ServerConfig> parse_server_config(const std::string& name, const std::string& text);

// The data, the backups and the mirror have folders of the same names: in one place, one takes the files of another for
// its own. For whoever changes one of the three folders of what was read.
Result<void> expect_folders_apart(const ServerConfig& config);

// "127.0.0.1:8420", "[::1]:8420".
Result<void> parse_listen(const std::string& text, ServerConfig& config);

}  // namespace headgate::app
