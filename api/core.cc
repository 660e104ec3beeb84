#include "api/core.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <boost/beast/core/string.hpp>
#include <exception>

#include "api/described_json.h"
#include "api/json_reader.h"
#include "api/problem.h"
#include "api/query_reader.h"
#include "api/secrets.h"
#include "engine/base/digest.h"
#include "engine/base/trimmed.h"

namespace headgate::api {
namespace {

constexpr std::size_t max_idempotency_key = 128;

const std::string* parameter_or_null(const Request& request, std::string_view name) {
  const auto found =
      std::ranges::find(request.parameters, name, [](const auto& entry) { return std::string_view(entry.first); });
  return found == request.parameters.end() ? nullptr : &found->second;
}

// Of a Host header, with or without a port: whether it names this host itself.
bool names_this_host(std::string_view host) {
  const bool v6 = host.starts_with('[');
  const auto end = v6 ? host.find(']') : host.find(':');
  const std::string name(host.substr(v6 ? 1 : 0, end == std::string_view::npos ? end : end - (v6 ? 1 : 0)));
  in_addr address{};
  in6_addr address6{};
  if (!v6 && inet_pton(AF_INET, name.c_str(), &address) == 1) return ntohl(address.s_addr) >> 24 == 127;
  if (v6 && inet_pton(AF_INET6, name.c_str(), &address6) == 1) return IN6_IS_ADDR_LOOPBACK(&address6);
  return !v6 && name == "localhost";
}

// Whether the request was made on this host. A proxy here speaks for somebody elsewhere, and says so, or passes on the
// name that it was called by.
bool is_local(const Request& request) {
  constexpr std::array proxies{"forwarded", "x-forwarded-for", "x-real-ip", "via"};
  const auto host = request.headers.one("host");
  return request.is_loopback && host && *host && names_this_host(**host) &&
         std::ranges::none_of(proxies, [&](const auto* name) { return request.headers.count(name) > 0; });
}

std::string words_for(const Reach& reach) {
  using enum Reach::Extent;
  const auto& service = reach.service();
  const auto& environment = reach.environment();
  if (service.extent == one && environment.extent == one) {
    return fmt::format(" for {}/{}", service.name, environment.name);
  }
  if (service.extent == one) return fmt::format(" for service {}", service.name);
  if (environment.extent == one) return fmt::format(" for environment {}", environment.name);
  return service.extent == all ? " for every service and environment" : "";
}

std::string_view article(std::string_view role) {
  return std::string_view("aeiou").find(role.front()) == std::string_view::npos ? "a" : "an";
}

// What the principal lacks: the role, or the sign-in that it asks for.
std::unexpected<Error> lacks_role(const State& state, const Principal& principal, Role role, const Reach& reach) {
  const auto name = name_of(role);
  auto text = fmt::format("this needs {} {} role{}", article(name), name, words_for(reach));
  if (const auto claims = missing_claims(state, principal, role, reach); !claims.empty()) {
    text += ": " + claims;
  }
  return fail(ErrorCode::forbidden, std::move(text));
}

// Only ids that the engine could have given out are worth asking for.
Result<std::string> name_of_path(const Request& request, std::string_view parameter) {
  const auto& text = request.parameter(parameter);
  if (is_name(text)) return text;
  return fail(ErrorCode::not_found, fmt::format("'{}' cannot be the name of a {}", text, parameter));
}

// Of a body that is no JSON by its own word.
std::optional<Response> refuse_type(const Request& request) {
  if (request.body.empty()) return std::nullopt;
  const auto type = request.headers.one("content-type");
  if (!type) return problem(type.error());
  if (!*type) return std::nullopt;
  constexpr std::string_view json = "application/json";
  if (boost::beast::iequals(trimmed((*type)->substr(0, (*type)->find(';'))), json)) return std::nullopt;
  return problem({ErrorCode::invalid_input,
                  "the body must be JSON",
                  {{"Content-Type", std::string((*type)->substr(0, 128)), std::string(json)}}},
                 415);
}

Response dry_run_answer(const Receipt& receipt, const WriteAnswer& write) {
  JsonWriter json;
  json.begin_object().field("dry_run", true);
  if (write.preview) write.preview(json);
  json.key("events").begin_array();
  for (const auto& event : receipt.events) write_event(json, event);
  json.end_array();
  write_receipt(json, receipt, false);
  json.end_object();
  return Response::json(200, json.take());
}

}  // namespace

Result<IdempotencyKey> idempotency_key(const Request& request) {
  HEADGATE_TRY(const auto key, request.headers.one("idempotency-key"));
  if (!key) return IdempotencyKey{};
  const bool printable = std::ranges::all_of(*key, [](char c) { return c >= 0x20 && c < 0x7f; });
  if (key->empty() || key->size() > max_idempotency_key || !printable) {
    return fail(ErrorCode::invalid_input, "the Idempotency-Key cannot be used",
                {{"Idempotency-Key", fmt::format("{} bytes", key->size()), "1 to 128 characters of printable ASCII"}});
  }
  return IdempotencyKey{std::string(*key), sha256_digest(request.method + '\n' + request.target + '\n' + request.body)};
}

Core::Core(ApiDependencies dependencies, ApiOptions with)
    : deps(std::move(dependencies)),
      options(with),
      pool(options.workers, options.queue_limit),
      feed(deps.engine, deps.log, deps.clock, options.max_streams),
      denials(deps.engine, options.denial_window) {}

Core::~Core() = default;

void Core::set_position(Response& response, Position next) {
  if (next > 0) response.set("Headgate-Position", std::to_string(next - 1));
}

void Core::quick(Router& router, std::string method, std::string pattern, std::string access, ReadHandler handler,
                 bool counted) {
  add(
      router, std::move(method), std::move(pattern), std::move(access),
      [this, handler = std::move(handler)](const CallPtr& call) { answer(*call, handler(*call)); }, 0, counted);
}

void Core::heavy(Router& router, std::string method, std::string pattern, std::string access, ReadHandler handler,
                 std::size_t max_body_bytes) {
  add(
      router, std::move(method), std::move(pattern), std::move(access),
      [this, handler = std::move(handler)](const CallPtr& call) { on_worker(call, handler); }, max_body_bytes);
}

void Core::async(Router& router, std::string method, std::string pattern, std::string access, AsyncHandler handler) {
  add(router, std::move(method), std::move(pattern), std::move(access), std::move(handler), 0);
}

void Core::add(Router& router, std::string method, std::string pattern, std::string access, AsyncHandler handler,
               std::size_t max_body_bytes, bool counted) {
  const auto rule = AccessRule::of(access, pattern);
  const bool takes_json = max_body_bytes == 0;  // a limit of its own is for bytes of any type
  router.add({.method = std::move(method),
              .pattern = std::move(pattern),
              .access = std::move(access),
              .handler =
                  [this, rule, handler = std::move(handler), takes_json](Request request, Reply reply) {
                    admit(std::make_shared<Call>(std::move(request), std::move(reply)), rule, handler, takes_json);
                  },
              .max_body_bytes = max_body_bytes,
              .refusal = [this, rule](const Request& request) { return refusal(request, rule); },
              .counted = counted});
}

// Judged again when the body is there: the token may have been revoked meanwhile.
std::optional<Response> Core::refusal(const Request& request, const AccessRule& rule) {
  if (rule.admits_anybody(is_local(request))) return std::nullopt;
  Principal refused;
  const auto caller = authenticate(request, rule, refused);
  if (caller) return std::nullopt;
  auto response = problem(caller.error());
  note_denial(response, request.route, refused);
  return response;
}

void Core::admit(const CallPtr& call, const AccessRule& rule, const AsyncHandler& handler, bool takes_json) {
  if (!rule.admits_anybody(is_local(call->request))) {
    auto caller = authenticate(call->request, rule, call->principal);
    if (!caller) return answer(*call, std::unexpected(caller.error()));
    static_cast<Caller&>(*call) = std::move(*caller);
  }
  if (call->request.method == "GET" || call->request.method == "HEAD") return wait_for_position(call, handler);
  if (takes_json) {
    if (auto problem = refuse_type(call->request)) return answer(*call, std::move(*problem));
  }
  // A mistyped dry_run must not become the real thing.
  QueryReader query(call->request.query);
  call->dry_run = query.flag("dry_run").value_or(false);
  if (call->request.method == "DELETE") static_cast<void>(query.text("reason"));
  static_cast<void>(query.number("min_position"));
  if (auto read = query.finish(); !read) return answer(*call, std::unexpected(read.error()));
  handler(call);
}

Result<Caller> Core::authenticate(const Request& request, const AccessRule& rule, Principal& refused) const {
  const auto refuse = [](std::string why) { return fail(ErrorCode::unauthenticated, std::move(why)); };
  const auto header = request.headers.one("authorization");
  if (!header) return refuse("the Authorization header was sent more than once");
  if (!*header) return refuse("no token: send 'Authorization: Bearer <token>'");
  std::string_view text = **header;
  constexpr std::string_view scheme = "bearer ";
  const bool bearer = text.size() > scheme.size() &&
                      std::ranges::equal(text.substr(0, scheme.size()), scheme, [](char sent, char expected) {
                        return (sent >= 'A' && sent <= 'Z' ? sent - 'A' + 'a' : sent) == expected;
                      });
  if (!bearer) return refuse("the Authorization header holds no bearer token");
  text.remove_prefix(std::min(text.find_first_not_of(' ', scheme.size() - 1), text.size()));
  if (!is_token(text)) return refuse("the bearer token is not one of Headgate's");
  Caller caller;
  caller.token_digest = sha256_digest(text);
  const auto reach = rule.reach(parameter_or_null(request, "service"), parameter_or_null(request, "environment"));
  const auto at = now();
  return deps.engine.read([&](const State& state) -> Result<Caller> {
    auto principal = headgate::authenticate(state, caller.token_digest, at);
    if (!principal) return refuse("the token is unknown, revoked or expired");
    caller.principal = std::move(*principal);
    constexpr std::array seeing{Role::admin, Role::auditor, Role::operator_, Role::approver};
    caller.sees_names =
        std::ranges::any_of(seeing, [&](Role role) { return may(state, caller.principal, role, Reach::somewhere()); });
    if (may(state, caller.principal, rule.role, reach)) return std::move(caller);
    refused = caller.principal;
    return lacks_role(state, caller.principal, rule.role, reach);
  });
}

std::vector<std::string> Core::ids_of(const Call& call, std::string_view name) const {
  std::vector<std::string> tokens;
  deps.engine.read([&](const State& state) {
    for (const auto& [id, token] : state.tokens) tokens.push_back(id);
  });
  return names_for(call).ids_of(name, tokens);
}

Result<void> Core::require(const Call& call, Role role, const Reach& reach) const {
  return deps.engine.read([&](const State& state) -> Result<void> {
    if (may(state, call.principal, role, reach)) return {};
    return lacks_role(state, call.principal, role, reach);
  });
}

void Core::wait_for_position(const CallPtr& call, const AsyncHandler& handler) {
  QueryReader query(call->request.query);
  const auto wanted = query.number("min_position", 0, std::numeric_limits<Position>::max() - 1);
  if (!wanted && call->request.query.count("min_position") > 0) {
    return answer(*call, fail(ErrorCode::invalid_input, "query parameter 'min_position': expected one position",
                              {{"min_position", "no position", "a whole number"}}));
  }
  if (!wanted || deps.engine.position() > *wanted) return handler(call);
  deps.engine.when_at(
      *wanted + 1, options.min_position_wait, [self = weak_from_this(), call, handler, wanted](bool reached) {
        const auto core = self.lock();
        if (!core) return;  // the engine outlived the API: nobody waits any more
        // On a thread of the engine: what follows is for a worker.
        core->work(call, [core = core.get(), handler, wanted, reached](const CallPtr& c) {
          if (reached) return handler(c);
          core->answer(*c, problem(503, fmt::format("position {} was not reached in time; the log ends at {}", *wanted,
                                                    core->deps.engine.position() - 1)));
        });
      });
}

void Core::on_worker(const CallPtr& call, ReadHandler handler) {
  work(call, [this, handler = std::move(handler)](const CallPtr& c) { answer(*c, handler(*c)); });
}

void Core::work(const CallPtr& call, AsyncHandler handler) {
  const bool taken = pool.submit([call, handler = std::move(handler)] {
    try {
      handler(call);
    } catch (const std::exception&) {
      // Out of memory, most likely: the reply that is dropped with the call answers 500.
    }
  });
  if (!taken) answer(*call, problem(503, "too many long reads wait"));
}

void Core::answer(Call& call, Result<Response> response) {
  if (response) {
    answer(call, std::move(*response));
  } else {
    answer(call, problem(response.error()));
  }
}

void Core::answer(Call& call, Response response) {
  note_denial(response, call.request.route, call.principal);
  call.reply(std::move(response));
}

void Core::note_denial(const Response& response, std::string_view route, const Principal& who) {
  if (response.status != 401 && response.status != 403) return;
  const auto reason = response.status == 401 ? Denial::unauthenticated : Denial::forbidden;
  denials.record(reason, route, who.actor());
  deps.metrics.access_denied(reason);
}

void Core::submit(const CallPtr& call, Command command, WriteAnswer write) {
  auto key = idempotency_key(call->request);
  if (!key) return answer(*call, std::unexpected(key.error()));
  Submission submission;
  submission.command = std::move(command);
  submission.actor = call->principal.actor();
  submission.claims = call->principal.claims;
  submission.dry_run = call->dry_run;
  if (!key->text.empty() && !call->dry_run) {
    submission.idempotency_key = std::move(key->text);
    submission.request_digest = std::move(key->request_digest);
  }
  const bool queued = deps.engine.submit(
      std::move(submission),
      [self = weak_from_this(), call, write = std::move(write)](Result<Receipt> receipt) noexcept {
        const auto core = self.lock();
        if (!core) return;
        try {
          if (receipt) return core->answer_write(*call, *receipt, write);
          const auto& error = receipt.error();
          // The text was well-formed, or the engine would not have seen it: what it means was refused.
          core->answer(*call, error.code == ErrorCode::invalid_input ? problem(error, 422) : problem(error));
        } catch (const std::exception&) {
          // The reply that is dropped with the call answers 500.
        }
      });
  if (!queued) answer(*call, problem(503, "the queue of commands is full, or the server is stopping"));
}

void Core::answer_write(Call& call, const Receipt& receipt, const WriteAnswer& write) {
  if (call.dry_run) {
    auto response = dry_run_answer(receipt, write);
    set_position(response, receipt.seen);
    return answer(call, std::move(response));
  }
  const bool changed = receipt.count > 0;
  JsonWriter json;
  json.begin_object();
  if (write.fields) write.fields(json, receipt);
  json.field("changed", changed);
  if (receipt.repeated) json.field("repeated", true);
  write_receipt(json, receipt, changed);
  json.end_object();
  auto response = Response::json(changed ? write.status : 200, json.take());
  if (write.location && changed) {
    if (auto location = write.location(receipt); !location.empty()) response.set("Location", std::move(location));
  }
  set_position(response, receipt.seen);
  answer(call, std::move(response));
}

void write_receipt(JsonWriter& json, const Receipt& receipt, bool written) {
  json.key("position");
  if (written) {
    json.value(receipt.last);
  } else {
    json.value(nullptr);
  }
  json.key("leaf_hash");
  if (!written) {
    json.value(nullptr);
    return;
  }
  json.value(hex(receipt.leaf_hash));
}

Result<JsonValue> json_body(const Call& call, bool optional) {
  if (call.request.body.empty() && optional) return JsonValue{JsonObject{}};
  return parse_json(call.request.body);
}

Result<std::string> reason_of_deletion(const Call& call) {
  HEADGATE_TRY(const auto value, json_body(call, true));
  JsonReader body(value);
  auto reason = body.optional_string("reason");
  HEADGATE_TRY_VOID(body.finish());
  if (!reason) reason = QueryReader(call.request.query).text("reason");
  return std::move(reason).value_or("");
}

Result<TargetId> target_of_path(const Request& request) {
  HEADGATE_TRY(auto service, name_of_path(request, "service"));
  HEADGATE_TRY(auto environment, name_of_path(request, "environment"));
  return TargetId{std::move(service), std::move(environment)};
}

Result<PromotionId> promotion_of_path(const Request& request) {
  HEADGATE_TRY(const auto target, target_of_path(request));
  auto id = parse_promotion_id(to_string(target) + "/" + request.parameter("n"));
  if (!id)
    return fail(ErrorCode::not_found, fmt::format("no promotion {}/{}", to_string(target), request.parameter("n")));
  return id;
}

}  // namespace headgate::api
