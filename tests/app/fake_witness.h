// A witness as c2sp.org/tlog-witness asks for one, behind the HttpClient door: it checks the log's signature and the
// consistency proof, remembers what it cosigned, and answers as the specification says. And it can misbehave.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/ports/http_client.h"
#include "store/checkpoint.h"
#include "store/cosignature.h"
#include "store/merkle_tree.h"

namespace headgate::app {

class FakeWitness final : public HttpClient {
 public:
  explicit FakeWitness(store::VerifierKey log)
      : log_(std::move(log)),
        // Its signing key signs any text; what makes it a witness's key is the algorithm byte of its id.
        signer_(*store::SigningKey::generate("witness.example.com/w1")),
        key_(*store::VerifierKey::make("witness.example.com/w1", signer_.verifier().public_key(),
                                       store::KeyAlgorithm::cosignature_v1)) {}

  const store::VerifierKey& key() const { return key_; }

  Result<HttpResponse> send(const HttpRequest& request, std::stop_token) override;

  std::uint64_t size = 0;  // cosigned last
  Hash root{};
  std::vector<int> answers;  // statuses
  std::string last_url;

  // How it misbehaves.
  std::optional<int> status;         // answers only this
  std::optional<Error> unreachable;  // does not answer
  bool silent_conflict = false;      // its 409 for another root has no body, as the specification allows
  bool wrong_signature = false;
  bool foreign_lines = false;  // other keys' lines come first
  std::string garbage;         // instead of signature lines

 private:
  HttpResponse answer(int code, std::string body);
  HttpResponse judge(std::string_view body);

  store::VerifierKey log_;
  store::SigningKey signer_;
  store::VerifierKey key_;
};

}  // namespace headgate::app
