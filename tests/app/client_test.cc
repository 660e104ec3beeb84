// Where the command line may send its token, and what it puts into an address.
#include "app/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headgate::app {
namespace {

using testing::HasSubstr;

TEST(Client, SendsATokenInPlainHttpToThisHostOnly) {
  for (const char* server :
       {"https://headgate.example.com", "https://192.0.2.7:8420/below", "HTTPS://headgate.example.com",
        "http://127.0.0.1:8420", "http://localhost", "http://[::1]:8420", "HTTP://127.0.0.2"}) {
    const auto checked = check_server(server, true);
    EXPECT_TRUE(checked) << server << ": " << checked.error().message;
  }
  for (const char* server : {"http://headgate.example.com", "HTTP://headgate.example.com:8420", "http://192.0.2.7",
                             "http://localhost.example.com", "http://127.0.0.1.example.com", "http://[::2]:8420",
                             "http://127.0.0.1@headgate.example.com", "http://127.0.0.1\\@headgate.example.com",
                             "http://localhost:80@headgate.example.com"}) {
    const auto checked = check_server(server, true);
    ASSERT_FALSE(checked) << server;
    EXPECT_EQ(checked.error().code, ErrorCode::invalid_input);
    EXPECT_THAT(checked.error().message, HasSubstr("readable over the network: use https://")) << server;
    EXPECT_TRUE(check_server(server, false)) << server << ": there is nothing to read";
  }
}

TEST(Client, AsksForTheUrlOfAServer) {
  for (const char* server : {"", "127.0.0.1:8420", "headgate.example.com", "ftp://127.0.0.1", "file:///tmp/socket",
                             "http://", "http://127.0.0.1 .example.com"}) {
    const auto checked = check_server(server, false);
    ASSERT_FALSE(checked) << server;
    EXPECT_THAT(checked.error().message, HasSubstr("is no URL of one")) << server;
  }
}

TEST(Client, EncodesWhatIsNoPartOfAName) {
  EXPECT_EQ(percent_encode("gateway-1.4_~"), "gateway-1.4_~");
  EXPECT_EQ(percent_encode("a b/c?d=e&f%g+h:i"), "a%20b%2Fc%3Fd%3De%26f%25g%2Bh%3Ai");
  EXPECT_EQ(percent_encode("\xC3\xA4\n"), "%C3%A4%0A");
}

}  // namespace
}  // namespace headgate::app
