// Tokens and people: for admins to change, for auditors to see.
#include <fmt/format.h>

#include <algorithm>

#include "api/erasure.h"
#include "api/json_reader.h"
#include "api/paging.h"
#include "api/routes.h"
#include "api/secrets.h"
#include "api/views_promotion.h"
#include "engine/base/digest.h"

namespace headgate::api {
namespace {

constexpr std::string_view tokens_kind = "tokens";
constexpr std::string_view people_kind = "people";

void write_roles(JsonWriter& json, const std::vector<Role>& roles) {
  json.begin_array();
  for (const auto role : roles) json.value(name_of(role));
  json.end_array();
}

std::string owner_of(const AccessPolicy* policy, const std::string& token) {
  std::string owner;
  if (!policy) return owner;
  for (const auto& person : policy->people) {
    if (std::ranges::find(person.tokens, token) != person.tokens.end()) owner = person.id;
  }
  return owner;
}

struct TokenRow {
  std::string id;
  TokenState token;
  std::string owner;
};

Result<Response> list_tokens(const Core& core, const Call& call) {
  QueryReader query(call.request.query);
  const auto page = read_page(query, tokens_kind);
  HEADGATE_TRY_VOID(query.finish());
  std::vector<TokenRow> rows;
  bool more = false;
  const auto seen = core.deps.engine.read([&](const State& state) {
    auto at = page.after ? state.tokens.upper_bound(*page.after) : state.tokens.begin();
    for (; at != state.tokens.end() && rows.size() < page.limit; ++at) {
      rows.push_back({at->first, at->second, owner_of(state.access(), at->first)});
    }
    more = at != state.tokens.end();
    return state.next;
  });
  const auto names = core.names_for(call);
  JsonWriter json;
  json.begin_object().key("tokens").begin_array();
  for (const auto& [id, token, owner] : rows) {
    json.begin_object().field("id", id);
    json.field("name", core.deps.people.token_name(id).value_or(""));
    write_roles(json.key("roles"), token.roles);
    names.write(json.key("person"), owner);
    json.field("created", format_timestamp(token.created));
    write_time(json.key("expires"), token.expires);
    json.end_object();
  }
  json.end_array();
  write_next(json, tokens_kind, more ? std::optional(rows.back().id) : std::nullopt);
  json.end_object();
  auto response = Response::json(200, json.take());
  Core::set_position(response, seen);
  return response;
}

struct NewToken {
  std::string name;
  std::vector<Role> roles;
  std::optional<Timestamp> expires;
};

Result<NewToken> read_token(const Core& core, const Call& call) {
  HEADGATE_TRY(const auto value, json_body(call));
  JsonReader body(value);
  NewToken token;
  token.name = body.required_string("name");
  if (!token.name.empty() && !is_handle(token.name)) {  // by another one no AccessPolicy could say whose it is
    body.refuse("name", fmt::format("{} bytes", token.name.size()),
                "up to 63 letters, digits and . _ -, beginning with a letter or digit");
  }
  for (const auto& text : body.optional_strings("roles")) {
    const auto role = parse_enum<Role>(text);
    if (!role) {
      body.refuse("roles", "'" + text.substr(0, 64) + "'",
                  fmt::format("one of {}", fmt::join(EnumNames<Role>::names, ", ")));
    } else if (std::ranges::find(token.roles, *role) == token.roles.end()) {
      token.roles.push_back(*role);
    }
  }
  if (const auto text = body.optional_string("expires")) {
    const auto time = parse_timestamp(*text);
    if (!time) {
      body.refuse("expires", "'" + text->substr(0, 64) + "'", "a time of RFC 3339");
    } else if (*time <= core.now()) {
      body.refuse("expires", *text, "a time to come");
    } else {
      token.expires = *time;
    }
  }
  HEADGATE_TRY_VOID(body.finish());
  return token;
}

// The id that the name has, where a token of that name exists: asking the directory would make one.
Result<std::string> id_for(Core& core, const Call& call, const std::string& name) {
  if (!call.dry_run) return core.deps.people.token_id(name);
  std::vector<std::string> ids;
  core.deps.engine.read([&](const State& state) {
    for (const auto& [id, token] : state.tokens) ids.push_back(id);
  });
  for (auto& id : ids) {
    if (core.deps.people.token_name(id) == name) return std::move(id);
  }
  return std::string("token:new");
}

void create_token(Core& core, const CallPtr& call) {
  auto token = read_token(core, *call);
  if (!token) return core.answer(*call, std::unexpected(token.error()));
  auto id = id_for(core, *call, token->name);
  if (!id) return core.answer(*call, std::unexpected(id.error()));
  auto text = new_token();
  if (!text) return core.answer(*call, std::unexpected(text.error()));
  const CreateToken command{*id, sha256_digest(*text), token->roles, token->expires};
  WriteAnswer answer;
  answer.status = 201;
  answer.fields = [token = std::move(*token), id = *id, text = std::move(*text)](JsonWriter& json,
                                                                                 const Receipt& receipt) {
    json.field("id", id).field("name", token.name);
    write_roles(json.key("roles"), token.roles);
    write_time(json.key("expires"), token.expires);
    json.key("token");
    if (receipt.repeated) {
      // What was made first is known to its first reader only.
      json.value(nullptr);
      json.field("note",
                 "the token was made by an earlier request with this key and its text was shown then; if it "
                 "is lost, revoke the token and create another");
    } else {
      json.value(text);
    }
  };
  core.submit(call, command, std::move(answer));
}

void revoke_token(Core& core, const CallPtr& call) {
  auto id = call->request.parameter("id");
  if (!id.starts_with("token:")) id = "token:" + id;
  WriteAnswer answer;
  answer.fields = [id](JsonWriter& json, const Receipt&) { json.field("id", id).field("revoked", true); };
  core.submit(call, RevokeToken{id}, std::move(answer));
}

void write_person(JsonWriter& json, const PersonRecord& person) {
  const auto write_texts = [&](std::string_view name, const std::vector<std::string>& texts) {
    json.key(name).begin_array();
    for (const auto& text : texts) json.value(text);
    json.end_array();
  };
  json.begin_object().field("id", person.id).field("name", person.name);
  write_texts("emails", person.emails);
  write_texts("oidc", person.oidc);
  write_texts("signing_keys", person.signing_keys);
  json.end_object();
}

Result<Response> list_people(const Core& core, const Call& call) {
  QueryReader query(call.request.query);
  const auto page = read_page(query, people_kind);
  HEADGATE_TRY_VOID(query.finish());
  auto people = core.deps.people.list();
  std::ranges::sort(people, {}, &PersonRecord::id);
  auto at = page.after ? std::ranges::upper_bound(people, *page.after, {}, &PersonRecord::id) : people.begin();
  JsonWriter json;
  json.begin_object().key("people").begin_array();
  std::string last;
  for (std::size_t shown = 0; at != people.end() && shown < page.limit; ++at, ++shown) {
    last = at->id;
    write_person(json, *at);
  }
  json.end_array();
  write_next(json, people_kind, at == people.end() ? std::nullopt : std::optional(last));
  json.end_object();
  return Response::json(200, json.take());
}

std::string person_of_path(const Call& call) {
  const auto& id = call.request.parameter("id");
  return id.starts_with("person:") ? id : "person:" + id;
}

Result<Response> get_person(const Core& core, const Call& call) {
  const auto person = core.deps.people.find(person_of_path(call));
  if (!person) return fail(ErrorCode::not_found, "no person of that id, or one that was erased");
  JsonWriter json;
  write_person(json, *person);
  return Response::json(200, json.take());
}

Result<Response> erase_person(Core& core, const Call& call) {
  const auto id = person_of_path(call);
  Eraser eraser(core.deps.engine, core.deps.engine, core.deps.log, core.deps.people, core.deps.clock);
  JsonWriter json;
  json.begin_object();
  if (call.dry_run) {
    HEADGATE_TRY_VOID(eraser.check(id));
    json.field("dry_run", true).field("id", id).end_object();
    return Response::json(200, json.take());
  }
  HEADGATE_TRY(const auto erasure, eraser.erase(id, call.principal.actor()));
  json.field("id", id).field("erased", true).field("changed", !erasure.repeated);
  Receipt receipt;
  receipt.last = erasure.position;
  receipt.leaf_hash = erasure.leaf_hash;
  write_receipt(json, receipt, true);
  json.end_object();
  auto response = Response::json(200, json.take());
  Core::set_position(response, core.deps.engine.position());
  return response;
}

}  // namespace

void add_access_routes(Core& core, Router& router) {
  core.quick(router, "GET", "/v1/tokens", "auditor everywhere",
             [&core](Call& call) { return list_tokens(core, call); });
  // The directory of people is files: not for a socket thread. A token's roles hold everywhere, so that only an admin
  // everywhere gives no more than they have.
  core.async(router, "POST", "/v1/tokens", "admin everywhere",
             [&core](const CallPtr& call) { core.work(call, [&core](const CallPtr& c) { create_token(core, c); }); });
  core.async(router, "DELETE", "/v1/tokens/{id}", "admin everywhere",
             [&core](const CallPtr& call) { revoke_token(core, call); });
  core.heavy(router, "GET", "/v1/people", "auditor everywhere",
             [&core](Call& call) { return list_people(core, call); });
  core.heavy(router, "GET", "/v1/people/{id}", "auditor everywhere",
             [&core](Call& call) { return get_person(core, call); });
  core.heavy(router, "DELETE", "/v1/people/{id}", "admin everywhere",
             [&core](Call& call) { return erase_person(core, call); });
}

}  // namespace headgate::api
