#include "api/tls.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <string>
#include <string_view>
#include <system_error>

namespace headgate::api {

namespace {

// Of the system, the first error in the queue says why; of the bytes, the last one.
std::string reason_of_failure() {
  if (const auto first = ERR_peek_error(); first != 0 && ERR_GET_LIB(first) == ERR_LIB_SYS) {
    return std::generic_category().message(ERR_GET_REASON(first));
  }
  const auto last = ERR_peek_last_error();
  const char* reason = last == 0 ? nullptr : ERR_reason_error_string(last);
  return reason == nullptr ? "no reason given" : reason;
}

std::unexpected<Error> refuse(std::string_view what, const std::string& path) {
  const auto reason = reason_of_failure();
  ERR_clear_error();
  return fail(ErrorCode::invalid_input, fmt::format("cannot use '{}' as {}: {}", path, what, reason));
}

}  // namespace

void TlsContextFree::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

Result<TlsContext> tls_server_context(const TlsFiles& files) {
  ERR_clear_error();
  TlsContext context(SSL_CTX_new(TLS_server_method()));
  HEADGATE_CHECK(context != nullptr);
  HEADGATE_CHECK(SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) == 1);
  HEADGATE_CHECK(SSL_CTX_set_cipher_list(context.get(), "ECDHE+AESGCM:ECDHE+CHACHA20") == 1);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);  // idle connections keep no record buffers
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate.c_str()) != 1) {
    return refuse("the server's certificate", files.certificate);
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return refuse("the server's key", files.key);
  }
  if (SSL_CTX_check_private_key(context.get()) != 1) return refuse("the key of the certificate", files.key);
  if (!files.client_ca.empty()) {
    if (SSL_CTX_load_verify_locations(context.get(), files.client_ca.c_str(), nullptr) != 1) {
      return refuse("the clients' certificate authority", files.client_ca);
    }
    SSL_CTX_set_client_CA_list(context.get(), SSL_load_client_CA_file(files.client_ca.c_str()));
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    // A resumed session is bound to this context; OpenSSL refuses resumption with client certificates without it.
    static constexpr unsigned char session_context[] = "headgate";
    HEADGATE_CHECK(SSL_CTX_set_session_id_context(context.get(), session_context, sizeof session_context - 1) == 1);
  }
  return context;
}

}  // namespace headgate::api
