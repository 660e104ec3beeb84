// What needs no token: health, metrics on loopback, the public side of the log; and the contract.
#include <fmt/format.h>

#include <charconv>

#include "api/openapi.h"
#include "api/problem.h"
#include "api/routes.h"
#include "api/tile_path.h"

namespace headgate::api {
namespace {

Result<Response> ready(const Core& core) {
  if (core.deps.not_ready) {
    if (const auto why = core.deps.not_ready()) return fail(ErrorCode::unavailable, *why);
  }
  return Response::json(200, R"({"status":"ready"})");
}

Result<Response> checkpoint(const Core& core) {
  HEADGATE_TRY(auto text, core.deps.proofs.checkpoint());
  return Response::of(200, "text/plain; charset=utf-8", std::move(text));
}

Result<Response> tile(const Core& core, const Call& call) {
  const auto path = parse_tile_path(call.request.parameter("path"));
  if (!path) return fail(ErrorCode::not_found, "no tile of that name: /tile/<level>/<number>[.p/<width>]");
  HEADGATE_TRY(auto bytes, core.deps.proofs.tile(path->level, path->number, path->width));
  auto response = Response::of(200, "application/octet-stream", std::move(bytes));
  response.set("Cache-Control", "public, max-age=31536000, immutable");
  return response;
}

}  // namespace

void add_server_routes(Core& core, Router& router) {
  core.quick(router, "GET", "/healthz", "none",
             [](Call&) -> Result<Response> { return Response::json(200, R"({"status":"live"})"); });
  core.quick(router, "GET", "/readyz", "none", [&core](Call&) { return ready(core); });
  core.heavy(router, "GET", "/metrics", "loopback", [&core](Call&) -> Result<Response> {
    return Response::of(200, "text/plain; version=0.0.4; charset=utf-8",
                        core.deps.metrics.page(core.deps.engine, core.deps.proofs.checkpoint_time(), core.now()));
  });
  core.quick(router, "GET", "/openapi.json", "viewer",
             [](Call&) -> Result<Response> { return Response::json(200, std::string(openapi_text())); });
  core.heavy(router, "GET", "/checkpoint", "none", [&core](Call&) { return checkpoint(core); });
  core.heavy(router, "GET", "/tile/{path*}", "none", [&core](Call& call) { return tile(core, call); });
}

}  // namespace headgate::api
