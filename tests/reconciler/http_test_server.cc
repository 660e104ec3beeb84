#include "tests/reconciler/http_test_server.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace headgate::reconciler {

// A certificate for 127.0.0.1 that vouches for itself.
struct HttpTestServer::Tls {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();

  Tls() {
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    auto* name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    auto* alternative = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(certificate, alternative, -1);
    X509_EXTENSION_free(alternative);
    if (X509_sign(certificate, key, EVP_sha256()) == 0 || SSL_CTX_use_certificate(context, certificate) != 1 ||
        SSL_CTX_use_PrivateKey(context, key) != 1) {
      throw std::runtime_error("cannot make a test certificate");
    }
  }
  ~Tls() {
    X509_free(certificate);
    EVP_PKEY_free(key);
    SSL_CTX_free(context);
  }
  std::string pem() const {
    BIO* memory = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(memory, certificate);
    char* text = nullptr;
    const auto size = BIO_get_mem_data(memory, &text);
    std::string copy(text, static_cast<std::size_t>(size));
    BIO_free(memory);
    return copy;
  }
};

HttpTestServer::HttpTestServer(Handler handler, bool tls) : handler_(std::move(handler)) {
  ::signal(SIGPIPE, SIG_IGN);
  if (tls) {
    tls_ = std::make_unique<Tls>();
    certificate_pem_ = tls_->pem();
  }
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("cannot listen on 127.0.0.1");
  }
  port_ = ::ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

HttpTestServer::~HttpTestServer() {
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
}

std::string HttpTestServer::url(const std::string& path) const {
  return (tls_ ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port_) + path;
}

void HttpTestServer::serve() {
  while (!stopping_) {
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    answer(connection);
    ::close(connection);
  }
}

void HttpTestServer::answer(int connection) {
  SSL* session = nullptr;
  if (tls_) {
    session = SSL_new(tls_->context);
    SSL_set_fd(session, connection);
    if (SSL_accept(session) != 1) {
      SSL_free(session);
      return;
    }
  }
  const auto read_some = [&](char* chunk, std::size_t size) {
    return session ? SSL_read(session, chunk, static_cast<int>(size)) : ::recv(connection, chunk, size, 0);
  };
  std::string request;
  std::size_t wanted = std::string::npos;
  while (request.size() < wanted) {
    char chunk[4096];
    const auto size = read_some(chunk, sizeof chunk);
    if (size <= 0) break;
    request.append(chunk, static_cast<std::size_t>(size));
    const auto end = request.find("\r\n\r\n");
    if (end == std::string::npos || wanted != std::string::npos) continue;
    const auto length = request.find("Content-Length: ");
    wanted = end + 4 + (length < end ? std::stoul(request.substr(length + 16)) : 0);
  }
  handler_(request, [&](std::string_view piece) {
    if (session) return SSL_write(session, piece.data(), static_cast<int>(piece.size())) > 0;
    while (!piece.empty()) {
      const auto size = ::send(connection, piece.data(), piece.size(), MSG_NOSIGNAL);
      if (size <= 0) return false;
      piece.remove_prefix(static_cast<std::size_t>(size));
    }
    return true;
  });
  if (session) {
    SSL_shutdown(session);
    SSL_free(session);
  }
}

std::string http_answer(int status, const std::string& body, const std::string& headers) {
  return "HTTP/1.1 " + std::to_string(status) + " Status\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n" + headers + "\r\n" + body;
}

}  // namespace headgate::reconciler
