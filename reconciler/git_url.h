// Where a repository is, read from the configuration; and how to say so without saying its secrets.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "engine/domain/error.h"

namespace headgate::reconciler {

struct GitUrl {
  enum class Kind { local, git, http, https, ssh };
  Kind kind = Kind::local;
  std::string text;            // as libgit2 wants it, secrets included: never print it
  std::string display;         // without user and password, for messages and for the clone's own notes
  std::filesystem::path path;  // local: absolute, file:// and its escapes undone
  std::string host;            // of the others, without port
  std::string user;            // of the others, when the URL names one
  std::string secret;          // "user:password" or "user" as it stands in the URL; empty when there is none
};

// A local path (made absolute), file://, git://, http(s)://, ssh://, or user@host:path as Git writes it.
Result<GitUrl> parse_git_url(std::string_view text);

bool is_loopback(std::string_view host);  // localhost, 127.x.y.z, ::1

// The text with every occurrence of the secrets replaced by ***.
std::string without_secrets(std::string text, const GitUrl& url, const std::optional<std::string>& token);

}  // namespace headgate::reconciler
