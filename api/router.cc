#include "api/router.h"

#include <algorithm>
#include <map>

namespace headgate::api {

struct Router::Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
  std::unique_ptr<Node> parameter;
  std::unique_ptr<Node> tail;        // {name*}: a leaf
  std::vector<const Route*> routes;  // that end here
  std::vector<std::string> names;    // of the parameters on the way here, the same for all of them

  const Node* find(const std::vector<std::string>& segments, std::size_t at, std::vector<std::string>& values) const {
    if (at == segments.size()) return routes.empty() ? nullptr : this;
    if (const auto it = literals.find(segments[at]); it != literals.end()) {
      if (const Node* found = it->second->find(segments, at + 1, values)) return found;
    }
    if (parameter && !segments[at].empty()) {
      values.push_back(segments[at]);
      if (const Node* found = parameter->find(segments, at + 1, values)) return found;
      values.pop_back();
    }
    if (tail) {
      std::string joined;
      for (std::size_t i = at; i < segments.size(); ++i) {
        // An empty segment or an encoded '/' would make two paths look the same once joined.
        if (segments[i].empty() || segments[i].find('/') != std::string::npos) return nullptr;
        if (i > at) joined += '/';
        joined += segments[i];
      }
      values.push_back(std::move(joined));
      return tail.get();
    }
    return nullptr;
  }
};

Router::Router() : root_(std::make_unique<Node>()) {}
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;
Router::~Router() = default;

void Router::add(Route route) {
  HEADGATE_CHECK(!route.access.empty());
  HEADGATE_CHECK(route.handler != nullptr);
  HEADGATE_CHECK(route.pattern.starts_with('/'));
  Node* node = root_.get();
  std::vector<std::string> names;
  std::string_view rest = std::string_view(route.pattern).substr(1);
  while (!rest.empty()) {
    HEADGATE_CHECK(node != nullptr);
    const std::size_t end = rest.find('/');
    const std::string_view segment = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    HEADGATE_CHECK(!segment.empty());
    std::unique_ptr<Node>* next = nullptr;
    if (segment.starts_with('{')) {
      HEADGATE_CHECK(segment.ends_with('}') && segment.size() > 2);
      std::string_view name = segment.substr(1, segment.size() - 2);
      const bool takes_rest = name.ends_with('*');
      if (takes_rest) {
        HEADGATE_CHECK(rest.empty());
        name.remove_suffix(1);
      }
      names.emplace_back(name);
      next = takes_rest ? &node->tail : &node->parameter;
    } else {
      next = &node->literals.try_emplace(std::string(segment)).first->second;
    }
    if (!*next) *next = std::make_unique<Node>();
    node = next->get();
  }
  HEADGATE_CHECK(node->routes.empty() || node->names == names);
  HEADGATE_CHECK(std::ranges::find(node->routes, route.method, [](const Route* r) { return r->method; }) ==
                 node->routes.end());
  node->names = std::move(names);
  routes_.push_back(std::make_unique<Route>(std::move(route)));
  node->routes.push_back(routes_.back().get());
}

RouteMatch Router::match(std::string_view method, const std::vector<std::string>& segments) const {
  RouteMatch match;
  std::vector<std::string> values;
  const Node* node = root_->find(segments, 0, values);
  if (node == nullptr) return match;
  const auto with = [&](std::string_view wanted) -> const Route* {
    const auto it = std::ranges::find(node->routes, wanted, [](const Route* r) { return std::string_view(r->method); });
    return it == node->routes.end() ? nullptr : *it;
  };
  match.route = with(method);
  if (match.route == nullptr && method == "HEAD") match.route = with("GET");
  if (match.route != nullptr) {
    for (std::size_t i = 0; i < values.size(); ++i) match.parameters.emplace_back(node->names[i], std::move(values[i]));
    return match;
  }
  std::vector<std::string_view> methods;
  for (const Route* route : node->routes) methods.push_back(route->method);
  if (with("GET") != nullptr && with("HEAD") == nullptr) methods.push_back("HEAD");
  std::ranges::sort(methods);
  for (const std::string_view allowed : methods) {
    if (!match.allow.empty()) match.allow += ", ";
    match.allow += allowed;
  }
  return match;
}

std::vector<const Route*> Router::routes() const {
  std::vector<const Route*> all;
  for (const auto& route : routes_) all.push_back(route.get());
  return all;
}

}  // namespace headgate::api
