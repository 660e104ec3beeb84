#include "reconciler/curl_http_client.h"

#define CURL_STRICTER  // distinct types for easy and multi handles
#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "engine/base/trimmed.h"
#include "reconciler/git_url.h"
#include "reconciler/own_shortage.h"

namespace headgate::reconciler {
namespace {

constexpr std::size_t max_header_bytes = 256 << 10;
constexpr long max_redirects = 5;

struct CurlFree {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(CURLM* handle) const { curl_multi_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
  void operator()(char* text) const { curl_free(text); }
};
template <class T>
using Owned = std::unique_ptr<T, CurlFree>;

// What the callbacks fill.
struct Exchange {
  const HttpRequest* request = nullptr;
  HttpResponse response;
  std::size_t header_bytes = 0;
  bool too_large = false;
  bool receiver_done = false;  // on_data has had enough
  bool receiver_threw = false;
};

std::size_t take_header(char* data, std::size_t size, std::size_t count, void* context) {
  auto& exchange = *static_cast<Exchange*>(context);
  const std::string_view line{data, size * count};
  exchange.header_bytes += line.size();
  if (exchange.header_bytes > max_header_bytes) {
    exchange.too_large = true;
    return CURL_WRITEFUNC_ERROR;
  }
  if (line.starts_with("HTTP/")) exchange.response.headers.clear();  // a redirect or 100 Continue came before
  const auto colon = line.find(':');
  if (colon != std::string_view::npos) {
    std::string name{line.substr(0, colon)};
    std::ranges::transform(name, name.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    exchange.response.headers[std::move(name)] = trimmed(line.substr(colon + 1));
  }
  return line.size();
}

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* context) {
  auto& exchange = *static_cast<Exchange*>(context);
  const std::string_view piece{data, size * count};
  if (exchange.request->on_data) {
    try {  // no exception may cross libcurl
      exchange.receiver_done = !exchange.request->on_data(piece);
    } catch (...) {
      exchange.receiver_threw = true;
    }
    return exchange.receiver_done || exchange.receiver_threw ? CURL_WRITEFUNC_ERROR : piece.size();
  }
  if (piece.size() > exchange.request->max_response_bytes - exchange.response.body.size()) {
    exchange.too_large = true;
    return CURL_WRITEFUNC_ERROR;
  }
  exchange.response.body += piece;
  return piece.size();
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

std::string part_of(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  const Owned<char> owned{text};
  return text;
}

}  // namespace

Result<std::string> origin_of(const std::string& text) {
  const Owned<CURLU> url{curl_url()};
  if (!url || text.find('\0') != std::string::npos ||
      curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) {
    return fail(ErrorCode::invalid_input, "a request's URL is not valid: expected http://host/… or https://host/…");
  }
  const auto scheme = part_of(url.get(), CURLUPART_SCHEME);
  const auto host = part_of(url.get(), CURLUPART_HOST);
  if ((scheme != "http" && scheme != "https") || host.empty()) {
    return fail(ErrorCode::invalid_input,
                fmt::format("a request's URL has the scheme '{}': expected http or https", scheme));
  }
  return fmt::format("{}://{}:{}", scheme, host, part_of(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT));
}

bool leads_to_this_host(const std::string& text) {
  const Owned<CURLU> url{curl_url()};
  if (!url || text.find('\0') != std::string::npos ||
      curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK) {
    return false;
  }
  const auto host = part_of(url.get(), CURLUPART_HOST);
  return is_loopback(host.starts_with('[') ? std::string_view(host).substr(1, host.size() - 2) : host);
}

namespace {

Result<Owned<curl_slist>> header_list(const HttpRequest& request) {
  Owned<curl_slist> list;
  const auto append = [&list](const std::string& line) {
    auto* longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) return false;
    static_cast<void>(list.release());
    list.reset(longer);
    return true;
  };
  bool has_type = false;
  bool ok = append("Expect:");  // no waiting for 100 Continue
  for (const auto& [name, value] : request.headers) {
    if (!is_token(name) || value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("the header '{}' has an invalid name or a value with a line break", name));
    }
    // libcurl takes "Name:" for "leave it out"; an empty value is asked for with a semicolon.
    ok = ok && append(trimmed(value).empty() ? name + ";" : name + ": " + value);
    has_type = has_type || (name.size() == 12 && curl_strequal(name.c_str(), "content-type") != 0);
  }
  if (!has_type) ok = ok && append("Content-Type:");  // libcurl would claim a form
  if (!ok) return fail(ErrorCode::io, "no memory for the headers of a request");
  return list;
}

long milliseconds_of(Duration duration) {
  const auto count = std::chrono::ceil<std::chrono::milliseconds>(duration).count();
  return static_cast<long>(std::clamp<decltype(count)>(count, 1, 24LL * 3600 * 1000));
}

bool set_method(CURL* handle, const HttpRequest& request) {
  const auto set = [handle](CURLoption option, auto value) {
    return curl_easy_setopt(handle, option, value) == CURLE_OK;
  };
  if (request.method == "HEAD" && request.body.empty()) return set(CURLOPT_NOBODY, 1L);
  if (request.method == "GET" && request.body.empty()) return set(CURLOPT_HTTPGET, 1L);
  const bool sends =
      !request.body.empty() || request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  bool ok = true;
  if (sends) {
    ok = set(CURLOPT_POST, 1L) && set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size())) &&
         set(CURLOPT_POSTFIELDS, request.body.data());
  }
  // Only where needed: a method set by name would be kept over a redirect that asks for GET.
  if (!sends || request.method != "POST") ok = ok && set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  return ok;
}

