// Receivers are told of what their routes name, at least once and in order. Real HTTP is curl_http_client_test.cc's,
// mail notifier_mail_test.cc's: here only our own code runs, so that the thread sanitizer can judge it.
#include "reconciler/notifier.h"

#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "reconciler/notification_text.h"
#include "tests/reconciler/notifier_fixture.h"

namespace headgate::reconciler {
namespace {

using runtime::testing::eventually;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST_F(NotifierTest, AWebhookGetsTheStoredEventSigned) {
  push("c1", {policy({hook()}, {"freeze.*"})});
  notify();
  freeze("staging", "stock-taking");
  ASSERT_TRUE(eventually([&] { return count<NotificationSent>() == 1; }));
  const auto sent = all<NotificationSent>().at(0);
  EXPECT_EQ(sent.receiver, "default/hook");
  EXPECT_EQ(sent.event_type, "freeze.set");
  EXPECT_EQ(sent.attempts, 1U);
  const auto told = asked().at(0);
  EXPECT_EQ(told.body, stored(sent.about));
  EXPECT_THAT(told.head, HasSubstr("POST " + url("/hook")));
  EXPECT_THAT(told.head, HasSubstr("Content-Type: application/cloudevents+json; charset=utf-8"));
  EXPECT_THAT(told.head, HasSubstr("X-Headgate-Signature-256: sha256=" + hmac_sha256(key, told.body)));
}

TEST_F(NotifierTest, TheSignatureIsThatOfTheStandard) {  // RFC 4231, test case 2
  EXPECT_EQ(hmac_sha256("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST_F(NotifierTest, OnlyWhatARouteNamesIsTold) {
  push("c1", {policy({hook()}, {"freeze.set"}, {"production"})});
  notify();
  freeze("staging", "no");
  freeze("production", "yes");
  ASSERT_TRUE(eventually([&] { return count<NotificationSent>() == 1; }));
  ASSERT_TRUE(run(LiftFreeze{"2", {}}));
  freeze("production", "again");
  ASSERT_TRUE(eventually([&] { return count<NotificationSent>() == 2; }));
  ASSERT_EQ(asked().size(), 2U);
  EXPECT_THAT(asked()[0].body, HasSubstr("\"reason\":\"yes\""));
  EXPECT_THAT(asked()[1].body, HasSubstr("\"reason\":\"again\""));
}

TEST_F(NotifierTest, NobodyIsToldOfNotifications) {
  push("c1", {policy({hook()}, {"*"})});
  notify();
  freeze("staging", "one");
  ASSERT_TRUE(eventually([&] { return count<NotificationSent>() >= 1; }));
  freeze("staging", "two");
  ASSERT_TRUE(eventually([&] {
    const auto sent = all<NotificationSent>();
    return !sent.empty() && stored(sent.back().about).find("two") != std::string::npos;
  }));
  for (const auto& told : asked()) EXPECT_THAT(told.body, Not(HasSubstr("dev.headgate.notification.")));
}

TEST_F(NotifierTest, WhatCameBeforeThePolicyIsNotTold) {
  push("c0", {});
  freeze("staging", "before");
  push("c1", {policy({hook()}, {"freeze.set"})});
  notify();
  freeze("staging", "after");
  ASSERT_TRUE(eventually([&] { return count<NotificationSent>() == 1; }));
  EXPECT_THAT(asked().at(0).body, HasSubstr("after"));
}

TEST_F(NotifierTest, NewRoutesTellNothingOfWhatCameBeforeThem) {
  push("c1", {policy({hook()}, {"promotion.failed"})});
  freeze("staging", "before");
  push("c2", {policy({hook()}, {"freeze.set"})});
  notify();
  freeze("staging", "after");
  ASSERT_TRUE(eventually([&] { return count<NotificationSent>() == 1; }));
  EXPECT_THAT(asked().at(0).body, HasSubstr("after"));
}

TEST_F(NotifierTest, WhatIsStillToBeToldIsToldByTheRoutesOfItsTime) {
  push("c1", {policy({hook()}, {"freeze.set"})});
  answer(std::vector<int>(1000, 503));
  notify();
  freeze("staging", "pending");
  ASSERT_TRUE(eventually([&] { return asked().size() > 2; }));
  push("c2", {policy({hook()}, {"promotion.failed"})});
  freeze("staging", "after");
  answer({});
  ASSERT_TRUE(eventually([&] { return count<NotificationSent>() == 1; }));
  EXPECT_THAT(stored(all<NotificationSent>().at(0).about), HasSubstr("pending"));
}

TEST_F(NotifierTest, NoRecordIsJudgedByAStateThatDoesNotKnowIt) {
  push("c1", {policy({hook()}, {"promotion.failed"})});
  notify();
  between_->hold();
  push("c2", {policy({hook()}, {"freeze.set"})});
  freeze("staging", "one");
  ASSERT_TRUE(eventually([&, before = between_->looks.load()] { return between_->looks >= before + 10; }));
  between_->let_go();
  ASSERT_TRUE(eventually([&] { return count<NotificationSent>() == 1; }));
  EXPECT_THAT(asked().at(0).body, HasSubstr("one"));
}

TEST_F(NotifierTest, ANotificationIsTriedAgainUntilItIsTaken) {
  push("c1", {policy({hook()}, {"freeze.set"})});
  answer({503, 429, 500});
  notify();
  freeze("staging", "one");
  freeze("staging", "two");
  ASSERT_TRUE(eventually([&] { return count<NotificationSent>() == 2; }));
  const auto sent = all<NotificationSent>();
  EXPECT_EQ(sent[0].attempts, 4U);
  EXPECT_EQ(sent[1].attempts, 1U);
  EXPECT_LT(sent[0].about, sent[1].about);
  EXPECT_EQ(asked().size(), 5U);
}

TEST_F(NotifierTest, WhatIsRefusedForGoodIsRecordedAndTheNextOneIsTold) {
  push("c1", {policy({hook()}, {"freeze.set"})});
  answer({404});
  notify();
  freeze("staging", "one");
  freeze("staging", "two");
  ASSERT_TRUE(eventually([&] { return count<NotificationSent>() == 1; }));
  const auto failed = all<NotificationFailed>();
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0].reason, "the receiver answered with status 404");
  EXPECT_EQ(failed[0].attempts, 1U);
}

TEST_F(NotifierTest, AReceiverThatIsAwayIsGivenUpAndAskedOnceForEachUntilItAnswers) {
  push("c1", {policy({hook()}, {"freeze.set"})});
  answer({503, 503, 503, 503});
  notify({.first_delay = 1ms, .longest_delay = 1ms, .give_up_after = 0ms, .look_every = 20ms});
  for (const auto* reason : {"one", "two", "three", "four", "five"}) freeze("staging", reason);
  ASSERT_TRUE(eventually([&] { return count<NotificationSent>() == 1; }));
  EXPECT_EQ(count<NotificationFailed>(), 4U);
  EXPECT_EQ(asked().size(), 5U);
}

TEST_F(NotifierTest, AfterARestartItGoesOnWhereItWas) {
  push("c1", {policy({hook()}, {"freeze.set"})});
  notify();
  freeze("staging", "one");
  ASSERT_TRUE(eventually([&] { return count<NotificationSent>() == 1; }));
  notifier_.reset();
  freeze("staging", "two");
  restart();
  notify();
  ASSERT_TRUE(eventually([&] { return count<NotificationSent>() == 2; }));
  EXPECT_EQ(asked().size(), 2U);
  EXPECT_THAT(asked()[1].body, HasSubstr("two"));
}

TEST_F(NotifierTest, WhatWasSentAndNotRecordedIsSentAgain) {
  push("c1", {policy({hook()}, {"freeze.set"})});
  notify();
  between_->loses = true;
  freeze("staging", "one");
  ASSERT_TRUE(eventually([&] { return between_->lost == 1; }));
  notifier_.reset();
  restart();
  EXPECT_EQ(count<NotificationSent>(), 0U);
  notify();
  ASSERT_TRUE(eventually([&] { return count<NotificationSent>() == 1; }));
  ASSERT_EQ(asked().size(), 2U);
  EXPECT_EQ(asked()[0], asked()[1]) << "the receiver knows it by its id";
}

TEST_F(NotifierTest, WhatIsRecordedTwiceCountsOnce) {
  push("c1", {policy({hook()}, {"freeze.set"})});
  freeze("staging", "one");
  notify();
  ASSERT_TRUE(eventually([&] { return count<NotificationSent>() == 1; }));
  const auto sent = all<NotificationSent>().at(0);
  ASSERT_TRUE(run(RecordNotification{sent.receiver, sent.about, sent.event_type, 1, {}}));
  EXPECT_EQ(count<NotificationSent>(), 1U);
}

TEST_F(NotifierTest, WhileEffectsArePausedNobodyIsTold) {
  push("c1", {policy({hook()}, {"freeze.set", "effects.*"})});
  ASSERT_TRUE(run(PauseEffects{"restored"}));
  notify();
  freeze("staging", "one");
  ASSERT_TRUE(eventually([&, before = between_->looks.load()] { return between_->looks >= before + 10; }));
  EXPECT_THAT(asked(), IsEmpty());
  ASSERT_TRUE(run(ResumeEffects{"looked at"}));
  ASSERT_TRUE(eventually([&] { return count<NotificationSent>() == 3; }));
  EXPECT_THAT(asked()[0].body, HasSubstr("effects.paused"));
}

TEST_F(NotifierTest, AReceiverThatHasGoneIsToldNoMore) {
  push("c1", {policy({hook()}, {"freeze.set"})});
  answer(std::vector<int>(1000, 503));
  notify();
  freeze("staging", "one");
  ASSERT_TRUE(eventually([&] { return asked().size() > 2; }));
  auto other = hook();
  other.name = "other";
  push("c2", {policy({other}, {"freeze.set"})});
  answer({});
  freeze("staging", "two");
  ASSERT_TRUE(eventually([&] { return count<NotificationSent>() == 1; }));
  EXPECT_EQ(all<NotificationSent>().at(0).receiver, "default/other");
}

TEST_F(NotifierTest, OneReceiverThatIsAwayHoldsUpNoOther) {
  auto good = hook();
  good.name = "good";
  Receiver away{"away", ReceiverKind::webhook, "http://away.example.com/", {}, {}, 8};
  push("c1", {policy({away, good}, {"freeze.set"})});
  notify();
  freeze("staging", "one");
  ASSERT_TRUE(eventually([&] { return count<NotificationSent>() == 1; }));
  EXPECT_EQ(all<NotificationSent>().at(0).receiver, "default/good");
}

TEST_F(NotifierTest, ChatRoomsGetWordsAndTheirSecretIsShownNowhere) {
  secrets_.set("slack-url", url("/services/T0/B0/topsecret"));
  secrets_.set("teams-url", url("/webhook/verysecret"));
  push("c1", {policy({{"slack", ReceiverKind::slack, {}, "slack-url", {}, 7},
                      {"teams", ReceiverKind::teams, {}, "teams-url", {}, 8}},
                     {"freeze.set"})});
  answer({404, 404});
  notify();
  freeze("staging", "a < b");
  ASSERT_TRUE(eventually([&] { return count<NotificationFailed>() == 2; }));
  freeze("staging", "c");
  ASSERT_TRUE(eventually([&] { return count<NotificationSent>() == 2; }));
  for (const auto& told : asked()) {
    const auto body = boost::json::parse(told.body).as_object();
    if (told.head.find("/services/") != std::string::npos) {
      EXPECT_TRUE(body.contains("text")) << told.body;
    } else {
      EXPECT_EQ(body.at("attachments").at(0).at("content").at("type"), "AdaptiveCard");
    }
  }
  EXPECT_THAT(asked().at(0).body + asked().at(1).body, HasSubstr("a &lt; b"));
  for (Position at = 0; at < log->size(); ++at) {
    EXPECT_THAT(stored(at), Not(HasSubstr("topsecret")));
    EXPECT_THAT(stored(at), Not(HasSubstr("verysecret")));
  }
  const std::scoped_lock lock(mutex_);
  for (const auto& notice : notices_) EXPECT_THAT(notice, Not(HasSubstr("secret")));
}

TEST_F(NotifierTest, PagerdutyIsTriggeredWithAKeyThatTellsRepeats) {
  secrets_.set("pagerduty", "routing-key-1");
  push("c1", {policy({{"on-call", ReceiverKind::pagerduty, {}, "pagerduty", {}, 7}}, {"freeze.set"})});
  notify();
  freeze("staging", "fire");
  ASSERT_TRUE(eventually([&] { return count<NotificationSent>() == 1; }));
  const auto body = boost::json::parse(asked().at(0).body).as_object();
  EXPECT_EQ(body.at("routing_key"), "routing-key-1");
  EXPECT_EQ(body.at("event_action"), "trigger");
  EXPECT_EQ(body.at("dedup_key"),
            boost::json::string("test/log/" + std::to_string(all<NotificationSent>().at(0).about)));
  EXPECT_EQ(body.at("payload").at("summary"), "freeze set: staging: fire");
  EXPECT_EQ(body.at("payload").at("severity"), "info");
}

TEST_F(NotifierTest, AnIncidentThatIsResolvedResolvesItsAlert) {
  const std::string opened =
      R"({"specversion":"1.0","id":"7","source":"a/log","type":"dev.headgate.incident.opened.v1","time":"t","actor":"engine","data":{"id":"3","reason":"500"}})";
  auto resolved = opened;
  resolved.replace(resolved.find("opened"), 6, "resolved");
  const auto text = notification_text(opened, people_);
  const auto end = notification_text(resolved, people_);
  ASSERT_TRUE(text && end);
  const auto trigger = boost::json::parse(pagerduty_body(*text, "k")).as_object();
  const auto resolve = boost::json::parse(pagerduty_body(*end, "k")).as_object();
  EXPECT_EQ(trigger.at("event_action"), "trigger");
  EXPECT_EQ(trigger.at("payload").at("severity"), "critical");
  EXPECT_EQ(resolve.at("event_action"), "resolve");
  EXPECT_EQ(trigger.at("dedup_key"), resolve.at("dedup_key"));
}

}  // namespace
}  // namespace headgate::reconciler
