// Any bytes as the URL of a repository: what is shown of it leads to the same place and holds no secret.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "reconciler/git_url.h"

namespace {

using namespace headgate::reconciler;

void check_local(const GitUrl& url) {
  if (!url.path.is_absolute() || url.path.lexically_normal() != url.path) __builtin_trap();
  if (url.text != url.path.string() || url.display != url.text || !url.secret.empty()) __builtin_trap();
  // Escapes of file:// may stand for characters that no URL may hold as they are.
  if (std::ranges::any_of(url.text, [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; })) return;
  const auto again = parse_git_url(url.text);
  if (!again || again->kind != url.kind || again->path != url.path) __builtin_trap();
}

void check_remote(const GitUrl& url) {
  const auto shown = parse_git_url(url.display);
  if (!shown || shown->kind != url.kind || shown->host != url.host || !shown->secret.empty()) __builtin_trap();
  if (shown->display != url.display) __builtin_trap();
  // Asterisks would make it up again from the ones that take its place.
  if (url.secret.empty() || url.secret.find('*') != std::string::npos) return;
  const auto message = "cannot reach " + url.text + ": " + url.text;
  if (without_secrets(message, url, {}).find(url.secret + "@") != std::string::npos) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto url = parse_git_url({reinterpret_cast<const char*>(data), size});
  if (!url) {
    if (url.error().message.empty()) __builtin_trap();
    return 0;
  }
  if (url->kind == GitUrl::Kind::local) {
    check_local(*url);
  } else {
    check_remote(*url);
    static_cast<void>(is_loopback(url->host));
  }
  return 0;
}
