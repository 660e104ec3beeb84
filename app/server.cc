#include "app/server.h"

#include <sys/resource.h>

#include <algorithm>
#include <filesystem>

#include "api/erasure.h"
#include "api/http_server.h"
#include "api/metrics.h"
#include "api/secrets.h"
#include "api/service.h"
#include "app/admin_token.h"
#include "app/backup_service.h"
#include "app/blob_upkeep.h"
#include "app/checkpoint_publisher.h"
#include "app/data_directory.h"
#include "app/evidence.h"
#include "app/log_read_side.h"
#include "app/log_verifier.h"
#include "app/named_file.h"
#include "app/runtime_observer.h"
#include "app/watched_repositories.h"
#include "app/witness.h"
#include "engine/base/digest.h"
#include "engine/ports/submit_and_wait.h"
#include "engine/runtime/engine.h"
#include "reconciler/allowed_signers.h"
#include "reconciler/authorship_watch.h"
#include "reconciler/curl_http_client.h"
#include "reconciler/curl_mail_sender.h"
#include "reconciler/documents_parser.h"
#include "reconciler/git_checkpoints.h"
#include "reconciler/git_repository.h"
#include "reconciler/monitor_watch.h"
#include "reconciler/notifier.h"
#include "reconciler/process_launch.h"
#include "reconciler/reconciler.h"
#include "reconciler/secret_file.h"
#include "reconciler/source_watch.h"
#include "reconciler/step_executor.h"
#include "reconciler/target_observer.h"
#include "store/blob_store.h"
#include "store/file_list.h"
#include "store/files.h"
#include "store/people_directory.h"
#include "store/rocksdb_log.h"
#include "store/snapshot_store.h"

namespace headgate::app {
namespace {

// Half of them are kept from what is slow (reconciler/fair_turns.h).
constexpr std::size_t observer_workers = 8;
constexpr std::size_t monitor_workers = 8;
constexpr Duration witness_every = std::chrono::seconds(1);  // looked at; they are asked once a round

static_assert(reconciler::Redactor::token_bytes == api::token_length);  // what the redactor takes for a token

// Descriptors that connections leave: RocksDB's 512, and those of repositories, commands, checks and threads.
constexpr std::uint64_t reserved_descriptors = 768;

}  // namespace

std::size_t connections_within(std::uint64_t descriptors) {
  const auto left = descriptors - std::min(descriptors, reserved_descriptors);
  return static_cast<std::size_t>(std::clamp<std::uint64_t>(left, 16, api::HttpLimits{}.max_connections));
}

// In the order in which they are built; destroyed in the opposite one.
struct Server::Parts {
  Parts(const ServerConfig& server_config, Clock& the_clock, Log& the_log)
      : config(server_config), clock(the_clock), log(the_log) {}

  ServerConfig config;
  Clock& clock;
  Log& log;

  std::optional<store::DataLock> lock{};
  std::unique_ptr<store::RocksDbLog> events{};
  std::optional<store::SigningKey> log_key{};
  std::optional<store::SnapshotStore> snapshots{};
  std::unique_ptr<store::BlobStore> blobs{};
  std::unique_ptr<store::PeopleDirectory> people{};
  std::unique_ptr<Cosignatures> cosignatures{};  // none without witnesses
  std::unique_ptr<LogProofs> proofs{};
  std::unique_ptr<EvidenceMaker> evidence{};

  reconciler::CurlHttpClient http{};
  reconciler::SecretsInUse secrets_in_use{};
  std::unique_ptr<reconciler::HostSecrets> host_secrets{};
  std::unique_ptr<reconciler::CurlMailSender> mail{};  // none where the file names no server
  std::unique_ptr<reconciler::NotificationDelivery> delivery{};
  std::unique_ptr<reconciler::GitRepository> repository{};
  std::vector<WatchedSource> sources{};  // in the order of the configuration; followed once the engine runs
  std::optional<reconciler::CommandPolicy> command_policy{};
  std::unique_ptr<reconciler::ProcessRunner> runner{};
  std::unique_ptr<reconciler::ScriptExports> exports{};
  std::unique_ptr<reconciler::CommandDriver> driver{};
  std::unique_ptr<reconciler::StepExecutor> executor{};

