#include "reconciler/host_secrets.h"

#include <cstdlib>
#include <fstream>

namespace headgate::reconciler {
namespace {

Result<std::string> read_file(const std::string& name, const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::io, "the file of secret " + name + " cannot be read");
  std::string text(HostSecrets::max_secret_bytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return fail(ErrorCode::io, "the file of secret " + name + " cannot be read");
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > HostSecrets::max_secret_bytes)
    return fail(ErrorCode::io, "the file of secret " + name + " is too large");
  return text;
}

}  // namespace

Result<std::string> HostSecrets::read(std::string_view name) const {
  const auto source = sources_.find(name);
  if (source == sources_.end()) {
    return fail(ErrorCode::not_found, "the server's file has no secret " + std::string(name));
  }
  const auto& [file, variable, scope] = source->second;
  std::string value;
  if (!file.empty()) {
    HEADGATE_TRY(value, read_file(source->first, file));
  } else if (const char* text = std::getenv(variable.c_str())) {
    value = text;
  }
  while (!value.empty() && (value.back() == '\n' || value.back() == '\r' || value.back() == ' ')) value.pop_back();
  if (value.empty()) return fail(ErrorCode::not_found, "secret " + source->first + " is empty");
  return value;
}

std::map<std::string, SecretScope, std::less<>> HostSecrets::scopes() const {
  std::map<std::string, SecretScope, std::less<>> scopes;
  for (const auto& [name, source] : sources_) scopes.emplace(name, source.scope);
  return scopes;
}

}  // namespace headgate::reconciler
