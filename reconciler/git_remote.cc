#include "reconciler/git_remote.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>

#include "engine/base/glob.h"
#include "engine/domain/flow.h"
#include "reconciler/git_copy.h"
#include "reconciler/git_history.h"
#include "reconciler/git_transport.h"
#include "reconciler/ssh_host_key.h"

namespace headgate::reconciler {
namespace {

constexpr std::size_t kShownBranches = 10;
constexpr std::size_t kMaxKnownHostsBytes = 1 << 20;  // looked at for why a key was refused; libgit2 has judged by then
constexpr std::string_view kHeads = "refs/heads/";
constexpr std::string_view kTags = "refs/tags/";

std::unexpected<Error> no_such_branch(const std::string& branch, std::vector<std::string> others) {
  if (others.empty()) {
    return fail(ErrorCode::not_found,
                fmt::format("the repository is empty: expected a branch {}; push a first commit to it", branch));
  }
  std::ranges::sort(others);
  const std::size_t count = others.size();
  others.resize(std::min(count, kShownBranches));
  for (std::string& other : others) other = clean_text(other, 100);
  return fail(
      ErrorCode::not_found,
      fmt::format("there is no branch {}; found {}{}", branch, fmt::join(others, ", "),
                  count > kShownBranches ? fmt::format(" and {} more", count - kShownBranches) : std::string()));
}

std::vector<std::string> branches_of(git_repository* repository) {
  std::vector<std::string> names;
  ReferenceIteratorHandle references;
  if (git_reference_iterator_glob_new(out(references), repository, "refs/heads/*") != 0) return names;
  const char* name = nullptr;
  while (names.size() < 10'000 && git_reference_next_name(&name, references.get()) == 0) {
    names.emplace_back(std::string_view(name).substr(kHeads.size()));
  }
  return names;
}

// A ref that has gone at the remote stands in the way of a new one below or above its name (a against a/b). It is only
// our own note, and what it reaches stays in the clone.
void clear_for(git_repository* clone, const std::vector<std::string>& names) {
  ReferenceIteratorHandle references;
  if (git_reference_iterator_new(out(references), clone) != 0) return;
  std::set<std::string, std::less<>> known;
  const char* found = nullptr;
  while (git_reference_next_name(&found, references.get()) == 0) known.emplace(found);
  references.reset();
  for (const auto& name : names) {
    std::vector<std::string> in_the_way;
    for (auto slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1)) {
      if (const auto above = name.substr(0, slash); known.contains(above)) in_the_way.push_back(above);
    }
    const auto below = name + "/";
    for (auto at = known.lower_bound(below); at != known.end() && at->starts_with(below); ++at) {
      in_the_way.push_back(*at);
    }
    for (const auto& other : in_the_way) {
      git_reference_remove(clone, other.c_str());
      known.erase(other);
    }
  }
}

Result<void> point_branch(git_repository* clone, const std::string& branch, const git_oid& head) {
  const std::string name = std::string(kHeads) + branch;
  git_oid now;
  if (git_reference_name_to_id(&now, clone, name.c_str()) == 0 && git_oid_equal(&now, &head)) return {};
  ReferenceHandle reference;
  int code = git_reference_create(out(reference), clone, name.c_str(), &head, 1, nullptr);
  if (code != 0) {
    // Left by a crash (.lock), or by another branch watched before (a against a/b): only our own notes, so clear them.
    std::error_code ignored;
    const std::filesystem::path home = git_repository_path(clone);
    clear_for(clone, {name});
    std::filesystem::remove(home / (name + ".lock"), ignored);
    code = git_reference_create(out(reference), clone, name.c_str(), &head, 1, nullptr);
  }
  if (code != 0) {
    return std::unexpected(libgit_error(ErrorCode::io, "the local clone's branch cannot be written"));
  }
  return {};
}

Result<git_oid> bring_local(git_repository* clone, const GitRepositoryConfig& config, const GitUrl& url,
                            const std::stop_token& stop) {
  // Opened for each look: the folder may have been replaced, and its owner is judged again.
  HEADGATE_TRY(const RepositoryHandle source, open_repository(url.path));
  const std::string name = std::string(kHeads) + config.branch;
  git_oid target;
  const int code = git_reference_name_to_id(&target, source.get(), name.c_str());
  if (code == GIT_ENOTFOUND) return no_such_branch(config.branch, branches_of(source.get()));
  if (code != 0) {
    return std::unexpected(libgit_error(ErrorCode::io, fmt::format("the branch {} cannot be read", config.branch)));
  }
  git_oid now;
  if (git_reference_name_to_id(&now, clone, name.c_str()) == 0 && git_oid_equal(&now, &target)) return target;
  const CopyLimits limits{
      .objects = config.limits.objects, .bytes = config.limits.bytes, .file_bytes = config.limits.file_bytes};
  HEADGATE_TRY_VOID(copy_commit(source.get(), clone, target, limits, stop));
  HEADGATE_TRY_VOID(point_branch(clone, config.branch, target));
  return target;
}

// What libgit2's callbacks see of one network fetch.
struct Transfer {
  const GitRepositoryConfig& config;
  const GitUrl& url;
  TransferWatch& watch;
  int asked = 0;           // for credentials
  std::string refused{};   // our own reason for ending it
  std::string host_key{};  // what is wrong with that of an SSH host
};

// libgit2 judges the key and does not tell an unknown one from a changed one.
int look_at_host_key(git_cert* certificate, int valid, const char*, void* payload) {
  if (valid != 0 || certificate->cert_type != GIT_CERT_HOSTKEY_LIBSSH2) return GIT_PASSTHROUGH;
  auto& transfer = *static_cast<Transfer*>(payload);
  const auto& key = *reinterpret_cast<const git_cert_hostkey*>(certificate);
  std::string_view sha256;
  if ((key.type & GIT_CERT_SSH_SHA256) != 0) {
    sha256 = {reinterpret_cast<const char*>(key.hash_sha256), sizeof key.hash_sha256};
  }
  std::string known_hosts;
  if (const char* home = std::getenv("HOME")) {
    std::ifstream file(std::filesystem::path(home) / ".ssh" / "known_hosts", std::ios::binary);
    known_hosts.resize(kMaxKnownHostsBytes);
    file.read(known_hosts.data(), static_cast<std::streamsize>(known_hosts.size()));
    known_hosts.resize(static_cast<std::size_t>(file.gcount()));
  }
  const auto& host = transfer.url.host;
  transfer.host_key = host_key_refused(host, knows_host(known_hosts, host, ssh_port_of(transfer.url.display)), sha256);
  return GIT_PASSTHROUGH;
}

int give_credentials(git_credential** credential, const char* url, const char* user, unsigned allowed, void* payload) {
  auto& transfer = *static_cast<Transfer*>(payload);
  const GitRepositoryConfig& config = transfer.config;
  const std::string name = user != nullptr ? user : transfer.url.user.empty() ? "git" : transfer.url.user;
  if ((allowed & GIT_CREDENTIAL_USERNAME) != 0) return git_credential_username_new(credential, name.c_str());
  if (++transfer.asked > 1) {
    transfer.refused = "the remote refuses the credentials: renew the token or key, and look at its rights";
    return GIT_EAUTH;
  }
  if ((allowed & GIT_CREDENTIAL_USERPASS_PLAINTEXT) != 0 && config.token) {
    // A redirect must not carry the token to another host.
    const Result<GitUrl> asking = parse_git_url(url != nullptr ? url : "");
    if (!asking || asking->host != transfer.url.host || asking->kind != transfer.url.kind) {
      transfer.refused = "the remote redirects to another host, which asks for credentials: configure the final URL";
      return GIT_EAUTH;
    }
    const auto token = config.token();
    if (!token) {
      transfer.refused = token.error().message;
      return GIT_EAUTH;
    }
    return git_credential_userpass_plaintext_new(credential, "x-access-token", token->c_str());
  }
  if ((allowed & GIT_CREDENTIAL_SSH_KEY) != 0) {
    if (config.ssh_key)
      return git_credential_ssh_key_new(credential, name.c_str(), nullptr, config.ssh_key->c_str(), "");
    return git_credential_ssh_key_from_agent(credential, name.c_str());
  }
  transfer.refused = "the remote asks for credentials: configure credentials for the repository";
  return GIT_EAUTH;
}

int on_progress(const git_indexer_progress* progress, void* payload) {
  auto& transfer = *static_cast<Transfer*>(payload);
  const GitLimits& limits = transfer.config.limits;
  transfer.watch.touch();
  if (progress->received_bytes > limits.bytes || progress->total_objects > limits.objects) {
    transfer.refused =
        fmt::format("the new history holds more than {} objects or {} bytes", limits.objects, limits.bytes);
    return GIT_EUSER;
  }
  return transfer.watch.is_cut() ? GIT_EUSER : 0;
}

// The remote's own word on a reference that was pushed: hooks and protected branches refuse here.
int on_pushed(const char*, const char* status, void* payload) {
  if (status == nullptr) return 0;
  auto& transfer = *static_cast<Transfer*>(payload);
  transfer.refused = fmt::format("the remote refuses the push: {}", clean_text(status, 200));
  return GIT_EUSER;
}

int on_push_progress(unsigned, unsigned, std::size_t, void* payload) {
  auto& transfer = *static_cast<Transfer*>(payload);
  transfer.watch.touch();
  return transfer.watch.is_cut() ? GIT_EUSER : 0;
}

int on_sideband(const char*, int, void* payload) {
  static_cast<Transfer*>(payload)->watch.touch();
  return 0;
}

// Which side a failed download speaks of. When the clone is to blame, making it again helps; when that was a
// misjudgement, the old clone stays until a new one is complete.
ErrorCode code_of_failure() {
  const git_error* last = git_error_last();
  if (last == nullptr) return ErrorCode::io;
  switch (last->klass) {
    case GIT_ERROR_ODB:
    case GIT_ERROR_OBJECT:
    case GIT_ERROR_TREE:
    case GIT_ERROR_ZLIB:
    case GIT_ERROR_REFERENCE:
    case GIT_ERROR_INDEXER:
    case GIT_ERROR_REPOSITORY:
      return ErrorCode::corrupt;
    default:
      return ErrorCode::io;
  }
}

std::unexpected<Error> transfer_failed(const Transfer& transfer, ErrorCode otherwise, std::string_view what) {
  const std::string words = libgit_message();
  if (!transfer.refused.empty()) {
    return fail(transfer.refused.starts_with("the new history") ? ErrorCode::too_large : ErrorCode::io,
                transfer.refused);
  }
  if (const auto verdict = transfer.watch.verdict()) return std::unexpected(*verdict);
  if (!transfer.host_key.empty()) return fail(otherwise, transfer.host_key);
  if (words.find("auth sock") != std::string::npos) {
    return fail(otherwise, fmt::format("{}: {}; ssh:// is authenticated by an ssh-agent: set SSH_AUTH_SOCK where the "
                                       "server is started",
                                       what, words));
  }
  return fail(otherwise, fmt::format("{}: {}", what, words));
}

git_fetch_options fetch_options(Transfer& transfer) {
  git_fetch_options options = GIT_FETCH_OPTIONS_INIT;
  options.callbacks.credentials = give_credentials;
  if (transfer.url.kind == GitUrl::Kind::ssh) options.callbacks.certificate_check = look_at_host_key;
  options.callbacks.transfer_progress = on_progress;
  options.callbacks.sideband_progress = on_sideband;
  options.callbacks.payload = &transfer;
  options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
  options.proxy_opts.type = GIT_PROXY_AUTO;
  return options;
}

Result<git_oid> download(git_remote* remote, git_repository* clone, Transfer& transfer) {
  const auto options = fetch_options(transfer);
  const auto failed = [&](ErrorCode otherwise, std::string_view what) {
    return transfer_failed(transfer, otherwise, what);
  };

  if (git_remote_connect(remote, GIT_DIRECTION_FETCH, &options.callbacks, &options.proxy_opts, nullptr) != 0) {
    return failed(ErrorCode::io, "the remote cannot be reached");
  }
  const git_remote_head** heads = nullptr;
  std::size_t count = 0;
  if (git_remote_ls(&heads, &count, remote) != 0)
    return failed(ErrorCode::io, "the remote's branches cannot be listed");
  const std::string name = std::string(kHeads) + transfer.config.branch;
  std::optional<git_oid> target;
  std::vector<std::string> others;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view found = heads[i]->name;
    if (found == name) target = heads[i]->oid;
    if (found.starts_with(kHeads)) others.emplace_back(found.substr(kHeads.size()));
  }
  if (!target) return no_such_branch(transfer.config.branch, std::move(others));

