// A notifier over a running engine with the log in memory; receivers of HTTP are a function of the test.
#pragma once

#include <gmock/gmock.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "reconciler/notifier.h"
#include "reconciler/offline_people.h"
#include "tests/fakes/http_client.h"
#include "tests/fakes/secrets.h"
#include "tests/runtime/engine_fixture.h"

namespace headgate::reconciler {

using namespace std::chrono_literals;

inline const std::string key = "the-key-of-the-hook";

struct Told {
  std::string head;  // method and URL, then the headers, one a line
  std::string body;
  bool operator==(const Told&) const = default;
};

// Between the notifier and the engine: counts the looks at the state, can let it stand behind the log, and can lose
// what is to be recorded, as a crash before the append does.
class Between final : public StateView, public CommandSink {
 public:
  explicit Between(runtime::Engine& engine) : engine_(engine) {}
  void with_state(const std::function<void(const State&)>& read) const override {
    ++looks;
    {
      const std::scoped_lock lock(mutex_);
      if (held_) return read(*held_);
    }
    engine_.with_state(read);
  }
  void hold() {
    engine_.with_state([&](const State& state) {
      const std::scoped_lock lock(mutex_);
      held_ = state;
    });
  }
  void let_go() {
    const std::scoped_lock lock(mutex_);
    held_.reset();
  }
  bool submit(Submission submission, std::function<void(Result<Receipt>)> done) override {
    if (!loses) return engine_.submit(std::move(submission), std::move(done));
    ++lost;
    return true;
  }
  mutable std::atomic<int> looks{0};
  std::atomic<bool> loses{false};
  std::atomic<int> lost{0};

 private:
  runtime::Engine& engine_;
  mutable std::mutex mutex_;
  std::optional<State> held_;
};

class NotifierTest : public runtime::testing::EngineTest {
 protected:
  void TearDown() override {
    notifier_.reset();
    EngineTest::TearDown();
  }

  static std::string url(const std::string& path) { return "http://receiver.example.com" + path; }
  static Receiver hook(std::string secret = "hook-key") {
    return {"hook", ReceiverKind::webhook, url("/hook"), std::move(secret), {}, 7};
  }
  static NotificationPolicy policy(std::vector<Receiver> receivers, std::vector<std::string> events,
                                   std::vector<std::string> environments = {}) {
    NotificationPolicy policy;
    policy.name = "default";
    Route route{std::move(events), std::move(environments), {}, 5};
    for (const auto& receiver : receivers) route.to.push_back(receiver.name);
    policy.routes = {std::move(route)};
    policy.receivers = std::move(receivers);
    return policy;
  }
  void notify(NotifierOptions options = {.first_delay = 1ms, .longest_delay = 2ms, .look_every = 20ms}) {
    if (!delivery_) delivery_.emplace(http_, mail_.get(), secrets_, people_, url("/pagerduty"));
    between_ = std::make_unique<Between>(*engine);
    notifier_ = std::make_unique<Notifier>(
        *between_, *between_, *log, *delivery_, clock,
        [this](NoticeLevel, std::string_view message, std::string_view) {
          const std::scoped_lock lock(mutex_);
          notices_.emplace_back(message);
        },
        options);
    notifier_->start();
  }
  void push(const std::string& commit, std::vector<Document> documents) {
    auto place = runtime::testing::staging_environment();
    documents.push_back(place);
    place.name = "production";
    documents.push_back(place);
    EngineTest::push(commit, std::move(documents));
  }
  Result<HttpResponse> take(const HttpRequest& request) {
    if (request.url.starts_with("http://away.example.com/")) return fail(ErrorCode::io, "nobody is there");
    std::string head = request.method + " " + request.url + "\n";
    for (const auto& [name, value] : request.headers) head += name + ": " + value + "\n";
    const std::scoped_lock lock(mutex_);
    asked_.push_back({std::move(head), request.body});
    HttpResponse response;
    response.status = answers_.empty() ? 204 : answers_.front();
    if (!answers_.empty()) answers_.erase(answers_.begin());
    return response;
  }
  std::vector<Told> asked() {
    const std::scoped_lock lock(mutex_);
    return asked_;
  }
  void answer(std::vector<int> statuses) {
    const std::scoped_lock lock(mutex_);
    answers_ = std::move(statuses);
  }
  void freeze(const std::string& environment, const std::string& reason) {
    ASSERT_TRUE(run(SetFreeze{environment, {}, reason, {}}));
  }
  template <class E>
  std::vector<E> all() const {
    std::vector<E> found;
    EXPECT_TRUE(log->fold(0, log->size(), [&](const Recorded<Event>& e) {
      if (const auto* event = std::get_if<E>(&e.event)) found.push_back(*event);
    }));
    return found;
  }
  std::string stored(Position position) const { return log->read(position, 1)->front().bytes; }

  std::mutex mutex_;
  std::vector<Told> asked_;
  std::vector<int> answers_;
  std::vector<std::string> notices_;
  fakes::FakeHttpClient http_{[this](const HttpRequest& request, const std::stop_token&) { return take(request); }};
  std::unique_ptr<MailSender> mail_;  // for who sets one
  fakes::FixedSecrets secrets_{{{"hook-key", key}}};
  OfflinePeople people_;
  std::optional<NotificationDelivery> delivery_;
  std::unique_ptr<Between> between_;
  std::unique_ptr<Notifier> notifier_;
};

}  // namespace headgate::reconciler
