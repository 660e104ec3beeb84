#include "reconciler/host_secrets.h"

#include <cstdlib>

#include "reconciler/secret_file.h"

namespace headgate::reconciler {

Result<std::string> HostSecrets::read(std::string_view name) const {
  const auto source = sources_.find(name);
  if (source == sources_.end()) {
    return fail(ErrorCode::not_found, "the server's file has no secret " + std::string(name));
  }
  const auto& [file, variable, scope] = source->second;
  std::string value;
  if (!file.empty()) {
    auto text = read_secret_file(file);
    if (!text) return fail(text.error().code, "secret " + source->first + ": " + text.error().message);
    value = std::move(*text);
  } else if (const char* text = std::getenv(variable.c_str())) {
    value = text;
    trim_secret(value);
  }
  if (value.empty()) return fail(ErrorCode::not_found, "secret " + source->first + ": " + variable + " is empty");
  in_use_.add(source->first, value);
  return value;
}

std::map<std::string, SecretScope, std::less<>> HostSecrets::scopes() const {
  std::map<std::string, SecretScope, std::less<>> scopes;
  for (const auto& [name, source] : sources_) scopes.emplace(name, source.scope);
  return scopes;
}

}  // namespace headgate::reconciler