  git_oid now;
  if (git_reference_name_to_id(&now, clone, name.c_str()) == 0 && git_oid_equal(&now, &*target)) return *target;
  const std::string specification = "+" + name + ":" + name;
  char* const specifications[] = {const_cast<char*>(specification.c_str())};
  const git_strarray wanted{const_cast<char**>(specifications), 1};
  if (git_remote_download(remote, &wanted, &options) != 0) {
    return failed(code_of_failure(), "fetching failed");
  }
  // A server that sends less than it promised is not to be believed.
  if (const auto head = read_commit_object(clone, *target); !head) {
    return fail(ErrorCode::io,
                fmt::format("the remote named {} and did not send it: {}", format_oid(*target), head.error().message));
  }
  return *target;
}

// Without a name: neither the URL nor its secrets are written to the clone. Without url.*.insteadOf: the URL is the
// one in Headgate's configuration, and Debian's libgit2 1.5.1 loses 40 KB at each look for that setting.
Result<RemoteHandle> make_remote(git_repository* clone, const std::string& url) {
  git_remote_create_options options = GIT_REMOTE_CREATE_OPTIONS_INIT;
  options.repository = clone;
  options.flags = GIT_REMOTE_CREATE_SKIP_INSTEADOF;
  RemoteHandle remote;
  if (git_remote_create_with_opts(out(remote), url.c_str(), &options) != 0) {
    return std::unexpected(libgit_error(ErrorCode::io, "the remote cannot be prepared"));
  }
  return remote;
}

