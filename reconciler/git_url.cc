#include "reconciler/git_url.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "engine/base/hex.h"

namespace headgate::reconciler {
namespace {

std::string unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
      plain.push_back(static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])));
      i += 2;
    } else {
      plain.push_back(text[i]);
    }
  }
  return plain;
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

Result<GitUrl> local(std::string_view path) {
  GitUrl url;
  std::error_code error;
  url.path = std::filesystem::absolute(std::filesystem::path(path), error).lexically_normal();
  if (error) return fail(ErrorCode::io, fmt::format("the path {} has no absolute form: {}", path, error.message()));
  if (!url.path.has_filename()) url.path = url.path.parent_path();  // a trailing slash
  url.text = url.display = url.path.string();
  return url;
}

void replace_all(std::string& text, const std::string& what) {
  if (what.empty()) return;
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += 3)
    text.replace(at, what.size(), "***");
}

}  // namespace

Result<GitUrl> parse_git_url(std::string_view text) {
  if (text.empty()) return fail(ErrorCode::invalid_input, "the URL is empty: give a path or a Git URL");
  if (has_control(text)) return fail(ErrorCode::invalid_input, "the URL holds a control character");
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || text.find('/') < colon) return local(text);
    GitUrl url{.kind = GitUrl::Kind::ssh,
               .text = std::string(text),
               .display = std::string(text),
               .path = {},
               .host = {},
               .user = {},
               .secret = {}};
    const std::string_view authority = text.substr(0, colon);
    const std::size_t at = authority.rfind('@');
    url.host = authority.substr(at == std::string_view::npos ? 0 : at + 1);
    if (at != std::string_view::npos) url.user = authority.substr(0, at);
    return url;
  }

  const std::string_view scheme = text.substr(0, scheme_end);
  const std::string_view rest = text.substr(scheme_end + 3);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::string_view authority = rest.substr(0, slash);
  if (scheme == "file") {
    if (!authority.empty() && authority != "localhost") {
      return fail(ErrorCode::invalid_input, fmt::format("file://{}: expected file:///path, on this host", authority));
    }
    const auto path = unescape(rest.substr(slash));
    if (has_control(path)) return fail(ErrorCode::invalid_input, "the URL's path holds a control character");
    return local(path);
  }

  GitUrl url;
  if (scheme == "git") {
    url.kind = GitUrl::Kind::git;
  } else if (scheme == "http") {
    url.kind = GitUrl::Kind::http;
  } else if (scheme == "https") {
    url.kind = GitUrl::Kind::https;
  } else if (scheme == "ssh" || scheme == "git+ssh" || scheme == "ssh+git") {
    url.kind = GitUrl::Kind::ssh;
  } else {
    return fail(
        ErrorCode::invalid_input,
        fmt::format("found scheme {}://, expected a path, file://, git://, https://, http:// or ssh://", scheme));
  }
  const std::size_t at = authority.rfind('@');
  std::string_view host = at == std::string_view::npos ? authority : authority.substr(at + 1);
  if (at != std::string_view::npos) {
    url.secret = authority.substr(0, at);
    url.user = unescape(url.secret.substr(0, url.secret.find(':')));
  }
  url.text = text;
  url.display = fmt::format("{}://{}{}", scheme, host, rest.substr(slash));
  if (host.starts_with('[')) {
    host = host.substr(1, std::min(host.find(']'), host.size()) - 1);
  } else {
    host = host.substr(0, host.find(':'));
  }
  if (host.empty()) return fail(ErrorCode::invalid_input, fmt::format("{} names no host", url.display));
  url.host = host;
  return url;
}

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host == "::1") return true;
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

std::string without_secrets(std::string text, const GitUrl& url, const std::optional<std::string>& token) {
  if (token) replace_all(text, *token);
  if (url.secret.empty()) return text;
  replace_all(text, url.secret + "@");
  const std::size_t colon = url.secret.find(':');
  if (colon != std::string::npos) {
    replace_all(text, url.secret.substr(colon + 1));
    replace_all(text, unescape(url.secret.substr(colon + 1)));
  }
  return text;
}

}  // namespace headgate::reconciler
