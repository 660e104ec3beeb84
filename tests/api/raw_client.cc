#include "tests/api/raw_client.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace headgate::api::test {

RawClient::RawClient(const HttpEndpoint& endpoint, int receive_buffer_bytes) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (receive_buffer_bytes > 0) {
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
  }
  const timeval patience{.tv_sec = 10, .tv_usec = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint.port);
  ::inet_pton(AF_INET, endpoint.address.c_str(), &address.sin_addr);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(fd_);
    fd_ = -1;
  }
}

RawClient::~RawClient() {
  SSL_free(ssl_);
  SSL_CTX_free(context_);
  if (fd_ >= 0) ::close(fd_);
}

bool RawClient::handshake(const std::string& ca, const std::string& certificate, const std::string& key,
                          int max_version) {
  context_ = SSL_CTX_new(TLS_client_method());
  SSL_CTX_load_verify_locations(context_, ca.c_str(), nullptr);
  SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
  // OpenSSL's defaults would not offer the versions that the server is to refuse.
  SSL_CTX_set_security_level(context_, 0);
  SSL_CTX_set_min_proto_version(context_, TLS1_VERSION);
  if (max_version != 0) SSL_CTX_set_max_proto_version(context_, max_version);
  if (!certificate.empty()) {
    SSL_CTX_use_certificate_file(context_, certificate.c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_use_PrivateKey_file(context_, key.c_str(), SSL_FILETYPE_PEM);
  }
  ssl_ = SSL_new(context_);
  SSL_set_fd(ssl_, fd_);
  return SSL_connect(ssl_) == 1;
}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = ssl_ != nullptr ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                                       : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

void RawClient::close_sending() {
  ::shutdown(fd_, SHUT_WR);
}

bool RawClient::fill() {
  std::array<char, 16384> bytes;
  const auto count = ssl_ != nullptr ? SSL_read(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                                     : ::recv(fd_, bytes.data(), bytes.size(), 0);
  if (count <= 0) return false;
  pending_.append(bytes.data(), static_cast<std::size_t>(count));
  return true;
}

std::optional<std::string> RawClient::take_line() {
  std::size_t end = 0;
  while ((end = pending_.find("\r\n")) == std::string::npos) {
    if (!fill()) return std::nullopt;
  }
  std::string line = pending_.substr(0, end);
  pending_.erase(0, end + 2);
  return line;
}

std::optional<Answer> RawClient::read_answer(bool head) {
  Answer answer;
  auto line = take_line();
  if (!line || !line->starts_with("HTTP/1.1 ")) return std::nullopt;
  answer.status = std::stoi(line->substr(9, 3));
  while ((line = take_line()) && !line->empty()) {
    const std::size_t colon = line->find(": ");
    std::string name = line->substr(0, colon);
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    answer.headers[name] = line->substr(colon + 2);
  }
  if (!line) return std::nullopt;
  const auto take = [&](std::size_t size) {
    while (pending_.size() < size && fill()) {
    }
    const std::size_t have = std::min(size, pending_.size());
    answer.body += pending_.substr(0, have);
    pending_.erase(0, have);
    return have == size;
  };
  if (head || answer.status < 200 || answer.status == 204) {
    answer.whole = true;
  } else if (const auto length = answer.headers.find("content-length"); length != answer.headers.end()) {
    answer.whole = take(std::stoul(length->second));
  } else if (answer.headers.contains("transfer-encoding")) {
    while ((line = take_line())) {
      const std::size_t size = std::stoul(*line, nullptr, 16);
      if (!take(size)) return answer;
      if (!take_line()) return answer;
      if (size == 0) {
        answer.whole = true;
        return answer;
      }
    }
  } else {
    while (fill()) {
    }
    answer.body += std::exchange(pending_, {});
    answer.whole = true;
  }
  return answer;
}

std::string RawClient::read_until(std::string_view text) {
  std::size_t at = 0;
  while ((at = pending_.find(text)) == std::string::npos) {
    if (!fill()) return {};
  }
  std::string seen = pending_.substr(0, at + text.size());
  pending_.erase(0, seen.size());
  return seen;
}

bool RawClient::at_end() {
  if (!pending_.empty()) return false;
  char byte = 0;
  if (ssl_ != nullptr) return SSL_read(ssl_, &byte, 1) <= 0;
  const auto count = ::recv(fd_, &byte, 1, 0);
  return count == 0 || (count < 0 && errno == ECONNRESET);
}

std::string get(std::string_view path, std::string_view more_headers) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\n{}\r\n", path, more_headers);
}

std::string post(std::string_view path, std::string_view body, std::string_view more_headers) {
  return fmt::format("POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n{}\r\n{}", path, body.size(),
                     more_headers, body);
}

}  // namespace headgate::api::test