Result<std::unique_ptr<TransferWatch>> watch_transfer(const GitRepositoryConfig& config, const std::stop_token& stop) {
  return TransferWatch::start({config.limits.connect, config.limits.silence, config.limits.total}, stop);
}

Result<git_oid> bring_remote(git_repository* clone, const GitRepositoryConfig& config, const GitUrl& url,
                             const std::stop_token& stop) {
  HEADGATE_TRY(const auto watch, watch_transfer(config, stop));
  Transfer transfer{.config = config, .url = url, .watch = *watch};
  HEADGATE_TRY(const RemoteHandle remote, make_remote(clone, url.text));
  Result<git_oid> head = download(remote.get(), clone, transfer);
  git_remote_disconnect(remote.get());
  if (!head) return head;
  HEADGATE_TRY_VOID(point_branch(clone, config.branch, *head));
  return head;
}

// A ref that one of the patterns names; nullopt: none does.
std::optional<GitRef> wanted_ref(const GitRepositoryConfig& config, std::string_view name) {
  const auto named = [](std::string_view text, const std::vector<std::string>& patterns) {
    return std::ranges::any_of(patterns, [&](const std::string& pattern) { return matches_pattern(pattern, text); });
  };
  const auto clean = [](std::string_view text) { return clean_text(text, 256) == text; };
  if (name.starts_with(kHeads)) {
    const auto branch = name.substr(kHeads.size());
    if (named(branch, config.branches) && clean(branch)) return GitRef{false, std::string(branch), {}, {}};
  } else if (name.starts_with(kTags)) {
    const auto tag = name.substr(kTags.size());
    if (named(tag, config.tags) && clean(tag)) return GitRef{true, std::string(tag), {}, {}};
  }
  return std::nullopt;
}

