// The API of a running engine: every route, who may use it, and what it answers.
//
//   Metrics metrics;                                   // the engine's observer, so it comes first
//   engine = runtime::Engine::start(…, metrics, …);
//   Api api({.engine = *engine, …, .metrics = metrics}, {});
//   Router router;
//   api.add_routes(router);
//   server = HttpServer::start({…, .decorate = [&](Response& r) { api.decorate(r); },
//                               .on_request = [&](const Access& a) { metrics.on_request(a); }}, std::move(router));
//   …
//   server->stop(drain); api.stop(); engine->stop(drain);
//
// Headgate-Position and `min_position` are positions of events: an answer with Headgate-Position N saw events 0 … N,
// and min_position=N waits until an answer can.
#pragma once

#include <memory>

#include "api/dependencies.h"
#include "api/http.h"
#include "api/router.h"

namespace headgate::api {

class Core;

class Api {
 public:
  Api(ApiDependencies dependencies, ApiOptions options);
  ~Api();  // stop()

  void add_routes(Router& router);
  // Adds Headgate-Position where an answer does not say it itself.
  void decorate(Response& response) const;
  // Ends event streams and waiting reads, and records the refusals counted so far. After the server has stopped taking
  // requests, before the engine stops. May be called again.
  void stop();

 private:
  std::shared_ptr<Core> core_;
};

}  // namespace headgate::api
