// Which handler answers which method and path.
//
// A pattern is a path whose segments are literals or parameters: /v1/targets/{service}/{environment}. A literal wins
// over a parameter in the same place, so /v1/events/stream and /v1/events/{position} live together. A last segment
// {name*} takes one or more segments, joined by '/': /tile/{path*}. A parameter is never empty.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/http.h"

namespace headgate::api {

struct Route {
  std::string method;   // GET also answers HEAD
  std::string pattern;  // also the label of this route's metrics
  std::string access;   // whose it is, in a word; never empty, so that open is said and not forgotten
  Handler handler;
  std::size_t max_body_bytes = 0;  // 0: HttpLimits::body_bytes
  // Asked with the header alone, before a body is read; what it answers refuses the request. Where there is none, the
  // body is read for anybody.
  std::function<std::optional<Response>(const Request&)> refusal{};
  bool counted = true;  // by the limit of requests; not what watches over the server, to which 429 is an outage
};

struct RouteMatch {
  const Route* route = nullptr;
  std::vector<std::pair<std::string, std::string>> parameters{};
  std::string allow{};  // when there is no route but the path exists: the methods it has, for 405
};

// Filled before it is used, then read by many threads at once. References to routes stay valid while it is moved.
class Router {
 public:
  Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;
  ~Router();

  void add(Route route);  // two routes with one method and one shape of path are a bug
  void add(std::string method, std::string pattern, std::string access, Handler handler) {
    add(Route{std::move(method), std::move(pattern), std::move(access), std::move(handler)});
  }

  RouteMatch match(std::string_view method, const std::vector<std::string>& segments) const;

  std::vector<const Route*> routes() const;  // in the order added

 private:
  struct Node;

  std::unique_ptr<Node> root_;
  std::vector<std::unique_ptr<Route>> routes_;
};

}  // namespace headgate::api