// The commit that a ref of the repository names in the end; false when it names something else.
bool peel(git_repository* repository, const std::string& name, git_oid& commit) {
  ReferenceHandle reference;
  if (git_reference_lookup(out(reference), repository, name.c_str()) != 0) return false;
  git_object* object = nullptr;
  if (git_reference_peel(&object, reference.get(), GIT_OBJECT_COMMIT) != 0) return false;
  commit = *git_object_id(object);
  git_object_free(object);
  return true;
}

Result<BroughtRefs> refs_of_host(git_repository* clone, const GitRepositoryConfig& config, const GitUrl& url,
                                 const std::stop_token& stop) {
  HEADGATE_TRY(const RepositoryHandle source, open_repository(url.path));
  ReferenceIteratorHandle references;
  if (git_reference_iterator_new(out(references), source.get()) != 0) {
    return std::unexpected(libgit_error(ErrorCode::io, "the repository's branches cannot be listed"));
  }
  BroughtRefs brought;
  const CopyLimits limits{.objects = config.limits.objects, .bytes = config.limits.bytes, .files = false};
  const char* name = nullptr;
  while (git_reference_next_name(&name, references.get()) == 0) {
    auto ref = wanted_ref(config, name);
    if (ref && brought.refs.size() >= GitRepository::max_refs) {
      ++brought.left_out;
      continue;
    }
    git_oid commit;
    if (!ref || !peel(source.get(), name, commit)) continue;
    // The clone keeps what it reaches by a ref of its own: nothing that was read is ever collected.
    HEADGATE_TRY_VOID(copy_commit(source.get(), clone, commit, limits, stop));
    if (!ref->tag) HEADGATE_TRY_VOID(point_branch(clone, ref->name, commit));
    ref->commit = format_oid(commit);
    brought.refs.push_back(std::move(*ref));
  }
  return brought;
}

