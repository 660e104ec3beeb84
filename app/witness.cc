#include "app/witness.h"

#include <fmt/core.h>

#include <charconv>
#include <optional>
#include <utility>

namespace headgate::app {
namespace {

// Each answer may tell of another size: once because nothing is known yet, once more because somebody was faster.
constexpr int max_tries = 3;
constexpr std::size_t max_answer_bytes = 16 << 10;

// A decimal number and a newline.
std::optional<std::uint64_t> size_of(std::string_view body) {
  if (!body.ends_with('\n')) return std::nullopt;
  body.remove_suffix(1);
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(body.data(), body.data() + body.size(), size);
  if (error != std::errc{} || end != body.data() + body.size() || body.empty()) return std::nullopt;
  return size;
}

}  // namespace

Witness::Witness(std::string url, store::VerifierKey key, HttpClient& http, ConsistencyProof proof)
    : url_(std::move(url)), key_(std::move(key)), http_(http), proof_(std::move(proof)) {
  while (url_.ends_with('/')) url_.pop_back();
}

Result<HttpResponse> Witness::ask(const std::string& note, std::uint64_t size, std::stop_token stop) {
  std::vector<Hash> proof;
  if (seen_ > 0) {
    HEADGATE_TRY(proof, proof_(seen_, size));
  }
  HttpRequest request;
  request.method = "POST";
  request.url = url_ + "/add-checkpoint";
  request.headers = {{"Content-Type", "text/plain; charset=utf-8"}};
  request.body = store::add_checkpoint_request(seen_, proof, note);
  request.timeout = std::chrono::seconds(10);
  request.max_response_bytes = max_answer_bytes;
  return http_.send(request, std::move(stop));
}

Result<std::string> Witness::cosign(const std::string& note, std::uint64_t size, std::stop_token stop) {
  if (seen_ > size) seen_ = 0;  // asks anew: the log may have been restored, the witness says what it saw
  for (int i = 0; i < max_tries; ++i) {
    HEADGATE_TRY(const auto response, ask(note, size, stop));
    if (response.status == 200) {
      HEADGATE_TRY(auto line, store::find_cosignature(note, response.body, key_));
      seen_ = size;
      return line;
    }
    if (response.status != 409) return refused(response);
    const auto theirs = size_of(response.body);
    // Of the size that it knows: what it refuses is the root, and it need not say any size.
    if (seen_ == size && (!theirs || *theirs == size)) {
      return fail(ErrorCode::conflict,
                  fmt::format("the witness has cosigned another root for {} records: the log was altered, or another "
                              "log uses its name and key",
                              size));
    }
    if (!theirs) return fail(ErrorCode::unavailable, "the witness answered 409 without a size");
    if (*theirs > size) {
      return fail(ErrorCode::conflict,
                  fmt::format("the witness has cosigned {} records, the log has {}: it was restored without its end, "
                              "or another log uses its name and key",
                              *theirs, size));
    }
    seen_ = *theirs;
  }
  return fail(ErrorCode::unavailable, "the witness tells of another size each time that it is asked");
}

std::unexpected<Error> Witness::refused(const HttpResponse& response) const {
  switch (response.status) {
    case 403:
      return fail(ErrorCode::forbidden, "the witness does not trust the log's key (403): give it the verifier key");
    case 404:
      return fail(ErrorCode::not_found, "the witness does not know this log (404): have its origin registered there");
    case 422:
      return fail(ErrorCode::conflict,
                  "the witness does not accept the consistency proof (422): it has seen another history of the log");
    default:
      return fail(ErrorCode::unavailable, fmt::format("the witness answered {}", response.status));
  }
}

}  // namespace headgate::app
