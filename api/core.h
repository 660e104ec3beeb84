// What every route shares: who is asking, the way to the engine and back, and the shape of answers. Route files
// register through it, so that no route can be without its access rule.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/access_rule.h"
#include "api/denial_recorder.h"
#include "api/dependencies.h"
#include "api/event_feed.h"
#include "api/http.h"
#include "api/json.h"
#include "api/json_writer.h"
#include "api/metrics.h"
#include "api/names_view.h"
#include "api/router.h"
#include "api/worker_pool.h"
#include "engine/domain/access.h"

namespace headgate::api {

// Who sent a request; nobody on open routes.
struct Caller {
  Principal principal;
  std::string token_digest;  // sha256:<hex> of what they came in with
  bool sees_names = false;   // of people, beside their ids
};

// One request on its way.
struct Call : Caller {
  Call(Request r, Reply a) : request(std::move(r)), reply(std::move(a)) {}

  Request request;
  Reply reply;
  bool dry_run = false;
};
using CallPtr = std::shared_ptr<Call>;

using ReadHandler = std::function<Result<Response>(Call&)>;
using AsyncHandler = std::function<void(CallPtr)>;

// How a write is answered, once it is durable: `fields` writes the result into the open object, beside position,
// leaf_hash and changed. It runs on the engine's thread that commits and must be quick.
struct WriteAnswer {
  int status = 200;  // 200 in any case when nothing changed
  std::function<void(JsonWriter&, const Receipt&)> fields{};
  std::function<std::string(const Receipt&)> location{};  // of what was made; may be empty
  std::function<void(JsonWriter&)> preview{};             // what a dry run tells beside its events
};

class Core : public std::enable_shared_from_this<Core> {
 public:
  Core(ApiDependencies dependencies, ApiOptions options);
  ~Core();

  // `access`: none, loopback (open there unless a proxy sent it, elsewhere a viewer's of everything), or a role: for
  // the {service} and {environment} of the pattern, or, where it has none, "somewhere" or "everywhere" (access_rule.h).
  //   quick  on the socket thread: state in memory only
  //   heavy  on a worker: the log, files, folds
  //   async  takes the call and answers when it can
  // A body is JSON, and said to be nothing else (415); with max_body_bytes it is bytes of any type. `counted`: as of
  // Route.
  void quick(Router& router, std::string method, std::string pattern, std::string access, ReadHandler handler,
             bool counted = true);
  void heavy(Router& router, std::string method, std::string pattern, std::string access, ReadHandler handler,
             std::size_t max_body_bytes = 0);
  void async(Router& router, std::string method, std::string pattern, std::string access, AsyncHandler handler);

  // The role, where the pattern alone did not tell for what. An Error is the whole answer.
  Result<void> require(const Call& call, Role role, const Reach& reach) const;

  // Durable first, then the answer. Takes care of Idempotency-Key, dry_run, a full queue and refusals.
  void submit(const CallPtr& call, Command command, WriteAnswer answer);
  // On a worker; 503 when too many wait.
  void on_worker(const CallPtr& call, ReadHandler handler);
  void work(const CallPtr& call, AsyncHandler handler);  // the handler answers

  void answer(Call& call, Result<Response> response);
  void answer(Call& call, Response response);

  // Runs `read` under the engine's lock, so it must be quick: a row, no directory of people, no page of what is judged.
  // Says in the answer which position it saw.
  template <class F>
  Result<Response> from_state(F&& read) const {
    return deps.engine.read([&](const State& state) -> Result<Response> {
      Result<Response> response = read(state);
      if (response) set_position(*response, state.next);
      return response;
    });
  }
  Names names_for(const Call& call) const { return {deps.people, call.sees_names}; }
  // Whom a name stands for that the caller may see: for read_event_filter.
  std::vector<std::string> ids_of(const Call& call, std::string_view name) const;
  Timestamp now() const { return deps.clock.now(); }

  // Headgate-Position: the last event that the answer reflects.
  static void set_position(Response& response, Position next);

  const ApiDependencies deps;
  const ApiOptions options;
  WorkerPool pool;
  EventFeed feed;
  DenialRecorder denials;

 private:
  void add(Router& router, std::string method, std::string pattern, std::string access, AsyncHandler handler,
           std::size_t max_body_bytes, bool counted = true);
  void admit(const CallPtr& call, const AccessRule& rule, const AsyncHandler& handler, bool takes_json);
  // `refused`: who it is that may not.
  Result<Caller> authenticate(const Request& request, const AccessRule& rule, Principal& refused) const;
  std::optional<Response> refusal(const Request& request, const AccessRule& rule);
  void note_denial(const Response& response, std::string_view route, const Principal& who);
  void wait_for_position(const CallPtr& call, const AsyncHandler& handler);
  void answer_write(Call& call, const Receipt& receipt, const WriteAnswer& answer);
};

struct IdempotencyKey {
  std::string text;            // empty: there is none
  std::string request_digest;  // of what it stands for: another one under the same key is refused
};
Result<IdempotencyKey> idempotency_key(const Request& request);

// The body as JSON; an absent one reads as {} where it is optional.
Result<JsonValue> json_body(const Call& call, bool optional = false);

// Why something is deleted: `reason` of the body, which may be absent, or else of the query.
Result<std::string> reason_of_deletion(const Call& call);

// service/environment/n of the path. not_found when it cannot be one.
Result<PromotionId> promotion_of_path(const Request& request);
Result<TargetId> target_of_path(const Request& request);

// "position" and "leaf_hash" of what was written; null where nothing was.
void write_receipt(JsonWriter& json, const Receipt& receipt, bool written);

}  // namespace headgate::api