Result<BroughtRefs> refs_of_remote(git_repository* clone, const GitRepositoryConfig& config, const GitUrl& url,
                                   const std::stop_token& stop) {
  HEADGATE_TRY(const auto watch, watch_transfer(config, stop));
  Transfer transfer{.config = config, .url = url, .watch = *watch};
  HEADGATE_TRY(const RemoteHandle remote, make_remote(clone, url.text));
  const auto options = fetch_options(transfer);
  if (git_remote_connect(remote.get(), GIT_DIRECTION_FETCH, &options.callbacks, &options.proxy_opts, nullptr) != 0) {
    return transfer_failed(transfer, ErrorCode::io, "the remote cannot be reached");
  }
  const git_remote_head** heads = nullptr;
  std::size_t count = 0;
  if (git_remote_ls(&heads, &count, remote.get()) != 0) {
    return transfer_failed(transfer, ErrorCode::io, "the remote's branches cannot be listed");
  }
  BroughtRefs brought;
  std::vector<GitRef> refs;
  std::vector<std::string> names;
  std::vector<std::string> moved;
  std::vector<std::string> specifications;  // of what the clone has otherwise
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = heads[i]->name;
    auto ref = name.ends_with("^{}") ? std::nullopt : wanted_ref(config, name);
    if (!ref) continue;
    if (refs.size() >= GitRepository::max_refs) {
      ++brought.left_out;
      continue;
    }
    git_oid now;
    const bool has = git_reference_name_to_id(&now, clone, name.c_str()) == 0 && git_oid_equal(&now, &heads[i]->oid);
    if (!has) {
      moved.push_back(name);
      specifications.push_back("+" + name + ":" + name);
    }
    names.push_back(name);
    refs.push_back(std::move(*ref));
  }
  if (!specifications.empty()) {
    std::vector<char*> texts;
    for (auto& specification : specifications) texts.push_back(specification.data());
    const git_strarray wanted{texts.data(), texts.size()};
    if (git_remote_download(remote.get(), &wanted, &options) != 0) {
      return transfer_failed(transfer, code_of_failure(), "fetching failed");
    }
    clear_for(clone, moved);
    if (git_remote_update_tips(remote.get(), &options.callbacks, 0, GIT_REMOTE_DOWNLOAD_TAGS_NONE, nullptr) != 0) {
      return transfer_failed(transfer, ErrorCode::io, "the local clone's branches cannot be written");
    }
  }
  git_remote_disconnect(remote.get());
  for (std::size_t i = 0; i < refs.size(); ++i) {
    git_oid commit;
    if (!peel(clone, names[i], commit)) continue;
    refs[i].commit = format_oid(commit);
    brought.refs.push_back(std::move(refs[i]));
  }
  return brought;
}

}  // namespace

