#include "app/server_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <vector>

#include "app/named_file.h"
#include "reconciler/git_url.h"
#include "reconciler/yaml_reader.h"
#include "store/files.h"
#include "store/signed_note.h"

namespace headgate::app {
namespace {

using reconciler::Fields;
using reconciler::YamlEntries;
using reconciler::YamlNode;
using reconciler::YamlReader;

constexpr std::size_t max_governing_teams = 16;
constexpr std::size_t max_patterns = 32;
constexpr std::size_t max_sources = 64;    // each has a thread
constexpr std::size_t max_witnesses = 16;  // each has a thread

void read_path(YamlReader& r, const YamlNode& node, std::filesystem::path& out) {
  std::string text;
  if (r.line_of_text(node, text)) out = text;
}

// 1MiB, 64KiB or plain bytes.
void read_size(YamlReader& r, const YamlNode& node, std::size_t& out) {
  std::string text;
  if (!r.line_of_text(node, text)) return;
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit(end, text.data() + text.size());
  const std::size_t factor = unit == "MiB" ? 1 << 20 : unit == "KiB" ? 1 << 10 : unit.empty() ? 1 : 0;
  if (error != std::errc{} || factor == 0 || value == 0 || value > (std::size_t{64} << 20) / factor) {
    r.wrong_value(node, "a size up to 64MiB, such as 1MiB or 64KiB");
    return;
  }
  out = value * factor;
}

void read_listen(YamlReader& r, const YamlNode& node, ServerConfig& config) {
  std::string text;
  if (r.line_of_text(node, text) && !parse_listen(text, config)) {
    r.wrong_value(node, "an address and a port, such as 127.0.0.1:8420");
  }
}

void read_tls(YamlReader& r, const YamlNode& node, std::optional<api::TlsFiles>& out) {
  Fields f(r, node, "tls");
  api::TlsFiles files;
  std::filesystem::path certificate, key, client_ca;
  f.required("certificate", read_path, certificate);
  f.required("key", read_path, key);
  f.optional("clientCa", read_path, client_ca);
  files.certificate = certificate;
  files.key = key;
  files.client_ca = client_ca;
  out = files;
}

void read_file_reference(YamlReader& r, const YamlNode& node, std::filesystem::path& out) {
  Fields f(r, node, "a file reference");
  f.required("file", read_path, out);
}

void read_credentials(YamlReader& r, const YamlNode& node, std::optional<std::filesystem::path>& out) {
  Fields f(r, node, "credentials");
  std::filesystem::path token;
  if (f.required("token", read_file_reference, token)) out = token;
}

void read_patterns(YamlReader& r, const YamlNode& node, std::vector<std::string>& patterns) {
  if (!r.list(node, patterns, &YamlReader::line_of_text)) return;
  if (patterns.empty() || patterns.size() > max_patterns) {
    r.wrong_value(node, "1 to " + std::to_string(max_patterns) + " names, which may hold * and ?");
  }
}

void read_source_refs(YamlReader& r, Fields& f, const YamlNode& node, RepositoryConfig& repository) {
  f.optional("branches", read_patterns, repository.branches);
  f.optional("tags", read_patterns, repository.tags);
  if (f.value_of("branches") == nullptr && f.value_of("tags") == nullptr && f.is_map()) {
    r.at(node, "a source with nothing to watch", "", "branches or tags, such as branches: [main] and tags: [\"v*\"]");
  }
  f.optional("poll", &YamlReader::positive_duration, repository.poll);
  f.optional("credentials", read_credentials, repository.token_file);
}

void read_repository(YamlReader& r, const YamlNode& node, RepositoryConfig& repository) {
  Fields f(r, node, "a repository");
  f.required("name", &YamlReader::name, repository.name);
  f.required("url", &YamlReader::line_of_text, repository.url);
  f.required("role", [&](YamlReader& reader, const YamlNode& value) {
    repository.source = value.kind == YamlNode::Kind::scalar && value.text == "source";
    if (!repository.source && value.text != "environments") reader.wrong_value(value, "environments or source");
  });
  if (repository.source) {
    read_source_refs(r, f, node, repository);
    return;
  }
  f.optional("branch", &YamlReader::line_of_text, repository.branch);
  f.optional("path", &YamlReader::line_of_text, repository.path);
  f.optional("poll", &YamlReader::positive_duration, repository.poll);
  f.optional("credentials", read_credentials, repository.token_file);
  bool access = true;
  f.optional("access", &YamlReader::boolean, access);
  if (!access)
    r.at(*f.value_of("access"), "the one repository is where the AccessPolicy is read from", "false", "true");
  f.optional("writeBack", [](YamlReader& reader, const YamlNode& value) {
    if (value.text == "push" || value.text == "pullRequest") {
      reader.at(value, fmt::format("'writeBack: {}' is not supported by this version", value.text), "", "off");
    } else {
      reader.only(value, "off");
    }
  });
}

void read_command(YamlReader& r, const YamlNode& node, reconciler::AllowedCommand& out) {
  if (node.kind == YamlNode::Kind::scalar) {
    r.line_of_text(node, out.path);
    return;
  }
  Fields f(r, node, "an allowed command");
  f.required("path", &YamlReader::line_of_text, out.path);
  f.required("sha256", &YamlReader::line_of_text, out.sha256);
}

void read_mode(YamlReader& r, const YamlNode& node, reconciler::CommandMode& out) {
  std::string text;
  if (!r.line_of_text(node, text)) return;
  if (text == "off") {
    out = reconciler::CommandMode::off;
  } else if (text == "allowlist") {
    out = reconciler::CommandMode::allowlist;
  } else if (text == "repository") {
    out = reconciler::CommandMode::repository;
  } else {
    r.wrong_value(node, "off, allowlist or repository");
  }
}

void read_commands(YamlReader& r, const YamlNode& node, reconciler::CommandSettings& commands) {
  Fields f(r, node, "commands");
  f.required("mode", read_mode, commands.mode);
  f.optional("allow",
             [&](YamlReader& reader, const YamlNode& list) { reader.list(list, commands.allow, read_command); });
  f.optional("user", &YamlReader::line_of_text, commands.user);
  f.optional("timeout", &YamlReader::positive_duration, commands.timeout);
}

void read_governance(YamlReader& r, const YamlNode& node, ServerConfig& config) {
  auto& approvals = config.governance;
  Fields f(r, node, "governance");
  f.required("approvals", [&](YamlReader& reader, const YamlNode& list) {
    if (!reader.list(list, approvals, [](YamlReader& inner, const YamlNode& item, ApprovalRule& rule) {
          Fields a(inner, item, "an approval");
          a.required("team", &YamlReader::name, rule.team);
          a.optional("count",
                     [&](YamlReader& number, const YamlNode& value) { number.number(value, rule.count, 1, 100); });
          rule.line = item.place.line;
        })) {
      return;
    }
    std::set<std::string> teams;
    for (const auto& rule : approvals) teams.insert(rule.team);
    if (approvals.empty() || approvals.size() > max_governing_teams || teams.size() != approvals.size()) {
      reader.at(list, "no team, too many teams, or one twice", std::to_string(approvals.size()),
                "1 to " + std::to_string(max_governing_teams) + " teams, each once");
    }
  });
  f.optional("signedBy", read_path, config.signed_by);
}

void read_secret_source(YamlReader& r, const YamlNode& node, reconciler::SecretSource& source) {
  Fields f(r, node, "a secret");
  f.optional("file", read_path, source.file);
  f.optional("env", &YamlReader::line_of_text, source.variable);
  f.exactly_one_of({"file", "env"});
  const auto read_names = [](YamlReader& reader, const YamlNode& value, std::vector<std::string>& names) {
    if (reader.names(value, names) && names.empty()) reader.wrong_value(value, "one name at least");
  };
  f.optional("environments", read_names, source.scope.environments);
  f.optional("services", read_names, source.scope.services);
  f.optional("rotate", [](YamlReader& reader, const YamlNode& value) {
    reader.at(value, "'rotate' is not supported by this version: nobody is told when the secret is overdue");
  });
}

void read_secrets(YamlReader& r, const YamlNode& node,
                  std::map<std::string, reconciler::SecretSource, std::less<>>& secrets) {
  if (!r.is_map(node, "secrets by name (a map)")) return;
  for (const auto [key, value] : YamlEntries(node)) {
    std::string name;
    reconciler::SecretSource source;
    r.name(key, name);
    read_secret_source(r, value, source);
    secrets.emplace(std::move(name), std::move(source));
  }
}

void read_smtp(YamlReader& r, const YamlNode& node, std::optional<SmtpConfig>& out) {
  auto& smtp = out.emplace();
  Fields f(r, node, "smtp");
  f.required("url", &YamlReader::line_of_text, smtp.url);
  f.required("from", &YamlReader::line_of_text, smtp.from);
  if (smtp.url.find('@') != std::string::npos) {
    r.at(*f.value_of("url"), "a URL may not hold a user name or password", "", "credentials beside it");
  } else if (!smtp.url.empty() && !smtp.url.starts_with("smtp://") && !smtp.url.starts_with("smtps://")) {
    r.wrong_value(*f.value_of("url"), "smtp://host:port, or smtps://host:port");
  }
  const auto at = smtp.from.find('@');
  if (!smtp.from.empty() &&
      (at == 0 || at == std::string::npos || smtp.from.find_first_of(" <>\"") != std::string::npos)) {
    r.wrong_value(*f.value_of("from"), "an address such as headgate@example.com");
  }
  f.optional("credentials", [&](YamlReader& reader, const YamlNode& value) {
    Fields c(reader, value, "credentials of a mail server");
    c.required("user", &YamlReader::line_of_text, smtp.user);
    c.required("password", read_file_reference, smtp.password_file);
  });
}

void read_limits(YamlReader& r, const YamlNode& node, LimitsConfig& limits) {
  Fields f(r, node, "limits");
  f.optional("body", read_size, limits.body_bytes);
  f.optional("requestsPerSecond", [&](YamlReader& reader, const YamlNode& value) {
    reader.number(value, limits.requests_per_second, 0, 1'000'000);
  });
  f.optional("burst",
             [&](YamlReader& reader, const YamlNode& value) { reader.number(value, limits.burst, 1, 1'000'000); });
}

void read_every(YamlReader& r, const YamlNode& node, Duration& every) {
  if (node.kind == YamlNode::Kind::scalar && node.text == "off") {
    every = Duration::zero();
  } else {
    r.duration(node, every);
  }
}

void read_backup(YamlReader& r, const YamlNode& node, BackupConfig& backup) {
  Fields f(r, node, "backup");
  f.required("directory", read_path, backup.directory);
  f.optional("every", read_every, backup.every);
  f.optional("keep", &YamlReader::positive_duration, backup.keep);
  f.optional("verify", &YamlReader::boolean, backup.verify);
}

void read_mirror(YamlReader& r, const YamlNode& node, std::filesystem::path& folder) {
  Fields f(r, node, "mirror");
  f.required("directory", read_path, folder);
}

void read_durability(YamlReader& r, const YamlNode& node, bool& strict) {
  std::string text;
  if (!r.line_of_text(node, text)) return;
  if (text != "grouped" && text != "strict") r.wrong_value(node, "grouped or strict");
  strict = text == "strict";
}

void read_repositories(YamlReader& r, const YamlNode& node, ServerConfig& config) {
  std::vector<RepositoryConfig> repositories;
  if (!r.list(node, repositories, read_repository)) return;
  std::set<std::string> names;
  std::size_t environments = 0;
  for (auto& repository : repositories) {
    if (!names.insert(repository.name).second) r.at(node, "two repositories of the same name", repository.name, "one");
    environments += repository.source ? 0 : 1;
    if (repository.source) {
      config.sources.push_back(std::move(repository));
    } else {
      config.repository = std::move(repository);
    }
  }
  if (environments != 1 || config.sources.size() > max_sources) {
    r.at(node, "wrong number of repositories",
         std::to_string(environments) + " of role environments, " + std::to_string(config.sources.size()) + " sources",
         "one of role environments, and at most " + std::to_string(max_sources) + " of role source");
  }
}

void read_checkpoint_repository(YamlReader& r, const YamlNode& node, std::optional<CheckpointsConfig::Git>& out) {
  Fields f(r, node, "a repository for checkpoints");
  CheckpointsConfig::Git git;
  f.required("url", &YamlReader::line_of_text, git.url);
  f.optional("branch", &YamlReader::line_of_text, git.branch);
  f.optional("every", &YamlReader::positive_duration, git.every);
  f.optional("credentials", read_credentials, git.token_file);
  out = std::move(git);
}

void read_witness(YamlReader& r, const YamlNode& node, WitnessConfig& witness) {
  Fields f(r, node, "a witness");
  f.required("url", &YamlReader::line_of_text, witness.url);
  f.required("key", &YamlReader::line_of_text, witness.key);
  if (!witness.url.empty() && !witness.url.starts_with("https://") && !witness.url.starts_with("http://")) {
    r.wrong_value(*f.value_of("url"), "the witness's submission prefix, https:// or http://");
  }
  if (!witness.key.empty() && !store::VerifierKey::parse(witness.key, store::KeyAlgorithm::cosignature_v1)) {
    r.wrong_value(*f.value_of("key"), "the witness's verifier key for cosignatures: name+id+base64");
  }
}

void read_checkpoints(YamlReader& r, const YamlNode& node, CheckpointsConfig& checkpoints) {
  Fields f(r, node, "checkpoints");
  f.optional("git", read_checkpoint_repository, checkpoints.git);
  f.optional("witnesses", [&](YamlReader& reader, const YamlNode& list) {
    if (!reader.list(list, checkpoints.witnesses, read_witness)) return;
    std::set<std::string> keys;
    for (const auto& witness : checkpoints.witnesses) keys.insert(witness.key);
    if (checkpoints.witnesses.size() > max_witnesses || keys.size() != checkpoints.witnesses.size()) {
      reader.at(list, "too many witnesses, or one twice", std::to_string(checkpoints.witnesses.size()),
                "at most " + std::to_string(max_witnesses) + ", each with a key of its own");
    }
  });
}

void read_verify(YamlReader& r, const YamlNode& node, Duration& every) {
  Fields f(r, node, "verify");
  f.required("every", &YamlReader::positive_duration, every);
}

void read_config(YamlReader& r, const YamlNode& node, ServerConfig& config) {
  Fields f(r, node, "the server's file");
  f.optional("data", read_path, config.data);
  f.optional("listen", read_listen, config);
  f.optional("tls", read_tls, config.tls);
  f.optional("origin", &YamlReader::line_of_text, config.origin);
  f.optional("signingKey", read_file_reference, config.signing_key);
  f.optional("durability", read_durability, config.strict);
  f.required("repositories", read_repositories, config);
  f.optional("governance", read_governance, config);
  f.optional("commands", read_commands, config.commands);
  f.optional("secrets", read_secrets, config.secrets);
  f.optional("smtp", read_smtp, config.smtp);
  f.optional("checkpoints", read_checkpoints, config.checkpoints);
  f.optional("limits", read_limits, config.limits);
  f.optional("drain", &YamlReader::duration, config.drain);
  f.optional("verify", read_verify, config.verify_every);
  f.optional("backup", read_backup, config.backup);
  f.optional("mirror", read_mirror, config.mirror);
}

}  // namespace

Result<void> parse_listen(const std::string& text, ServerConfig& config) {
  const auto colon = text.rfind(':');
  unsigned port = 65'536;
  auto address = text.substr(0, colon);
  const auto* end = text.data() + text.size();
  if (colon != std::string::npos && std::from_chars(text.data() + colon + 1, end, port).ptr != end) port = 65'536;
  if (address.size() > 2 && address.front() == '[' && address.back() == ']')
    address = address.substr(1, address.size() - 2);
  if (port > 65'535 || address.empty()) {
    return fail(ErrorCode::invalid_input, "'" + text + "' is no address to listen on: expected such as 127.0.0.1:8420");
  }
  config.address = std::move(address);
  config.port = static_cast<std::uint16_t>(port);
  return {};
}

Result<ServerConfig> parse_server_config(const std::string& name, const std::string& text) {
  reconciler::DiagnosticSink sink(name, text);
  const FindBlob no_scripts = [](std::string_view) { return std::nullopt; };
  ServerConfig config;
  int documents = 0;
  reconciler::read_yaml(text, sink, [&](const YamlNode& root) {
    if (documents++ > 0) return;
    YamlReader reader(sink, no_scripts);
    read_config(reader, root, config);
  });
  if (documents != 1 && sink.count() == 0) {
    sink.add({}, "wrong number of documents", std::to_string(documents), "one");
  }
  const auto diagnostics = sink.take();
  if (diagnostics.empty()) return config;
  std::string message;
  for (const auto& diagnostic : diagnostics) message += (message.empty() ? "" : "\n") + to_string(diagnostic);
  return fail(ErrorCode::invalid_input, message);
}

namespace {

bool lies_in(const std::filesystem::path& inner, const std::filesystem::path& outer) {
  // As far as they are there: two names of one folder are one.
  const auto real = [](const std::filesystem::path& path) {
    std::error_code error;
    auto found = std::filesystem::weakly_canonical(path, error);
    return error ? path.lexically_normal() : found;
  };
  const auto relative = real(inner).lexically_relative(real(outer));
  return !relative.empty() && *relative.begin() != "..";
}

}  // namespace

Result<void> expect_folders_apart(const ServerConfig& config) {
  struct Folder {
    const char* field;
    const std::filesystem::path& path;
    std::vector<const char*> parts;  // where nothing else may lie
  };
  const Folder folders[] = {{"data", config.data, {"blobs", "db", "people", "snapshots"}},
                            {"backup.directory", config.backup.directory, {"blobs", "engine", "sets"}},
                            {"mirror.directory", config.mirror, {"blobs", "tile"}}};
  for (const auto& one : folders) {
    for (const auto& other : folders) {
      if (&one == &other || one.path.empty() || other.path.empty()) continue;
      const bool same = lies_in(one.path, other.path) && lies_in(other.path, one.path);
      const bool inside =
          std::ranges::any_of(other.parts, [&](const char* part) { return lies_in(one.path, other.path / part); });
      if (!same && !inside) continue;
      return fail(ErrorCode::invalid_input, std::string(one.field) + " " + one.path.string() +
                                                " lies among the files of " + other.field + " " + other.path.string() +
                                                ": name a folder of its own");
    }
  }
  return {};
}

Result<ServerConfig> read_server_config(const std::filesystem::path& file) {
  HEADGATE_TRY(const auto text, as_named(store::read_file(file, 1 << 20)));
  HEADGATE_TRY(auto config, parse_server_config(file.string(), text));
  const auto folder = std::filesystem::absolute(file).parent_path();
  const auto from_folder = [&](std::filesystem::path& path) {
    if (!path.empty() && path.is_relative()) path = folder / path;
  };
  from_folder(config.data);
  from_folder(config.signing_key);
  from_folder(config.backup.directory);
  from_folder(config.mirror);
  HEADGATE_TRY_VOID(expect_folders_apart(config));
  from_folder(config.signed_by);
  for (auto& [name, source] : config.secrets) from_folder(source.file);
  if (config.smtp) from_folder(config.smtp->password_file);
  const auto url_from_folder = [&](std::string& url) {
    const auto parsed = reconciler::parse_git_url(url);
    if (!parsed || parsed->kind != reconciler::GitUrl::Kind::local || url.starts_with("file://")) return;
    std::filesystem::path path = url;
    from_folder(path);
    url = path.lexically_normal().string();
  };
  url_from_folder(config.repository.url);
  for (auto& source : config.sources) url_from_folder(source.url);
  if (config.checkpoints.git) url_from_folder(config.checkpoints.git->url);
  if (config.repository.token_file) from_folder(*config.repository.token_file);
  for (auto& source : config.sources) {
    if (source.token_file) from_folder(*source.token_file);
  }
  if (config.checkpoints.git && config.checkpoints.git->token_file) from_folder(*config.checkpoints.git->token_file);
  if (config.tls) {
    for (auto* path : {&config.tls->certificate, &config.tls->key, &config.tls->client_ca}) {
      std::filesystem::path absolute = *path;
      from_folder(absolute);
      *path = absolute;
    }
  }
  return config;
}

}  // namespace headgate::app
