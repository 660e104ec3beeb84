// Receivers that are told by mail, through real SMTP.
#include <gmock/gmock.h>

#include "reconciler/curl_mail_sender.h"
#include "tests/reconciler/notifier_fixture.h"
#include "tests/reconciler/smtp_test_server.h"

namespace headgate::reconciler {
namespace {

using runtime::testing::eventually;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class NotifierMailTest : public NotifierTest {
 protected:
  NotifierMailTest() {
    mail_ = std::make_unique<CurlMailSender>(SmtpServer{smtp_.url(), "headgate@example.com", {}},
                                             [] { return Timestamp{} + 1'795'186'501s; });
  }
  SmtpTestServer smtp_;
};

TEST_F(NotifierMailTest, MailGoesToTheAddressThatTheDirectoryKnows) {
  const auto id = people_.person_by_email("", "ops@example.com").value();
  push("c1", {policy({{"mail", ReceiverKind::smtp, {}, {}, {id}, 7}}, {"freeze.set"})});
  notify();
  freeze("staging", "Übergabe\r\nBcc: everybody@example.com");
  ASSERT_TRUE(eventually([&] { return count<NotificationSent>() == 1; }));
  const auto mail = smtp_.taken().at(0);
  EXPECT_EQ(mail.from, "<headgate@example.com>");
  EXPECT_THAT(mail.to, ElementsAre("<ops@example.com>"));
  EXPECT_THAT(mail.text, HasSubstr("Subject: =?UTF-8?B?"));
  EXPECT_THAT(mail.text, HasSubstr("Message-ID: <" + std::to_string(all<NotificationSent>().at(0).about) +
                                   ".mail@example.com>\r\n"));
  EXPECT_THAT(mail.text.substr(0, mail.text.find("\r\n\r\n")), Not(HasSubstr("everybody")));
  EXPECT_THAT(mail.text, HasSubstr("environment: staging\r\n"));
}

TEST_F(NotifierMailTest, MailThatTheServerRefusesIsGivenUp) {
  const auto id = people_.person_by_email("", "nobody@example.com").value();
  smtp_.refuse_recipients();
  push("c1", {policy({{"mail", ReceiverKind::smtp, {}, {}, {id}, 7}}, {"freeze.set"})});
  notify();
  freeze("staging", "one");
  ASSERT_TRUE(eventually([&] { return count<NotificationFailed>() == 1; }));
  EXPECT_EQ(all<NotificationFailed>().at(0).reason, "the mail server refused it with 550");
}

TEST_F(NotifierMailTest, AServerOnThisHostIsNotReachedThroughAProxy) {
  ::setenv("all_proxy", "http://127.0.0.1:1", 1);
  const auto sent = mail_->send({.to = {"ops@example.com"}, .subject = "s", .text = "t", .id = "1"}, {});
  ::unsetenv("all_proxy");
  EXPECT_TRUE(sent) << sent.error().message;
}

TEST_F(NotifierMailTest, WhoseAddressWasErasedIsNotTold) {
  push("c1", {policy({{"mail", ReceiverKind::smtp, {}, {}, {"person:gone"}, 7}}, {"freeze.set"})});
  notify();
  freeze("staging", "one");
  ASSERT_TRUE(eventually([&] { return count<NotificationFailed>() == 1; }));
  EXPECT_EQ(all<NotificationFailed>().at(0).reason, "no address of it is known any more");
}

}  // namespace
}  // namespace headgate::reconciler