  api::Metrics metrics{};
  std::unique_ptr<RuntimeObserver> observer{};
  std::unique_ptr<runtime::Engine> engine{};

  std::vector<std::unique_ptr<Witness>> witnesses{};
  std::unique_ptr<reconciler::GitCheckpoints> git_checkpoints{};
  std::vector<std::unique_ptr<CheckpointPublisher>> publishers{};

  std::unique_ptr<BlobUpkeep> blob_upkeep{};

  std::unique_ptr<BackupService> backups{};  // none where neither backups nor a mirror are configured

  std::unique_ptr<LogVerifier> log_verifier{};

  std::unique_ptr<reconciler::YamlDocumentParser> parser{};
  std::unique_ptr<reconciler::Reconciler> reconciler{};
  std::unique_ptr<reconciler::TargetObserver> target_observer{};
  std::unique_ptr<reconciler::MonitorWatch> monitors{};
  std::unique_ptr<reconciler::CommitSignatureVerifier> signatures{};
  std::unique_ptr<reconciler::AuthorshipWatch> authorship{};
  std::vector<reconciler::PersonKey> allowed_signers{};  // of the policy
  std::unique_ptr<reconciler::Notifier> notifier{};
  std::shared_ptr<void> nudges{};
  std::unique_ptr<WatchedRepositories> watched{};
  std::unique_ptr<api::Api> api{};
  std::unique_ptr<api::HttpServer> http_server{};  // has the address before the engine begins anything
  bool started = false;
  bool stopped = false;

