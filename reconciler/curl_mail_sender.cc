#include "reconciler/curl_mail_sender.h"

#define CURL_STRICTER  // distinct types for easy and multi handles
#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "engine/base/base64.h"
#include "engine/base/utf8.h"
#include "reconciler/curl_http_client.h"

namespace headgate::reconciler {
namespace {

struct CurlFree {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

struct Upload {
  std::string_view rest;
  std::stop_token stop;
};

std::size_t give(char* buffer, std::size_t size, std::size_t count, void* context) {
  auto& rest = static_cast<Upload*>(context)->rest;
  const auto bytes = std::min(size * count, rest.size());
  std::copy_n(rest.data(), bytes, buffer);
  rest.remove_prefix(bytes);
  return bytes;
}

int look(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Upload*>(context)->stop.stop_requested() ? 1 : 0;
}

// One line; what is not plain ASCII as encoded words of RFC 2047, each of whole characters.
std::string header_text(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
  if (text.size() > 400) text.resize(400);
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (std::ranges::all_of(text, is_ascii)) return text;
  std::string out;
  for (std::string_view rest = text; !rest.empty();) {
    const auto bytes = std::max<std::size_t>(utf8_prefix(rest, 45).size(), 1);
    out += (out.empty() ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?") + encode_base64(rest.substr(0, bytes)) + "?=";
    rest.remove_prefix(bytes);
  }
  return out;
}

// Thu, 20 Nov 2026 14:55:01 +0000
std::string date_text(Timestamp now) {
  constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{std::chrono::floor<std::chrono::seconds>(now - day)};
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} +0000", days[std::chrono::weekday{day}.c_encoding()],
                     unsigned{date.day()}, months[unsigned{date.month()} - 1], int{date.year()}, time.hours().count(),
                     time.minutes().count(), time.seconds().count());
}

}  // namespace

std::string mail_text(const Mail& mail, const std::string& from, Timestamp now) {
  std::string to;
  for (const auto& address : mail.to) to += (to.empty() ? "" : ",\r\n ") + address;
  auto text = fmt::format(
      "Date: {}\r\nFrom: Headgate <{}>\r\nTo: {}\r\nMessage-ID: <{}@{}>\r\nSubject: {}\r\nMIME-Version: 1.0\r\n"
      "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\nAuto-Submitted: auto-generated\r\n"
      "\r\n",
      date_text(now), from, to, mail.id, from.substr(from.find('@') + 1), header_text(mail.subject));
  for (std::string_view rest = mail.text; !rest.empty();) {
    auto line = rest.substr(0, std::min<std::size_t>(rest.find('\n'), 900));  // RFC 5322: at most 998
    rest.remove_prefix(line.size());
    if (rest.starts_with('\n')) rest.remove_prefix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    text += line;
    text += "\r\n";
  }
  return text;
}

Result<void> CurlMailSender::send(const Mail& mail, std::stop_token stop) {
  const std::unique_ptr<CURL, CurlFree> handle(curl_easy_init());
  if (!handle) return fail(ErrorCode::io, "libcurl gives no handle");
  auto* curl = handle.get();
  const auto text = mail_text(mail, server_.from, now_());
  Upload upload{text, std::move(stop)};
  curl_slist* recipients = nullptr;
  for (const auto& address : mail.to) recipients = curl_slist_append(recipients, ("<" + address + ">").c_str());
  const std::unique_ptr<curl_slist, CurlFree> owned(recipients);
  std::string password;
  if (!server_.user.empty()) {
    if (server_.password) {
      HEADGATE_TRY(password, server_.password());
    }
    curl_easy_setopt(curl, CURLOPT_USERNAME, server_.user.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, password.c_str());
  }
  const bool here = leads_to_this_host(server_.url);
  const bool must = !server_.user.empty() && !here;
  if (here) curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl, CURLOPT_URL, server_.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(curl, CURLOPT_USE_SSL, static_cast<long>(must ? CURLUSESSL_ALL : CURLUSESSL_TRY));
  curl_easy_setopt(curl, CURLOPT_MAIL_FROM, ("<" + server_.from + ">").c_str());
  curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients);
  curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(curl, CURLOPT_READFUNCTION, &give);
  curl_easy_setopt(curl, CURLOPT_READDATA, &upload);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &look);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &upload);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);  // a name server that does not answer holds up no stop
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
                   static_cast<long>(std::chrono::duration_cast<std::chrono::milliseconds>(server_.timeout).count()));
  const auto result = curl_easy_perform(curl);
  if (result == CURLE_OK) return {};
  long code = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
  if (code >= 500) {  // RFC 5321: the server will not take it, however often it is asked
    return fail(ErrorCode::invalid_input, fmt::format("the mail server refused it with {}", code));
  }
  if (code >= 400) return fail(ErrorCode::io, fmt::format("the mail server put it off with {}", code));
  return fail(result == CURLE_OPERATION_TIMEDOUT ? ErrorCode::timed_out : ErrorCode::io,
              std::string("the mail server could not be reached: ") + curl_easy_strerror(result));
}

}  // namespace headgate::reconciler
