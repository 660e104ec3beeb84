// The secrets of the server's file: each is a file or a variable of the server's own environment.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "engine/ports/secrets.h"
#include "reconciler/documents_check_host.h"
#include "reconciler/secrets_in_use.h"

namespace headgate::reconciler {

struct SecretSource {
  std::filesystem::path file;  // one of file
  std::string variable;        // and variable
  SecretScope scope{};
};

class HostSecrets final : public Secrets {
 public:
  // What it reads is in use from then on. `in_use` outlives it.
  HostSecrets(std::map<std::string, SecretSource, std::less<>> sources, SecretsInUse& in_use)
      : sources_(std::move(sources)), in_use_(in_use) {}

  // Without the white space at its end; a rotated file counts from the next time on.
  Result<std::string> read(std::string_view name) const override;
  std::map<std::string, SecretScope, std::less<>> scopes() const;

 private:
  const std::map<std::string, SecretSource, std::less<>> sources_;
  SecretsInUse& in_use_;
};

}  // namespace headgate::reconciler