bool configure(CURL* handle, const CurlOptions& options, Exchange& exchange, curl_slist* headers, char* error_text) {
  const auto& request = *exchange.request;
  bool ok = true;
  const auto set = [&](CURLoption option, auto value) {
    ok = ok && curl_easy_setopt(handle, option, value) == CURLE_OK;
  };
  set(CURLOPT_URL, request.url.c_str());
  // What is on this host is not asked through another: a token would leave it readable.
  if (leads_to_this_host(request.url)) set(CURLOPT_NOPROXY, "*");
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, request.follow_redirects ? 1L : 0L);
  set(CURLOPT_MAXREDIRS, max_redirects);
  set(CURLOPT_NOSIGNAL, 1L);
  // A name server that does not answer must not hold up the end of a call that is over.
  set(CURLOPT_QUICK_EXIT, 1L);
  set(CURLOPT_TIMEOUT_MS, milliseconds_of(request.timeout));
  set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds_of(std::min(options.connect_timeout, request.timeout)));
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  if (!options.ca_file.empty()) set(CURLOPT_CAINFO, options.ca_file.c_str());
  set(CURLOPT_USERAGENT, options.user_agent.c_str());
  set(CURLOPT_HTTPHEADER, headers);
  set(CURLOPT_ERRORBUFFER, error_text);
  set(CURLOPT_HEADERFUNCTION, take_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(&exchange));
  set(CURLOPT_WRITEFUNCTION, take_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&exchange));
  return ok && set_method(handle, request);
}

// nullopt: stopped.
std::optional<CURLcode> perform(CURLM* multi, const std::stop_token& stop) {
  const std::stop_callback wake{stop, [multi] { curl_multi_wakeup(multi); }};
  for (;;) {
    int running = 0;
    if (curl_multi_perform(multi, &running) != CURLM_OK) return CURLE_FAILED_INIT;
    int left = 0;
    if (const auto* message = curl_multi_info_read(multi, &left); message != nullptr && message->msg == CURLMSG_DONE) {
      return message->data.result;
    }
    if (stop.stop_requested()) return std::nullopt;
    if (running == 0) return CURLE_FAILED_INIT;
    if (curl_multi_poll(multi, nullptr, 0, 1000, nullptr) != CURLM_OK) return CURLE_FAILED_INIT;
  }
}

std::unexpected<Error> no_answer(CURLcode code, long os_error, const HttpRequest& request, const std::string& origin,
                                 const char* error_text) {
  if (code == CURLE_OPERATION_TIMEDOUT) {
    return fail(ErrorCode::timed_out, fmt::format("{} did not answer in {}", origin, format_duration(request.timeout)));
  }
  const std::string_view detail = *error_text != '\0' ? error_text : curl_easy_strerror(code);
  // libcurl does not always say why it has no socket. EADDRNOTAVAIL it also says of a host with an IPv6 address that
  // this one has no way to, when the other address refused.
  if ((os_error != EADDRNOTAVAIL && is_own_shortage(static_cast<int>(os_error))) || is_short_of_descriptors()) {
    return fail(ErrorCode::unavailable, fmt::format("this host is too short of sockets to ask {}: {}", origin, detail));
  }
  return fail(ErrorCode::io, fmt::format("no answer from {}: {}", origin, detail));
}

}  // namespace

CurlHttpClient::CurlHttpClient(CurlOptions options) : options_(std::move(options)) {
  static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  HEADGATE_CHECK(ready);
}

Result<HttpResponse> CurlHttpClient::send(const HttpRequest& request, std::stop_token stop) {
  HEADGATE_TRY(const auto origin, origin_of(request.url));
  if (!is_token(request.method)) return fail(ErrorCode::invalid_input, "a request's method is not valid");
  HEADGATE_TRY(const auto headers, header_list(request));
  if (stop.stop_requested()) return fail(ErrorCode::unavailable, fmt::format("stopped before asking {}", origin));

  Exchange exchange{&request, {}, 0, false, false, false};
  char error_text[CURL_ERROR_SIZE] = "";
  const Owned<CURLM> multi{curl_multi_init()};
  const Owned<CURL> easy{curl_easy_init()};
  if (!multi || !easy || !configure(easy.get(), options_, exchange, headers.get(), error_text) ||
      curl_multi_add_handle(multi.get(), easy.get()) != CURLM_OK) {
    return fail(ErrorCode::unavailable, fmt::format("cannot prepare a request to {}", origin));
  }
  const auto began = std::chrono::steady_clock::now();
  const auto code = perform(multi.get(), stop);
  exchange.response.latency = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - began);
  long status = 0;
  long os_error = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(easy.get(), CURLINFO_OS_ERRNO, &os_error);
  curl_multi_remove_handle(multi.get(), easy.get());

  if (!code) return fail(ErrorCode::unavailable, fmt::format("stopped before {} had answered", origin));
  if (exchange.too_large) {
    return fail(ErrorCode::too_large, fmt::format("the answer of {} is over {} bytes, or its headers are over {}",
                                                  origin, request.max_response_bytes, max_header_bytes));
  }
  if (exchange.receiver_threw) return fail(ErrorCode::io, fmt::format("the receiver of {}'s answer failed", origin));
  if (*code != CURLE_OK && !exchange.receiver_done) return no_answer(*code, os_error, request, origin, error_text);
  exchange.response.status = static_cast<int>(status);
  return std::move(exchange.response);
}

}  // namespace headgate::reconciler
