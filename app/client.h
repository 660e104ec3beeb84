// The HTTP API as the command line speaks it.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/cli.h"
#include "reconciler/curl_http_client.h"

namespace headgate::app {

using Query = std::vector<std::pair<std::string, std::string>>;  // entries without a value are left out

class Client {
 public:
  // The token comes from --token-file or HEADGATE_TOKEN; without either, requests carry none. With one, plain http://
  // is refused but to this host.
  static Result<Client> connect(const Cli& cli);

  Result<boost::json::value> get(const std::string& path, const Query& query = {});
  // And the position of the last event that the answer reflects, where the server says it.
  Result<std::pair<boost::json::value, std::optional<std::int64_t>>> get_with_position(const std::string& path);
  // With an Idempotency-Key of its own, so that a repeat after a lost answer does nothing twice.
  Result<boost::json::value> post(const std::string& path, const boost::json::object& body, const Query& query = {});
  Result<boost::json::value> post_text(const std::string& path, std::string json, const Query& query = {});
  Result<boost::json::value> del(const std::string& path, const Query& query = {});
  // The body as it is, with an Accept header.
  Result<std::string> get_text(const std::string& path, const Query& query, const std::string& accept);
  // And where the list goes on, for `cursor`; empty at its end.
  struct Page {
    std::string text;
    std::string next;
  };
  Result<Page> get_text_page(const std::string& path, const Query& query, const std::string& accept);
  // The body piece by piece as it comes, however long that takes; false ends the exchange, which is no Error.
  Result<void> stream(const std::string& path, const Query& query, const std::string& accept,
                      const std::function<bool(std::string_view)>& on_piece);
  // Server-sent events: `on_record` gets the data of each; it ends the stream by returning false.
  Result<void> follow(const std::string& path, const Query& query, const std::string& last_event_id,
                      const std::function<bool(const std::string& id, const std::string& record)>& on_record);

 private:
  Client(std::string server, std::string token) : server_(std::move(server)), token_(std::move(token)) {}
  Result<HttpResponse> send(HttpRequest request, const Query& query);
  Result<HttpResponse> exchange(HttpRequest request, const Query& query);  // any status

  std::string server_;
  std::string token_;
  std::unique_ptr<reconciler::CurlHttpClient> http_ = std::make_unique<reconciler::CurlHttpClient>();
};

// Lets the verb run `action` with a connected client, and turns an Error into its exit code.
void act(Cli& cli, CLI::App* verb, std::function<Result<int>(Client&)> action);

std::string percent_encode(std::string_view text);
Result<void> check_server(const std::string& server, bool with_token);

// Everything of the list `name` that `path` answers page by page, at most `limit` rows (0: all).
Result<boost::json::array> all_pages(Client& client, const std::string& path, std::string_view name, Query query,
                                     std::size_t limit = 0);

}  // namespace headgate::app
