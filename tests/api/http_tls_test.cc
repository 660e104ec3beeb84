#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/api/server_fixture.h"
#include "tests/api/test_stream.h"

namespace headgate::api::test {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

// Writes a self-signed certificate and its key, made anew for the test.
void write_certificate(const std::string& certificate_path, const std::string& key_path, const char* common_name) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("Example"), -1, -1, 0);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(common_name), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, NID_basic_constraints, "critical,CA:TRUE");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  X509_sign(certificate, key, EVP_sha256());
  std::FILE* file = std::fopen(certificate_path.c_str(), "w");
  PEM_write_X509(file, certificate);
  std::fclose(file);
  file = std::fopen(key_path.c_str(), "w");
  PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

class HttpTlsTest : public ServerTest {
 protected:
  HttpTlsTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "headgate-tls-XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    directory = pattern;
    write_certificate(file("server.pem"), file("server.key"), "localhost");
    write_certificate(file("client.pem"), file("client.key"), "ci-runner");
    options.tls = TlsFiles{.certificate = file("server.pem"), .key = file("server.key"), .client_ca = {}};
  }
  ~HttpTlsTest() override {
    server.reset();
    std::filesystem::remove_all(directory);
  }

  std::string file(const char* name) const { return (directory / name).string(); }

  std::filesystem::path directory;
};

TEST_F(HttpTlsTest, ServesOverTls) {
  bool encrypted = false;
  router.add("GET", "/whoami", "none", [&](Request request, Reply reply) {
    encrypted = request.encrypted;
    reply(Response{});
  });
  serve();
  RawClient one = client();
  ASSERT_TRUE(one.handshake(file("server.pem")));
  one.send(get("/hello") + get("/whoami"));
  EXPECT_EQ(one.read_answer()->body, "hello");
  ASSERT_TRUE(one.read_answer());
  EXPECT_TRUE(encrypted);
  const std::string large(900'000, 'x');
  one.send(post("/echo", large));
  EXPECT_EQ(one.read_answer()->body, large);
  one.send(get("/hello", "Connection: close\r\n"));
  EXPECT_EQ(one.read_answer()->body, "hello");
  EXPECT_TRUE(one.at_end());
}

TEST_F(HttpTlsTest, RefusesOldVersionsStrangersAndPlainText) {
  serve();
  RawClient old = client();
  EXPECT_FALSE(old.handshake(file("server.pem"), {}, {}, TLS1_1_VERSION));
  RawClient current = client();
  EXPECT_TRUE(current.handshake(file("server.pem"), {}, {}, TLS1_2_VERSION));
  RawClient plain = client();
  plain.send(get("/hello"));
  const auto answer = plain.read_answer();
  EXPECT_FALSE(answer.has_value());
  EXPECT_TRUE(eventually([&] { return server->connections() == 1; }));
}

TEST_F(HttpTlsTest, AsksForClientCertificatesWhenAnAuthorityIsGiven) {
  options.tls->client_ca = file("client.pem");
  serve();
  RawClient known = client();
  ASSERT_TRUE(known.handshake(file("server.pem"), file("client.pem"), file("client.key")));
  known.send(get("/hello"));
  EXPECT_EQ(known.read_answer()->body, "hello");
  // In TLS 1.3 the client's handshake ends before the server has looked at the certificate.
  RawClient anonymous = client();
  if (anonymous.handshake(file("server.pem"))) anonymous.send(get("/whoami"));
  EXPECT_FALSE(anonymous.read_answer());
  RawClient stranger = client();
  if (stranger.handshake(file("server.pem"), file("server.pem"), file("server.key"))) stranger.send(get("/whoami"));
  EXPECT_FALSE(stranger.read_answer());
}

TEST_F(HttpTlsTest, AHandshakeThatStopsIsCutOff) {
  options.limits.header_timeout = milliseconds(50);
  serve();
  RawClient silent = client();
  EXPECT_TRUE(silent.at_end());
  EXPECT_TRUE(eventually([&] { return server->connections() == 0; }));
}

TEST_F(HttpTlsTest, LimitsAnswerInsideTheConnection) {
  options.limits.max_connections = 1;
  options.limits.body_bytes = 100;
  serve();
  RawClient first = client();
  ASSERT_TRUE(first.handshake(file("server.pem")));
  RawClient second = client();
  ASSERT_TRUE(second.handshake(file("server.pem")));
  EXPECT_EQ(second.read_answer()->status, 503);
  first.send(post("/echo", std::string(50'000, 'x')));
  const auto answer = first.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 413);
  EXPECT_TRUE(answer->whole);
}

TEST_F(HttpTlsTest, StreamsAndStops) {
  const auto events = std::make_shared<FedStream>();
  router.add("GET", "/events", "none", streaming(events, "text/event-stream"));
  serve();
  RawClient one = client();
  ASSERT_TRUE(one.handshake(file("server.pem")));
  one.send(get("/events"));
  events->feed("data: a\n\n");
  EXPECT_FALSE(one.read_until("data: a\n\n").empty());
  server->stop(milliseconds(500));
  EXPECT_EQ(one.read_until("0\r\n\r\n"), "\r\n0\r\n\r\n");
  EXPECT_TRUE(one.at_end());
  EXPECT_EQ(events->cancelled(), 1);
}

TEST_F(HttpTlsTest, ListensBeyondLoopbackOnlyWithUsableFiles) {
  const auto start = [](TlsFiles files) {
    return HttpServer::start({.address = "0.0.0.0", .tls = std::move(files)}, Router());
  };
  const auto open = start({file("server.pem"), file("server.key"), ""});
  ASSERT_TRUE(open.has_value()) << open.error().message;
  EXPECT_NE((*open)->endpoint().port, 0);
  const auto missing = start({file("none.pem"), file("server.key"), ""});
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, ErrorCode::invalid_input);
  EXPECT_THAT(missing.error().message, HasSubstr("none.pem"));
  EXPECT_THAT(missing.error().message, HasSubstr("No such file or directory"));
  EXPECT_THAT(start({file("server.pem"), file("client.key"), ""}).error().message, HasSubstr("client.key"));
  std::ofstream(file("rubbish.pem")) << "rubbish";
  EXPECT_THAT(start({file("server.pem"), file("server.key"), file("rubbish.pem")}).error().message,
              HasSubstr("rubbish.pem"));
}

}  // namespace
}  // namespace headgate::api::test
