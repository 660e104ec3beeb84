#include "app/client.h"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <charconv>
#include <cstdlib>
#include <thread>

#include "app/named_file.h"
#include "engine/base/hex.h"
#include "store/files.h"

namespace headgate::app {
namespace {

constexpr std::size_t max_answer_bytes = 64 << 20;
constexpr std::size_t largest_problem = 16 << 10;
constexpr int max_slow_downs = 10;

ErrorCode code_of(int status) {
  switch (status) {
    case 400:
    case 422:
      return ErrorCode::invalid_input;
    case 401:
      return ErrorCode::unauthenticated;
    case 403:
      return ErrorCode::forbidden;
    case 404:
      return ErrorCode::not_found;
    case 409:
      return ErrorCode::conflict;
    case 413:
      return ErrorCode::too_large;
    default:
      return ErrorCode::unavailable;
  }
}

std::string text_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value && value->is_string() ? std::string(value->as_string()) : std::string();
}

// problem+json as an Error.
Error problem_of(const HttpResponse& response) {
  Error error{code_of(response.status), "the server answered " + std::to_string(response.status), {}};
  boost::system::error_code bad;
  const auto body = boost::json::parse(response.body, bad);
  if (bad || !body.is_object()) return error;
  const auto& problem = body.as_object();
  if (auto detail = text_of(problem, "detail"); !detail.empty()) {
    error.message = std::move(detail);
  } else if (auto title = text_of(problem, "title"); !title.empty()) {
    error.message = std::move(title);
  }
  if (const auto* fields = problem.if_contains("errors"); fields && fields->is_array()) {
    for (const auto& field : fields->as_array()) {
      if (!field.is_object()) continue;
      const auto& o = field.as_object();
      error.fields.push_back({text_of(o, "pointer"), text_of(o, "found"), text_of(o, "expected")});
    }
  }
  if (response.status == 401) error.message += " (give a token by --token-file or HEADGATE_TOKEN)";
  return error;
}

Result<boost::json::value> json_of(const Result<HttpResponse>& response) {
  if (!response) return std::unexpected(response.error());
  if (response->body.empty()) return boost::json::object();
  boost::system::error_code bad;
  auto value = boost::json::parse(response->body, bad);
  if (bad) return fail(ErrorCode::unavailable, "the answer is no JSON: is this a Headgate server?");
  return value;
}

std::chrono::seconds retry_after(const HttpResponse& response) {
  const auto header = response.headers.find("retry-after");
  int seconds = 1;
  if (header != response.headers.end()) {
    const auto& text = header->second;
    std::from_chars(text.data(), text.data() + text.size(), seconds);
  }
  return std::chrono::seconds(std::clamp(seconds, 1, 30));
}

std::string random_key() {
  std::array<unsigned char, 16> bytes{};
  HEADGATE_CHECK(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1);
  return "cli-" + hex(bytes);
}

}  // namespace

std::string percent_encode(std::string_view text) {
  return boost::urls::encode(text, boost::urls::unreserved_chars);
}

// A token in plain HTTP can be read by whoever is on the way to the server: it stays on this host.
Result<void> check_server(const std::string& server, bool with_token) {
  const auto origin = reconciler::origin_of(server);
  if (!origin) {
    return fail(ErrorCode::invalid_input,
                "the server '" + server + "' is no URL of one: expected https://host:port, or http:// on this host");
  }
  constexpr std::string_view plain = "http://";
  if (!with_token || !origin->starts_with(plain)) return {};
  if (!reconciler::leads_to_this_host(server)) {
    return fail(ErrorCode::invalid_input, server + " would carry the token readable over the network: use https://");
  }
  return {};
}

