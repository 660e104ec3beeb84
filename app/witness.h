// A witness of the log (c2sp.org/tlog-witness): it is shown each new checkpoint with a proof that the log has only
// grown since the last one that it saw, and says so by a cosignature.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/ports/http_client.h"
#include "store/cosignature.h"

namespace headgate::app {

// Used by one thread.
class Witness {
 public:
  using ConsistencyProof = std::function<Result<std::vector<Hash>>(std::uint64_t from, std::uint64_t size)>;

  // `url`: its submission prefix.
  Witness(std::string url, store::VerifierKey key, HttpClient& http, ConsistencyProof proof);

  const store::VerifierKey& key() const { return key_; }
  // Its cosignature line of the checkpoint `note` of `size` records, verified. Which size it has seen is asked of it
  // (its 409 says so) when it is not known. conflict: the witness has seen another history; forbidden, not_found: it
  // does not know the log's key or name; unavailable, io, timed_out: try again; corrupt: a wrong cosignature.
  Result<std::string> cosign(const std::string& note, std::uint64_t size, std::stop_token stop);

 private:
  Result<HttpResponse> ask(const std::string& note, std::uint64_t size, std::stop_token stop);
  std::unexpected<Error> refused(const HttpResponse& response) const;

  std::string url_;
  store::VerifierKey key_;
  HttpClient& http_;
  ConsistencyProof proof_;
  std::uint64_t seen_ = 0;  // the size that it cosigned last, as far as is known
};

}  // namespace headgate::app
