// What needs no token: health, metrics on loopback; and the contract.
#include "api/openapi.h"
#include "api/problem.h"
#include "api/routes.h"

namespace headgate::api {
namespace {

Result<Response> ready(const Core& core) {
  if (core.deps.not_ready) {
    if (const auto why = core.deps.not_ready()) return fail(ErrorCode::unavailable, *why);
  }
  return Response::json(200, R"({"status":"ready"})");
}

}  // namespace

void add_server_routes(Core& core, Router& router) {
  core.quick(
      router, "GET", "/healthz", "none",
      [](Call&) -> Result<Response> { return Response::json(200, R"({"status":"live"})"); }, false);
  core.quick(
      router, "GET", "/readyz", "none", [&core](Call&) { return ready(core); }, false);
  core.heavy(router, "GET", "/metrics", "loopback", [&core](Call&) -> Result<Response> {
    return Response::of(200, "text/plain; version=0.0.4; charset=utf-8",
                        core.deps.metrics.page(core.deps.engine, core.deps.proofs.checkpoint_time(), core.now()));
  });
  core.quick(router, "GET", "/openapi.json", "viewer somewhere",
             [](Call&) -> Result<Response> { return Response::json(200, std::string(openapi_text())); });
}

}  // namespace headgate::api