Result<BroughtRefs> bring_refs(git_repository* clone, const GitRepositoryConfig& config, const GitUrl& url,
                               const std::stop_token& stop) {
  if (url.kind != GitUrl::Kind::local) return refs_of_remote(clone, config, url, stop);
  auto refs = refs_of_host(clone, config, url, stop);
  if (refs || refs.error().code != ErrorCode::io || stop.stop_requested()) return refs;
  return refs_of_host(clone, config, url, stop);  // `git gc` may have moved objects under our feet
}

std::optional<std::string> token_now(const GitRepositoryConfig& config) {
  if (!config.token) return std::nullopt;
  auto token = config.token();
  return token ? std::optional(std::move(*token)) : std::nullopt;
}

Result<git_oid> bring_head(git_repository* clone, const GitRepositoryConfig& config, const GitUrl& url,
                           const std::stop_token& stop) {
  if (url.kind != GitUrl::Kind::local) return bring_remote(clone, config, url, stop);
  Result<git_oid> head = bring_local(clone, config, url, stop);
  if (head || head.error().code != ErrorCode::io || stop.stop_requested()) return head;
  // `git gc` may have moved objects under our feet: a second look opens everything anew.
  return bring_local(clone, config, url, stop);
}

Result<void> push_head(git_repository* clone, const GitRepositoryConfig& config, const GitUrl& url,
                       const git_oid& commit, const std::stop_token& stop) {
  HEADGATE_TRY(const auto watch, watch_transfer(config, stop));
  Transfer transfer{.config = config, .url = url, .watch = *watch};
  HEADGATE_TRY(const RemoteHandle remote,
               make_remote(clone, url.kind == GitUrl::Kind::local ? url.path.string() : url.text));
  git_push_options options = GIT_PUSH_OPTIONS_INIT;
  options.callbacks.credentials = give_credentials;
  if (url.kind == GitUrl::Kind::ssh) options.callbacks.certificate_check = look_at_host_key;
  options.callbacks.sideband_progress = on_sideband;
  options.callbacks.push_transfer_progress = on_push_progress;
  options.callbacks.push_update_reference = on_pushed;
  options.callbacks.payload = &transfer;
  options.proxy_opts.type = GIT_PROXY_AUTO;
  options.pb_parallelism = 1;
  HEADGATE_TRY_VOID(point_branch(clone, config.branch, commit));
  const std::string name = std::string(kHeads) + config.branch;
  const std::string specification = name + ":" + name;
  char* const specifications[] = {const_cast<char*>(specification.c_str())};
  const git_strarray wanted{const_cast<char**>(specifications), 1};
  const int code = git_remote_push(remote.get(), &wanted, &options);
  if (code == GIT_ENONFASTFORWARD) {
    return fail(ErrorCode::conflict, "somebody else pushed to the branch meanwhile");
  }
  if (code != 0) return transfer_failed(transfer, ErrorCode::io, "pushing failed");
  return {};
}

}  // namespace headgate::reconciler