  Result<void> open_store();
  Result<void> add_source(const RepositoryConfig& source);
  Result<std::string> read_secret(const std::string& name, const std::filesystem::path& file);
  Result<std::function<Result<std::string>()>> token_of(const std::string& name,
                                                        const std::optional<std::filesystem::path>& file);
  void read_host_secrets();
  std::shared_ptr<const reconciler::Redactor> redactor_of_now();
  Result<void> build_reconciler(const std::filesystem::path& supervisor);
  Result<void> start_engine(std::function<void()> fatal);
  Result<void> sign_with_key();
  Result<NewCheckpoint> newest_checkpoint() const;
  Result<void> start_publishing();
  CheckpointPublisher::Told publishing_told(std::string to);
  void start_backups();
  void start_reconciling();
  std::optional<std::string> why_not_ready();
  Result<void> listen();
  std::vector<api::Metrics::Gauge> unobserved_gauges() const;
  void serve();
  reconciler::Notice notice() {
    return [this](reconciler::NoticeLevel level, std::string_view message, std::string_view correlation) {
      if (level == reconciler::NoticeLevel::warning) {
        log.warning(message, correlation);
      } else {
        log.info(message, correlation);
      }
    };
  }
};

Result<void> Server::Parts::open_store() {
  const auto& data = config.data;
  HEADGATE_TRY_VOID(check_data_directory(data));
  HEADGATE_TRY_VOID(as_named(store::make_dirs_durably(data.parent_path())));
  HEADGATE_TRY_VOID(as_named(store::make_dir_durably(data, 0700)));
  HEADGATE_TRY(lock, store::DataLock::acquire(data));
  // Before a log bears it that no key could sign.
  if (const auto named = store::VerifierKey::make(config.origin, {}); !named) {
    return fail(ErrorCode::invalid_input, "origin '" + config.origin + "': " + named.error().message);
  }
  store::RocksDbLog::Options options;
  options.dir = data;
  options.origin = config.origin;
  options.durability = config.strict ? store::Durability::strict : store::Durability::batch;
  HEADGATE_TRY(events, store::RocksDbLog::open(std::move(options)));
  if (!events->notice().empty()) log.warning(events->notice());
  HEADGATE_TRY(log_key, signing_key(config.signing_key.empty() ? data / "log.key" : config.signing_key, *events,
                                    config.rotate_key));
  HEADGATE_TRY(auto saved_states, store::SnapshotStore::open(data / "snapshots"));
  snapshots.emplace(std::move(saved_states));
  HEADGATE_TRY(blobs, store::BlobStore::open(data / "blobs"));
  HEADGATE_TRY(const auto names, store::type_of_file(data / "people"));
  if (names == std::filesystem::file_type::not_found && events->size() > 0) {
    log.warning((data / "people").string() +
                " is missing: everybody is shown by an id alone; stop and put it back from a backup, before the next "
                "change of the AccessPolicy makes somebody new of each of them");
  }
  HEADGATE_TRY(people, store::PeopleDirectory::open(data / "people"));
  if (const auto count = config.checkpoints.witnesses.size(); count > 0) {
    cosignatures = std::make_unique<Cosignatures>(
        count, [this] { return newest_checkpoint(); }, clock);
  }
  proofs = std::make_unique<LogProofs>(*events, log_key->verifier(), clock, cosignatures.get());
  evidence = std::make_unique<EvidenceMaker>(*events, log_key->verifier(), cosignatures.get(), clock);
  return {};
}

// Each secret that a file of the host holds, once the server's own file names it; in use from then on.
Result<std::string> Server::Parts::read_secret(const std::string& name, const std::filesystem::path& file) {
  HEADGATE_TRY(auto text, as_named(reconciler::read_secret_file(file)));
  secrets_in_use.add(name, text);
  return text;
}

// Read at the start, so that what is not there is told then, and anew whenever a remote asks: tokens are renewed.
Result<std::function<Result<std::string>()>> Server::Parts::token_of(const std::string& name,
                                                                     const std::optional<std::filesystem::path>& file) {
  if (!file) return {};
  HEADGATE_TRY_VOID(read_secret(name, *file));
  return [this, name, path = *file] { return read_secret(name, path); };
}

// At the start, so that what is not there is told before it is needed.
void Server::Parts::read_host_secrets() {
  for (const auto& [name, scope] : host_secrets->scopes()) {
    if (const auto value = host_secrets->read(name); !value) log.warning(value.error().message);
  }
  if (config.smtp && !config.smtp->password_file.empty()) {
    if (const auto value = read_secret("smtp", config.smtp->password_file); !value) log.warning(value.error().message);
  }
}

// A file that was written anew counts before anybody asks for it: a command may print what it holds by now.
std::shared_ptr<const reconciler::Redactor> Server::Parts::redactor_of_now() {
  for (const auto& [name, scope] : host_secrets->scopes()) static_cast<void>(host_secrets->read(name));
  return secrets_in_use.redactor();
}

Result<void> Server::Parts::add_source(const RepositoryConfig& source) {
  HEADGATE_TRY(auto token, token_of("repository " + source.name, source.token_file));
  reconciler::GitRepositoryConfig git;
  git.name = source.name;
  git.url = source.url;
  git.branches = source.branches;
  git.tags = source.tags;
  git.poll = source.poll;
  git.clone = config.data / "repositories" / (source.name + ".git");
  git.token = std::move(token);
  git.notice = [this, name = source.name](const std::string& message) { log.warning(message, name); };
  HEADGATE_TRY(auto repository_of_source, reconciler::GitRepository::create(std::move(git)));
  sources.push_back({std::move(repository_of_source)});
  return {};
}

Result<void> Server::Parts::build_reconciler(const std::filesystem::path& supervisor) {
  HEADGATE_TRY(auto token, token_of("repository " + config.repository.name, config.repository.token_file));
  for (const auto& source : config.sources) HEADGATE_TRY_VOID(add_source(source));
  host_secrets = std::make_unique<reconciler::HostSecrets>(config.secrets, secrets_in_use);
  read_host_secrets();
  if (!config.signed_by.empty()) {
    HEADGATE_TRY(const auto text, as_named(store::read_file(config.signed_by, 1 << 20)));
    HEADGATE_TRY(allowed_signers, reconciler::parse_allowed_signers(config.signed_by.string(), text));
  }

  reconciler::GitRepositoryConfig git;
  git.name = config.repository.name;
  git.url = config.repository.url;
  git.branch = config.repository.branch;
  git.path = config.repository.path;
  git.poll = config.repository.poll;
  git.clone = config.data / "repositories" / (config.repository.name + ".git");
  git.token = std::move(token);
  git.notice = [this](const std::string& message) { log.warning(message, config.repository.name); };
  HEADGATE_TRY(repository, reconciler::GitRepository::create(std::move(git)));

  HEADGATE_TRY(command_policy, reconciler::CommandPolicy::make(config.commands));
  if (const auto user = reconciler::resolve_user(config.commands.user); !user) {
    log.warning(user.error().message);
  } else if (*user) {
    HEADGATE_TRY_VOID(let_commands_through(config.data, (*user)->gid));
  }
  if (config.commands.mode == reconciler::CommandMode::repository && config.governance.empty()) {
    log.warning("commands.mode: repository without governance: whoever can push can run programs on this host");
  }
  reconciler::ProcessRunnerOptions options;
  options.lock_directory = config.data / "run";
  options.supervisor = supervisor;
  runner = std::make_unique<reconciler::ProcessRunner>(std::move(options));
  exports = std::make_unique<reconciler::ScriptExports>(config.data / "exports");
  const auto load_script = [this](const std::string& blob) {
    return repository->read_blob(blob, reconciler::ScriptExports::max_script_bytes);
  };
  driver = std::make_unique<reconciler::CommandDriver>(*runner, *exports, *command_policy, load_script,
                                                       config.data / "work", [this] { return redactor_of_now(); });
  executor = std::make_unique<reconciler::StepExecutor>(*driver, http, *blobs, notice());
  return {};
}

Result<void> Server::Parts::start_engine(std::function<void()> fatal) {
  observer = std::make_unique<RuntimeObserver>(metrics, log);
  runtime::EngineOptions options;
  options.version = HEADGATE_VERSION;
  options.origin = config.origin;
  options.verifier_key = proofs->verifier_key();
  const auto on_fatal = [this, fatal = std::move(fatal)](const Error& error) {
    log.error("the log refused an append; stopping at once, nothing is answered: " + error.message);
    fatal();
  };
  HEADGATE_TRY(engine, runtime::Engine::start(std::move(options), *events, *snapshots, clock, *executor, sha256_digest,
                                              *observer, on_fatal));
  engine->read([this](const State& state) { metrics.started(state); });
  log.set_position(engine->position() - 1);  // of engine.started, at least
  HEADGATE_TRY_VOID(sign_with_key());
  for (const auto& trouble : api::Eraser(*engine, *engine, *events, *people, clock).resume()) log.warning(trouble);
  HEADGATE_TRY(const auto token_file, ensure_admin_token(config.data, *events, *engine, *people));
  if (!token_file.empty()) log.info("the admin token is in " + token_file.string());
  return {};
}

// No checkpoint is signed by a key that the records do not name yet.
Result<void> Server::Parts::sign_with_key() {
  const auto verifier = log_key->verifier().text();
  if (engine->read([&](const State& state) { return state.verifier_key != verifier; })) {
    HEADGATE_TRY_VOID(submit_and_wait(*engine, {.command = RotateKey{verifier}}));
    log.info("checkpoints are signed by " + verifier + " from here on");
  }
  events->use_key(*log_key);
  return {};
}

// Trouble is said once until it works again; the counter tells of each attempt.
CheckpointPublisher::Told Server::Parts::publishing_told(std::string to) {
  return [this, to = std::move(to), said = std::string()](const Result<void>& done) mutable {
    metrics.checkpoint_published(to, done.has_value());
    if (!done && done.error().message != said) {
      log.warning("the checkpoint could not be brought to " + to + ": " + done.error().message);
    } else if (done && !said.empty()) {
      log.info("checkpoints are brought to " + to + " again");
    }
    said = done ? std::string() : done.error().message;
  };
}

Result<NewCheckpoint> Server::Parts::newest_checkpoint() const {
  HEADGATE_TRY(auto note, events->checkpoint());
  HEADGATE_TRY(const auto checkpoint, store::unverified_checkpoint(note));
  return NewCheckpoint{std::move(note), checkpoint.size};
}

Result<void> Server::Parts::start_publishing() {
  for (const auto& with : config.checkpoints.witnesses) {
    HEADGATE_TRY(auto key, store::VerifierKey::parse(with.key, store::KeyAlgorithm::cosignature_v1));
    const auto proof = [this](std::uint64_t from, std::uint64_t size) { return events->consistency_proof(from, size); };
    auto& witness = *witnesses.emplace_back(std::make_unique<Witness>(with.url, std::move(key), http, proof));
    const auto publish = [this, &witness](const NewCheckpoint& checkpoint, std::stop_token stop) -> Result<void> {
      HEADGATE_TRY(auto line, witness.cosign(checkpoint.note, checkpoint.size, std::move(stop)));
      cosignatures->add(checkpoint.note, witness.key().text(), std::move(line));
      return {};
    };
    const auto to_cosign = [this] { return cosignatures->to_cosign(); };
    publishers.push_back(std::make_unique<CheckpointPublisher>(CheckpointPublisher::Options{.every = witness_every},
                                                               to_cosign, publish,
                                                               publishing_told("witness " + witness.key().name())));
  }
  if (const auto& git = config.checkpoints.git) {
    HEADGATE_TRY(auto token, token_of("checkpoints", git->token_file));
    HEADGATE_TRY(git_checkpoints, reconciler::GitCheckpoints::create({.url = git->url,
                                                                      .branch = git->branch,
                                                                      .clone = config.data / "checkpoints.git",
                                                                      .token = std::move(token)}));
    const auto newest = [this]() -> Result<NewCheckpoint> {
      if (!cosignatures) return newest_checkpoint();
      HEADGATE_TRY(auto shown, cosignatures->shown());
      return NewCheckpoint{std::move(shown.note), shown.size};
    };
    // With the cosignatures at hand; the same checkpoint is not pushed again when more of them come.
    const auto publish = [this](const NewCheckpoint& checkpoint, std::stop_token stop) {
      const auto text = cosignatures ? cosignatures->with_lines(checkpoint.note) : checkpoint.note;
      return git_checkpoints->push(text, "Checkpoint of " + std::to_string(checkpoint.size) + " records", clock.now(),
                                   std::move(stop));
    };
    publishers.push_back(std::make_unique<CheckpointPublisher>(CheckpointPublisher::Options{.every = git->every},
                                                               newest, publish, publishing_told("git")));
  }
  return {};
}

void Server::Parts::start_backups() {
  if (config.backup.directory.empty() && config.mirror.empty()) return;
  const BackupService::Options options{config.backup, config.mirror, config.data,
                                       config.signing_key.empty() ? config.data / "log.key" : config.signing_key};
  const auto told = [this](bool warning, const std::string& message) {
    if (warning) {
      log.warning(message);
    } else {
      log.info(message);
    }
  };
  backups = std::make_unique<BackupService>(options, *events, *engine, clock, told);
  metrics.add_gauges([this] { return backups->gauges(); });
}

void Server::Parts::start_reconciling() {
  parser = std::make_unique<reconciler::YamlDocumentParser>(
      *people, reconciler::HostOffers{host_secrets->scopes(), config.smtp.has_value()});
  signatures = std::make_unique<reconciler::CommitSignatureVerifier>(*runner, config.data / "work" / "signatures");
  reconciler::ReconcilerOptions options;
  options.repository = config.repository.name;
  options.branch = config.repository.branch;
  options.poll = config.repository.poll;
  options.governance = config.governance;
  if (!config.signed_by.empty()) {
    options.why_not_signed = [this](const std::string& commit,
                                    const std::stop_token& stop) -> Result<std::optional<std::string>> {
      HEADGATE_TRY(const auto read, repository->signed_commit(commit));
      HEADGATE_TRY(const auto report, signatures->verify(read, allowed_signers, stop));
      if (report.verdict == SignatureVerdict::good) return std::nullopt;
      // The verifier speaks of the AccessPolicy, which has no say in this.
      if (report.verdict == SignatureVerdict::unknown_key) return "the key is none of theirs (" + report.key + ")";
      return report.reason.empty() ? std::string(name_of(report.verdict)) : report.reason;
    };
  }
  options.looked = [this](Duration took) { metrics.reconciled(config.repository.name, took); };
  reconciler = std::make_unique<reconciler::Reconciler>(std::move(options), *repository, *parser, *people, *driver,
                                                        *engine, *engine, clock, notice());
  target_observer =
      std::make_unique<reconciler::TargetObserver>(observer_workers, *engine, *engine, *driver, clock, notice());
  const auto run_monitor = [this](const MonitorId& id, const Run& run, std::stop_token stop) {
    const auto name = "monitor/" + id.environment + "/" + id.name;
    const TargetId place{"@monitors", id.environment};
    return driver->run(run, place, name, {{"HEADGATE_ACTIVITY", name}, {"HEADGATE_ENVIRONMENT", id.environment}}, stop);
  };
  monitors =
      std::make_unique<reconciler::MonitorWatch>(monitor_workers, *engine, *engine, http, run_monitor, clock, notice());
  std::vector<reconciler::WatchedCommits> commits{{config.repository.name, repository.get()}};
  for (std::size_t i = 0; i < sources.size(); ++i) {
    auto& source = sources[i];
    const auto& named = config.sources[i];
    source.watch = std::make_unique<reconciler::SourceWatch>(named.name, named.poll, *source.repository, *people,
                                                             *engine, *engine, clock, notice());
    source.watch->on_look([this, name = named.name](Duration took) { metrics.reconciled(name, took); });
    commits.push_back({named.name, source.repository.get()});
  }
  authorship = std::make_unique<reconciler::AuthorshipWatch>(std::move(commits), *signatures, *people, *engine, *engine,
                                                             clock, notice());
  watched = std::make_unique<WatchedRepositories>(config, *repository, *reconciler, sources);
  if (const auto& smtp = config.smtp) {
    reconciler::SmtpServer server{smtp->url, smtp->from, smtp->user};
    if (!smtp->password_file.empty()) {
      server.password = [this, file = smtp->password_file] { return read_secret("smtp", file); };
    }
    mail = std::make_unique<reconciler::CurlMailSender>(std::move(server), [this] { return clock.now(); });
  }
  delivery = std::make_unique<reconciler::NotificationDelivery>(http, mail.get(), *host_secrets, *people);
  notifier = std::make_unique<reconciler::Notifier>(*engine, *engine, *events, *delivery, clock, notice());
}

// An address that is taken is told before anything happens outside; who connects from here on waits for `serve`.
Result<void> Server::Parts::listen() {
  api::HttpServerOptions options;
  options.address = config.address;
  options.port = config.port;
  options.tls = config.tls;
  if (config.tls) HEADGATE_TRY_VOID(as_named(reconciler::check_secret_file(config.tls->key)));
  if (rlimit files{}; ::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    options.limits.max_connections = connections_within(files.rlim_cur);
  }
  options.limits.max_connections_of_peer = std::max<std::size_t>(8, options.limits.max_connections / 8);
  options.limits.body_bytes = config.limits.body_bytes;
  options.limits.requests_per_second = config.limits.requests_per_second;
  options.limits.burst = config.limits.burst;
  options.decorate = [this](api::Response& response) { api->decorate(response); };
  options.on_request = [this](const api::Access& access) { metrics.on_request(access); };
  options.on_fault = [this](std::string_view fault) { log.error(fault); };
  HEADGATE_TRY(http_server, api::HttpServer::listen(std::move(options)));
  return {};
}

// Before the first look at the repository nothing is known of services and environments, unless the log tells.
std::optional<std::string> Server::Parts::why_not_ready() {
  const bool configured = engine->read([](const State& state) { return !state.configuration.commit.empty(); });
  if (!configured && !reconciler->has_looked()) return "repository " + config.repository.name + " was not read yet";
  return log_verifier->damage();
}

std::vector<api::Metrics::Gauge> Server::Parts::unobserved_gauges() const {
  std::vector<api::Metrics::Gauge> gauges;
  for (const auto& [environment, count] : target_observer->unobserved()) {
    gauges.push_back({"headgate_unobserved_targets",
                      "Targets whose driver does not say what runs there.",
                      static_cast<double>(count),
                      {{"environment", environment}}});
  }
  return gauges;
}

void Server::Parts::serve() {
  api::ApiDependencies dependencies{*engine, *events, *snapshots, *blobs,  *people,
                                    clock,   *proofs, *watched,   metrics, {}};
  dependencies.evidence = [this](std::span<const StoredRecord> records, const StoredRecord& exported) {
    return evidence->make(records, &exported);
  };
  dependencies.backups = backups.get();
  dependencies.governance = config.governance;
  log_verifier = std::make_unique<LogVerifier>(*events, config.verify_every, clock, log);
  metrics.add_gauges([this] { return log_verifier->gauges(); });
  metrics.add_gauges([this] { return unobserved_gauges(); });
  dependencies.last_look = [this](const TargetId& target, const std::string& location) {
    const auto look = target_observer->last_look(target, location);
    return api::Look{look.observed, look.error};
  };
  dependencies.not_ready = [this] { return why_not_ready(); };
  api = std::make_unique<api::Api>(dependencies, api::ApiOptions{});
  api::Router router;
  api->add_routes(router);
  http_server->serve(std::move(router));
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Result<std::unique_ptr<Server>> Server::start(const ServerConfig& config, Clock& clock, Log& log,
                                              std::function<void()> fatal, const std::filesystem::path& supervisor) {
  auto server = std::unique_ptr<Server>(new Server(std::make_unique<Parts>(config, clock, log)));
  auto& parts = *server->parts_;
  HEADGATE_TRY_VOID(parts.open_store());
  HEADGATE_TRY_VOID(parts.build_reconciler(supervisor));
  HEADGATE_TRY_VOID(parts.listen());
  HEADGATE_TRY_VOID(parts.start_engine(std::move(fatal)));
  HEADGATE_TRY_VOID(parts.start_publishing());
  parts.start_backups();
  parts.start_reconciling();
  parts.serve();
  parts.blob_upkeep = std::make_unique<BlobUpkeep>(*parts.blobs, *parts.events, *parts.engine, clock, log);
  // Last, when everything that they lead to is there.
  parts.reconciler->start();
  parts.authorship->start();
  for (const auto& source : parts.sources) source.watch->start();
  parts.notifier->start();
  parts.nudges = parts.engine->subscribe([&parts](Position) {
    parts.target_observer->nudge();
    parts.notifier->nudge();
  });
  parts.started = true;
  log.info("listening on " + server->url() + ", data in " + config.data.string());
  return server;
}

Server::~Server() {
  stop();
}

std::string Server::url() const {
  const auto endpoint = parts_->http_server->endpoint();
  const bool v6 = endpoint.address.find(':') != std::string::npos;
  return std::string(parts_->config.tls ? "https://" : "http://") + (v6 ? "[" : "") + endpoint.address +
         (v6 ? "]:" : ":") + std::to_string(endpoint.port);
}

void Server::stop() {
  auto& p = *parts_;
  if (std::exchange(p.stopped, true)) return;
  // From the outside in: nobody new, no new work, then what is under way, then the log.
  if (p.cosignatures) p.cosignatures->close();
  if (p.http_server) p.http_server->stop(std::chrono::seconds(5));
  if (p.api) p.api->stop();
  p.nudges.reset();
  p.notifier.reset();
  p.authorship.reset();
  for (auto& source : p.sources) {  // all of them look no further while the first is waited for
    if (source.watch) source.watch->request_stop();
  }
  for (auto& source : p.sources) source.watch.reset();
  p.reconciler.reset();
  p.target_observer.reset();
  p.monitors.reset();
  p.log_verifier.reset();
  p.blob_upkeep.reset();
  p.publishers.clear();
  if (p.backups) p.backups->stop_backups();
  // Nobody waits for the effects of a start that failed: the next one takes them up again.
  if (p.engine) p.engine->stop(p.started ? p.config.drain : Duration::zero());
  p.backups.reset();
  if (p.events) {
    if (const auto closed = p.events->close(); !closed) p.log.error("closing the log: " + closed.error().message);
  }
}

}  // namespace headgate::app