Result<Client> Client::connect(const Cli& cli) {
  std::string token;
  if (!cli.token_file.empty()) {
    HEADGATE_TRY(token, as_named(store::read_file(cli.token_file, 4096)));
  } else if (const char* from_environment = std::getenv("HEADGATE_TOKEN")) {
    token = from_environment;
  }
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' ')) token.pop_back();
  auto server = cli.server;
  while (server.ends_with('/')) server.pop_back();
  HEADGATE_TRY_VOID(check_server(server, !token.empty()));
  return Client(std::move(server), std::move(token));
}

void act(Cli& cli, CLI::App* verb, std::function<Result<int>(Client&)> action) {
  verb->callback([&cli, action = std::move(action)] {
    cli.run = [&cli, action] {
      auto client = Client::connect(cli);
      if (!client) return report(client.error());
      const auto result = action(*client);
      return result ? *result : report(result.error());
    };
  });
}

Result<HttpResponse> Client::exchange(HttpRequest request, const Query& query) {
  request.url = server_ + request.url;
  char separator = '?';
  for (const auto& [name, value] : query) {
    if (value.empty()) continue;
    request.url += separator + name + "=" + percent_encode(value);
    separator = '&';
  }
  if (!token_.empty()) request.headers.emplace_back("Authorization", "Bearer " + token_);
  request.max_response_bytes = max_answer_bytes;
  // Of a stream too a problem is the body, and the status that says so is known at its end.
  std::string beginning;
  if (request.on_data) {
    request.on_data = [&beginning, on_data = std::move(request.on_data)](std::string_view piece) {
      beginning += piece.substr(0, largest_problem - beginning.size());
      return on_data(piece);
    };
  }
  auto response = http_->send(request, {});
  if (!response) {
    return fail(ErrorCode::unavailable, "cannot reach " + server_ + ": " + response.error().message +
                                            " (is `headgate serve` running? --server says where)");
  }
  if (response->status >= 400 && request.on_data) response->body = std::move(beginning);
  return response;
}

Result<HttpResponse> Client::send(HttpRequest request, const Query& query) {
  for (int slowed_down = 0;; ++slowed_down) {
    HEADGATE_TRY(auto response, exchange(request, query));
    if (response.status < 400) return response;
    // A whole log is many requests: when that is faster than the server wants them, it says when to go on.
    if (response.status != 429 || slowed_down == max_slow_downs) return std::unexpected(problem_of(response));
    std::this_thread::sleep_for(retry_after(response));
  }
}

Result<boost::json::value> Client::get(const std::string& path, const Query& query) {
  HttpRequest request;
  request.url = path;
  return json_of(send(std::move(request), query));
}

Result<std::pair<boost::json::value, std::optional<std::int64_t>>> Client::get_with_position(const std::string& path) {
  HttpRequest request;
  request.url = path;
  HEADGATE_TRY(auto response, send(std::move(request), {}));
  std::optional<std::int64_t> position;
  if (const auto at = response.headers.find("headgate-position"); at != response.headers.end()) {
    const auto& text = at->second;
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && end == text.data() + text.size()) position = value;
  }
  HEADGATE_TRY(auto value, json_of(std::move(response)));
  return std::pair(std::move(value), position);
}

Result<boost::json::value> Client::post(const std::string& path, const boost::json::object& body, const Query& query) {
  return post_text(path, boost::json::serialize(body), query);
}

Result<boost::json::value> Client::post_text(const std::string& path, std::string json, const Query& query) {
  HttpRequest request;
  request.method = "POST";
  request.url = path;
  request.headers = {{"Content-Type", "application/json"}, {"Idempotency-Key", random_key()}};
  request.body = std::move(json);
  return json_of(send(std::move(request), query));
}

Result<boost::json::value> Client::del(const std::string& path, const Query& query) {
  HttpRequest request;
  request.method = "DELETE";
  request.url = path;
  request.headers = {{"Idempotency-Key", random_key()}};
  return json_of(send(std::move(request), query));
}

Result<std::string> Client::get_text(const std::string& path, const Query& query, const std::string& accept) {
  HEADGATE_TRY(auto page, get_text_page(path, query, accept));
  return std::move(page.text);
}

