// Verifies the signatures of commits by the tools that made them: ssh-keygen and gpgv, each a supervised process of its
// own over files of its own. What counts is a key, not a name: Git lets anyone write any author.
#pragma once

#include <filesystem>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/domain/enums.h"
#include "engine/domain/error.h"
#include "engine/ports/repository.h"
#include "reconciler/process_runner.h"
#include "reconciler/signing_keys.h"

namespace headgate::reconciler {

// A key, and whose it is (person:<id>).
struct PersonKey {
  std::string person;
  SigningKey key;
};

struct SignatureReport {
  SignatureVerdict verdict = SignatureVerdict::bad;
  std::string person;  // of a good one
  std::string key;     // fingerprint, where the signature names one
  std::string reason;  // why it is not good; holds no name
};

class CommitSignatureVerifier {
 public:
  struct Tools {
    std::filesystem::path ssh_keygen = "/usr/bin/ssh-keygen";
    std::filesystem::path gpgv = "/usr/bin/gpgv";
  };
  // `work`: a folder for what the tools read, made when absent; nothing stays in it, and what a crash left goes now.
  CommitSignatureVerifier(ProcessRunner& runner, std::filesystem::path work)
      : CommitSignatureVerifier(runner, std::move(work), Tools{}) {}
  CommitSignatureVerifier(ProcessRunner& runner, std::filesystem::path work, Tools tools);

  // Blocks for the run of one or two short processes. An Error says that nothing was learnt (a tool is missing, the
  // disk is full, `stop`); a signature that is not good is a report. Thread-safe.
  Result<SignatureReport> verify(const SignedCommit& commit, std::span<const PersonKey> keys, std::stop_token stop);

 private:
  Result<SignatureReport> verify_ssh(const SignedCommit& commit, std::span<const PersonKey> keys, std::stop_token stop);
  Result<SignatureReport> verify_openpgp(const SignedCommit& commit, std::span<const PersonKey> keys,
                                         std::stop_token stop);
  Result<ProcessResult> run(const std::filesystem::path& tool, std::vector<std::string> arguments,
                            const std::filesystem::path& folder, std::string input, std::stop_token stop);

  ProcessRunner& runner_;
  const std::filesystem::path work_;
  const Tools tools_;
};

}  // namespace headgate::reconciler
