// The server's side of TLS: 1.2 and newer, no compression, no renegotiation.
#pragma once

#include <memory>
#include <string>

#include "engine/domain/error.h"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX, kept out of every file that only passes options on

namespace headgate::api {

struct TlsFiles {
  std::string certificate;  // PEM, the server's own first, then its issuers
  std::string key;          // PEM, not encrypted
  std::string client_ca;    // PEM; when given, a client without a certificate from it is turned away
};

struct TlsContextFree {
  void operator()(ssl_ctx_st* context) const;
};
using TlsContext = std::unique_ptr<ssl_ctx_st, TlsContextFree>;

// Error (invalid_input) names the file and what OpenSSL says of it.
Result<TlsContext> tls_server_context(const TlsFiles& files);

}  // namespace headgate::api