Result<Client::Page> Client::get_text_page(const std::string& path, const Query& query, const std::string& accept) {
  HttpRequest request;
  request.url = path;
  request.headers = {{"Accept", accept}};
  HEADGATE_TRY(auto response, send(std::move(request), query));
  const auto next = response.headers.find("headgate-next");
  return Page{std::move(response.body), next == response.headers.end() ? std::string() : next->second};
}

Result<void> Client::stream(const std::string& path, const Query& query, const std::string& accept,
                            const std::function<bool(std::string_view)>& on_piece) {
  HttpRequest request;
  request.url = path;
  request.headers = {{"Accept", accept}};
  request.timeout = std::chrono::hours(24);
  // Whether it is the body or why there is none shows in the status, which is known at the end: a problem is short, so
  // the beginning waits.
  std::string beginning;
  bool streaming = false, ended = false;
  const auto hand_over = [&](std::string_view piece) {
    ended = !on_piece(piece);
    return !ended;
  };
  request.on_data = [&](std::string_view piece) {
    if (streaming) return hand_over(piece);
    beginning += piece;
    if (beginning.size() <= largest_problem) return true;
    streaming = true;
    return hand_over(beginning);
  };
  auto response = exchange(std::move(request), query);
  if (ended) return {};
  if (!response) return std::unexpected(std::move(response).error());
  if (response->status >= 400) return std::unexpected(problem_of(*response));
  if (!streaming && !beginning.empty()) static_cast<void>(on_piece(beginning));
  return {};
}

Result<void> Client::follow(const std::string& path, const Query& query, const std::string& last_event_id,
                            const std::function<bool(const std::string&, const std::string&)>& on_record) {
  HttpRequest request;
  request.url = path;
  request.headers = {{"Accept", "text/event-stream"}};
  if (!last_event_id.empty()) request.headers.emplace_back("Last-Event-ID", last_event_id);
  request.timeout = std::chrono::hours(24 * 365);
  std::string buffer, id, data;
  bool ended = false;
  request.on_data = [&](std::string_view piece) {
    buffer += piece;
    if (buffer.size() > (1 << 20)) return false;  // no line of an event stream is that long
    for (auto end = buffer.find('\n'); end != std::string::npos; end = buffer.find('\n')) {
      auto line = buffer.substr(0, end);
      buffer.erase(0, end + 1);
      if (line.ends_with('\r')) line.pop_back();
      if (line.starts_with("id:")) id = line.substr(std::min(line.size(), line.find_first_not_of(' ', 3)));
      if (line.starts_with("data:")) data = line.substr(std::min(line.size(), line.find_first_not_of(' ', 5)));
      if (line.empty() && !data.empty()) {
        if (!on_record(id, data)) {
          ended = true;
          return false;
        }
        data.clear();
      }
    }
    return true;
  };
  const auto response = send(std::move(request), query);
  if (!response && !ended) return std::unexpected(response.error());
  return {};
}

Result<boost::json::array> all_pages(Client& client, const std::string& path, std::string_view name, Query query,
                                     std::size_t limit) {
  boost::json::array all;
  while (true) {
    HEADGATE_TRY(auto page, client.get(path, query));
    auto* items = page.is_object() ? page.as_object().if_contains(name) : nullptr;
    if (!items || !items->is_array()) return fail(ErrorCode::unavailable, "the answer to " + path + " is no list");
    for (auto& item : items->as_array()) {
      if (limit > 0 && all.size() >= limit) return all;
      all.push_back(std::move(item));
    }
    const auto* next = page.as_object().if_contains("next");
    if (!next || !next->is_string()) return all;
    std::erase_if(query, [](const auto& entry) { return entry.first == "cursor"; });
    query.emplace_back("cursor", std::string(next->as_string()));
  }
}

}  // namespace headgate::app
