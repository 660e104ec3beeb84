// The log as a C2SP transparency log (c2sp.org/tlog-tiles): checkpoint and hash tiles for everybody, the records
// themselves for auditors.
#include <fmt/format.h>

#include "api/log_keys.h"
#include "api/routes.h"
#include "engine/base/tile_path.h"

namespace headgate::api {
namespace {

constexpr const char* octets = "application/octet-stream";

Result<Response> checkpoint(const Core& core) {
  HEADGATE_TRY(auto text, core.deps.proofs.checkpoint());
  auto response = Response::of(200, "text/plain; charset=utf-8", std::move(text));
  response.set("Cache-Control", "no-store");  // a new one every second
  return response;
}

std::unexpected<Error> bad_path(std::string_view path, const char* expected) {
  return fail(ErrorCode::invalid_input, "the path names no tile",
              {{"path", std::string(path.substr(0, 80)), expected}});
}

Result<Response> tile(const Core& core, const Call& call) {
  const auto& text = call.request.parameter("path");
  const auto path = parse_tile_path(text);
  if (!path) return bad_path(text, "<level>/<number>[.p/<width>], such as 0/x001/234 or 1/000.p/17");
  HEADGATE_TRY(auto bytes, core.deps.proofs.tile(path->level, path->number, path->width));
  auto response = Response::of(200, octets, std::move(bytes));
  response.set("Cache-Control", "public, max-age=31536000, immutable");
  return response;
}

// Each record behind its length, two bytes, big-endian.
Result<Response> entries(const Core& core, const Call& call) {
  const auto& text = call.request.parameter("path");
  const auto path = parse_entries_path(text);
  if (!path) return bad_path(text, "<number>[.p/<width>], such as x001/234 or 000.p/17");
  std::vector<StoredRecord> records;
  if (path->number < core.deps.log.size() / 256 + 1) {
    HEADGATE_TRY(records, core.deps.log.read(path->number * 256, path->width));
  }
  if (records.size() < path->width) {
    return fail(ErrorCode::not_found,
                fmt::format("entry bundle {} does not have {} records yet", path->number, path->width));
  }
  std::string bytes;
  for (const auto& record : records) {
    HEADGATE_CHECK(record.bytes.size() <= 0xffff);
    bytes += static_cast<char>(record.bytes.size() >> 8);
    bytes += static_cast<char>(record.bytes.size() & 0xff);
    bytes += record.bytes;
  }
  auto response = Response::of(200, octets, std::move(bytes));
  response.set("Cache-Control", "private, max-age=31536000, immutable");
  return response;
}

Result<Response> keys(const Core& core) {
  HEADGATE_TRY(const auto all, keys_of_log(core.deps.log));
  JsonWriter json;
  json.begin_object().key("keys").begin_array();
  for (const auto& key : all) {
    json.begin_object().field("verifier_key", key.verifier_key).field("from", key.from).key("until");
    if (key.until) {
      json.value(*key.until);
    } else {
      json.value(nullptr);
    }
    json.end_object();
  }
  json.end_array().end_object();
  return Response::json(200, json.take());
}

}  // namespace

void add_log_routes(Core& core, Router& router) {
  core.heavy(router, "GET", "/checkpoint", "none", [&core](Call&) { return checkpoint(core); });
  core.heavy(router, "GET", "/tile/{path*}", "none", [&core](Call& call) { return tile(core, call); });
  core.heavy(router, "GET", "/tile/entries/{path*}", "auditor everywhere",
             [&core](Call& call) { return entries(core, call); });
  core.heavy(router, "GET", "/v1/log/keys", "viewer somewhere", [&core](Call&) { return keys(core); });
}

}  // namespace headgate::api
