#include "reconciler/commit_signature.h"

#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <system_error>

namespace headgate::reconciler {
namespace {

namespace fs = std::filesystem;

constexpr Duration tool_timeout = std::chrono::seconds(30);
constexpr std::string_view ssh_signature = "-----BEGIN SSH SIGNATURE-----";
constexpr std::string_view openpgp_signature = "-----BEGIN PGP SIGNATURE-----";
constexpr std::size_t max_signature_bytes = 64 << 10;
constexpr std::string_view work_prefix = "signature-";

// A folder that only Headgate can read, gone with the object.
class WorkFolder {
 public:
  static Result<WorkFolder> make(const fs::path& parent) {
    std::error_code error;
    fs::create_directories(parent, error);
    std::string path = (parent / (std::string(work_prefix) + "XXXXXX")).string();
    if (error || ::mkdtemp(path.data()) == nullptr) {
      return fail(ErrorCode::io, "cannot make a folder in " + parent.string() + ": " +
                                     (error ? error.message() : std::strerror(errno)));
    }
    return WorkFolder(std::move(path));
  }
  ~WorkFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  WorkFolder(WorkFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  WorkFolder& operator=(WorkFolder&&) = delete;
  const fs::path& path() const { return path_; }

  Result<void> write(const char* name, std::string_view bytes) const {
    std::ofstream file(path_ / name, std::ios::binary);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    file.close();
    if (!file) return fail(ErrorCode::io, "cannot write " + (path_ / name).string());
    return {};
  }

 private:
  explicit WorkFolder(fs::path path) : path_(std::move(path)) {}
  fs::path path_;
};

std::optional<std::string> person_of(std::span<const PersonKey> keys, std::string_view fingerprint) {
  const auto at =
      std::ranges::find(keys, fingerprint, [](const PersonKey& k) { return std::string_view(k.key.fingerprint); });
  if (at == keys.end()) return std::nullopt;
  return at->person;
}

bool exited_with(const ProcessResult& result, int code) {
  return result.end == ProcessResult::End::exited && result.exit_code == code;
}

// ssh-keygen's "Good "git" signature … with ED25519 key SHA256:…"
std::string ssh_fingerprint(const ProcessResult& result) {
  constexpr std::string_view mark = " key SHA256:";
  const auto& line = result.last_line;
  const auto at = line.rfind(mark);
  if (!line.starts_with("Good \"git\" signature") || at == std::string::npos) return {};
  return line.substr(at + mark.size() - std::string_view("SHA256:").size());
}

// The words of gpgv's status lines, doc/DETAILS of GnuPG: "[GNUPG:] KEYWORD word …".
std::vector<std::vector<std::string>> status_lines(const std::string& text) {
  std::vector<std::vector<std::string>> lines;
  std::string_view rest = text;
  constexpr std::string_view mark = "[GNUPG:] ";
  while (!rest.empty()) {
    auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (!line.starts_with(mark)) continue;
    line.remove_prefix(mark.size());
    auto& words = lines.emplace_back();
    while (!line.empty()) {
      const auto word = line.substr(0, line.find(' '));
      words.emplace_back(word);
      line.remove_prefix(std::min(word.size() + 1, line.size()));
    }
  }
  return lines;
}

}  // namespace

CommitSignatureVerifier::CommitSignatureVerifier(ProcessRunner& runner, fs::path work, Tools tools)
    : runner_(runner), work_(std::move(work)), tools_(std::move(tools)) {
  std::error_code ignored;
  std::vector<fs::path> left;
  for (fs::directory_iterator at(work_, ignored); !ignored && at != fs::directory_iterator(); at.increment(ignored)) {
    if (at->path().filename().string().starts_with(work_prefix)) left.push_back(at->path());
  }
  for (const auto& folder : left) fs::remove_all(folder, ignored);  // commits name people
}

Result<ProcessResult> CommitSignatureVerifier::run(const fs::path& tool, std::vector<std::string> arguments,
                                                   const fs::path& folder, std::string input, std::stop_token stop) {
  ProcessSpec spec;
  spec.lock_name = "commit-signature";
  spec.program = tool;
  spec.arguments = std::move(arguments);
  spec.environment = {{"LC_ALL", "C"}, {"HOME", folder.string()}, {"GNUPGHOME", folder.string()}};
  spec.directory = folder;
  spec.timeout = tool_timeout;
  spec.input = std::move(input);
  HEADGATE_TRY(auto result, runner_.run(spec, stop));
  if (result.end != ProcessResult::End::exited) {
    return fail(ErrorCode::unavailable, tool.string() + " did not end by itself");
  }
  return result;
}

Result<SignatureReport> CommitSignatureVerifier::verify(const SignedCommit& commit, std::span<const PersonKey> keys,
                                                        std::stop_token stop) {
  if (commit.signature.empty()) return SignatureReport{SignatureVerdict::unsigned_, {}, {}, "the commit is not signed"};
  if (commit.signature.size() > max_signature_bytes) {
    return SignatureReport{SignatureVerdict::bad, {}, {}, "the signature is longer than any"};
  }
  if (commit.signature.starts_with(ssh_signature)) return verify_ssh(commit, keys, stop);
  if (commit.signature.starts_with(openpgp_signature)) return verify_openpgp(commit, keys, stop);
  return SignatureReport{SignatureVerdict::bad, {}, {}, "a signature of neither SSH nor OpenPGP"};
}

Result<SignatureReport> CommitSignatureVerifier::verify_ssh(const SignedCommit& commit, std::span<const PersonKey> keys,
                                                            std::stop_token stop) {
  HEADGATE_TRY(const auto folder, WorkFolder::make(work_));
  const auto& path = folder.path();
  std::string allowed;
  for (const auto& known : keys) {
    if (known.key.kind == SigningKey::Kind::ssh) allowed += "signer namespaces=\"git\" " + known.key.key + "\n";
  }
  HEADGATE_TRY_VOID(folder.write("allowed", allowed));
  HEADGATE_TRY_VOID(folder.write("signature", commit.signature));
  HEADGATE_TRY(const auto verified, run(tools_.ssh_keygen,
                                        {"-Y", "verify", "-f", (path / "allowed").string(), "-I", "signer", "-n", "git",
                                         "-s", (path / "signature").string()},
                                        path, commit.payload, stop));
  if (exited_with(verified, 0)) {
    auto fingerprint = ssh_fingerprint(verified);
    auto person = person_of(keys, fingerprint);
    if (!person) return fail(ErrorCode::unavailable, "ssh-keygen said what is not understood");
    return SignatureReport{SignatureVerdict::good, std::move(*person), std::move(fingerprint), {}};
  }
  // By a key of nobody, or altered?
  HEADGATE_TRY(const auto anybodys,
               run(tools_.ssh_keygen, {"-Y", "check-novalidate", "-n", "git", "-s", (path / "signature").string()},
                   path, commit.payload, stop));
  if (exited_with(anybodys, 0)) {
    return SignatureReport{
        SignatureVerdict::unknown_key, {}, ssh_fingerprint(anybodys), "the key is nobody's in the AccessPolicy"};
  }
  return SignatureReport{SignatureVerdict::bad, {}, {}, "the signature does not fit the commit"};
}

Result<SignatureReport> CommitSignatureVerifier::verify_openpgp(const SignedCommit& commit,
                                                                std::span<const PersonKey> keys, std::stop_token stop) {
  HEADGATE_TRY(const auto folder, WorkFolder::make(work_));
  const auto& path = folder.path();
  std::string ring;
  for (const auto& known : keys) {
    if (known.key.kind == SigningKey::Kind::openpgp) ring += known.key.key;
  }
  HEADGATE_TRY_VOID(folder.write("ring.gpg", ring));
  HEADGATE_TRY_VOID(folder.write("signature", commit.signature));
  HEADGATE_TRY_VOID(folder.write("commit", commit.payload));
  HEADGATE_TRY(const auto result,
               run(tools_.gpgv,
                   {"--homedir", path.string(), "--status-fd", "1", "--keyring", (path / "ring.gpg").string(),
                    (path / "signature").string(), (path / "commit").string()},
                   path, {}, stop));
  std::size_t signatures = 0;
  std::string valid;    // the primary key's fingerprint
  std::string unknown;  // of the key that is not in the ring
  bool good = false;
  bool expired = false;
  bool revoked = false;
  bool bad = false;
  for (const auto& words : status_lines(result.out.text())) {
    const auto& keyword = words.front();
    if (keyword == "NEWSIG") ++signatures;
    if (keyword == "GOODSIG") good = true;
    if (keyword == "BADSIG" || keyword == "EXPSIG") bad = true;
    if (keyword == "EXPKEYSIG") expired = true;
    if (keyword == "REVKEYSIG") revoked = true;
    if (keyword == "VALIDSIG" && words.size() > 10) valid = words[10];
    if (keyword == "NO_PUBKEY" && words.size() > 1 && unknown.empty()) unknown = words[1];
    if (keyword == "ERRSIG" && words.size() > 7) unknown = words[7];
  }
  const auto report = [&](SignatureVerdict verdict, std::string key, std::string reason) {
    return SignatureReport{verdict, {}, std::move(key), std::move(reason)};
  };
  if (bad || signatures != 1) return report(SignatureVerdict::bad, valid, "the signature does not fit the commit");
  if (revoked) return report(SignatureVerdict::bad, valid, "the key is revoked");
  if (expired) return report(SignatureVerdict::expired_key, valid, "the key has expired");
  if (good && exited_with(result, 0)) {
    auto person = person_of(keys, valid);
    if (!person) return fail(ErrorCode::unavailable, "gpgv said what is not understood");
    return SignatureReport{SignatureVerdict::good, std::move(*person), std::move(valid), {}};
  }
  if (!unknown.empty() && unknown != "-") {
    return report(SignatureVerdict::unknown_key, unknown, "the key is nobody's in the AccessPolicy");
  }
  return report(SignatureVerdict::bad, {}, "the signature cannot be read");
}

}  // namespace headgate::reconciler
