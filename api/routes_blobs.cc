#include <fmt/format.h>

#include <algorithm>

#include "api/problem.h"
#include "api/routes.h"
#include "engine/base/digest.h"

namespace headgate::api {
namespace {

constexpr int gone = 410;

Result<std::string> digest_of_path(const Request& request) {
  const auto& digest = request.parameter("digest");
  if (parse_digest(digest)) return digest;
  return fail(ErrorCode::invalid_input, "the path names no digest",
              {{"digest", digest.substr(0, 80), "sha256: and 64 lower-case hexadecimal digits"}});
}

Result<std::string> media_type(const Request& request) {
  HEADGATE_TRY(const auto type, request.headers.one("content-type"));
  if (!type || type->empty()) return std::string("application/octet-stream");
  const bool printable = std::ranges::all_of(*type, [](char c) { return c >= 0x20 && c < 0x7f; });
  if (type->size() <= 128 && printable) return std::string(*type);
  return fail(ErrorCode::invalid_input, "the Content-Type cannot be used",
              {{"Content-Type", fmt::format("{} bytes", type->size()), "at most 128 characters of printable ASCII"}});
}

Result<Response> put_blob(Core& core, Call& call) {
  HEADGATE_TRY(const auto digest, digest_of_path(call.request));
  HEADGATE_TRY(const auto type, media_type(call.request));
  const auto found = sha256_digest(call.request.body);
  if (found != digest) {
    return fail(ErrorCode::invalid_input, "the body is not what the digest in the path says",
                {{"digest", digest, found + ", the digest of the body"}});
  }
  if (!call.dry_run) HEADGATE_TRY_VOID(core.deps.blobs.put(call.request.body, type));
  JsonWriter json;
  json.begin_object();
  if (call.dry_run) json.field("dry_run", true);
  json.field("digest", digest).field("size", call.request.body.size()).field("media_type", type);
  json.end_object();
  auto response = Response::json(call.dry_run ? 200 : 201, json.take());
  if (!call.dry_run) response.set("Location", "/v1/blobs/" + digest);
  return response;
}

Result<Response> get_blob(Core& core, Call& call) {
  HEADGATE_TRY(const auto digest, digest_of_path(call.request));
  auto found = core.deps.blobs.get(digest);
  if (!found && found.error().code == ErrorCode::not_found) {
    if (const auto expired = core.deps.blobs.expired(digest)) {
      return problem(gone, fmt::format("this blob expired at {} under the retention of the environments whose events "
                                       "name it; the events hold its digest and verify as before",
                                       format_timestamp(*expired)));
    }
  }
  HEADGATE_TRY(auto bytes, std::move(found));
  // What a scanner or a command wrote is data: no browser shall show it as a page of this server.
  auto response = Response::of(200, "application/octet-stream", std::move(bytes));
  response.set("Content-Disposition", "attachment");
  response.set("Cache-Control", "private, max-age=31536000, immutable");
  return response;
}

}  // namespace

void add_blob_routes(Core& core, Router& router) {
  core.heavy(
      router, "PUT", "/v1/blobs/{digest}", "reporter somewhere", [&core](Call& call) { return put_blob(core, call); },
      core.options.max_blob_bytes);
  core.heavy(router, "GET", "/v1/blobs/{digest}", "auditor everywhere",
             [&core](Call& call) { return get_blob(core, call); });
}

}  // namespace headgate::api
