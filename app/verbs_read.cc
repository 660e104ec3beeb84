// status, get, events, explain, timeline, state: what only looks.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <limits>
#include <map>
#include <thread>

#include "app/cli.h"
#include "app/client.h"
#include "app/promotion_verb.h"
#include "app/table.h"
#include "engine/domain/names.h"

namespace headgate::app {
namespace {

namespace json = boost::json;

std::optional<std::string> waiting_for(const json::value& target) {
  const auto* conditions = value_at(target, {"waiting_for"});
  if (!conditions || !conditions->is_array() || conditions->as_array().empty()) return std::nullopt;
  auto text = shown_at(conditions->as_array().front(), {"text"});
  if (const auto more = conditions->as_array().size() - 1; more > 0) text += " (and " + std::to_string(more) + " more)";
  return text;
}

// Whether nothing is missing that anybody has wished. What a trigger waits for is no wish yet; the table shows it.
bool is_in_step(const json::value& target) {
  const auto* conditions = value_at(target, {"waiting_for"});
  if (!conditions || !conditions->is_array() || conditions->as_array().empty()) return true;
  const auto* current = value_at(target, {"current"});
  return current && current->is_object() && std::ranges::all_of(conditions->as_array(), [](const auto& condition) {
           return text_at(condition, {"guard"}) == "trigger";
         });
}

std::string state_of(const json::value& target) {
  const auto* promotion = value_at(target, {"promotion"});
  if (promotion && promotion->is_object()) {
    return shown_at(*promotion, {"phase"}) + " " + shown_at(*promotion, {"version"}) + " at " +
           shown_at(*promotion, {"step"});
  }
  if (text_at(target, {"orphaned"}) == "true") return "orphaned";
  if (text_at(target, {"retiring"}) == "true") return "retiring";
  const bool drifted = text_at(target, {"drift"}) == "true";
  for (const auto* stands : {"held", "pinned"}) {
    if (text_at(target, {stands})) return std::string(stands) + (drifted ? ", drifted" : "");
  }
  if (drifted) return "drifted";
  return is_in_step(target) ? "in step" : "waiting";
}

// What was seen last, and whether that is still looked at.
std::string observed_of(const json::value& place) {
  return shown_at(place, {"observed", "version"}) + (text_at(place, {"observation_error"}) ? " (cannot observe)" : "");
}

// Below its target, a row for each of its locations.
void add_locations(Table& table, const json::value& target) {
  const auto* locations = value_at(target, {"locations"});
  if (!locations || !locations->is_array()) return;
  for (const auto& location : locations->as_array()) {
    const bool standby = text_at(location, {"standby"}) == "true";
    const auto missed = shown_at(location, {"missed", "version"});
    table.add({shown_at(target, {"target"}) + "/" + shown_at(location, {"name"}), missed,
               shown_at(location, {"current", "version"}), observed_of(location),
               text_at(location, {"drift"}) == "true" ? "drifted"
               : standby                              ? "standby"
                                                      : "wave " + shown_at(location, {"wave"}),
               "-"});
  }
}

void print_targets(const json::array& targets, bool wide) {
  std::vector<std::string> header{"TARGET", "DESIRED", "CURRENT", "OBSERVED", "STATE", "WAITING FOR"};
  if (wide) header.insert(header.end(), {"WISHED BY", "DOCUMENT", "PROMOTIONS", "PINNED"});
  Table table(std::move(header));
  for (const auto& target : targets) {
    std::vector<std::string> row{shown_at(target, {"target"}),
                                 shown_at(target, {"desired", "version"}),
                                 shown_at(target, {"current", "version"}),
                                 observed_of(target),
                                 state_of(target),
                                 waiting_for(target).value_or("-")};
    if (wide) {
      row.insert(row.end(), {shown_at(target, {"desired_commit"}), shown_at(target, {"document", "file"}),
                             shown_at(target, {"promotions"}), shown_at(target, {"pinned"})});
    }
    table.add(std::move(row));
    add_locations(table, target);
  }
  table.print();
}

// Above everything else: while it is so, nothing that waits will begin.
Result<void> print_pause(Client& client) {
  HEADGATE_TRY(const auto state, client.get("/v1/state", {{"limit", "1"}}));
  if (text_at(state, {"effects", "paused"}) != "true") return {};
  std::printf("%s\n", bold("EFFECTS ARE PAUSED since " + shown_at(state, {"effects", "since"}) + ": " +
                           shown_at(state, {"effects", "reason"}) + " (headgate effects resume --reason …)")
                          .c_str());
  return {};
}

// A configuration that waits for people, or was rejected, is not what the table shows.
Result<void> print_configuration(Client& client) {
  HEADGATE_TRY(const auto answer, client.get("/v1/configuration"));
  if (const auto* rejected = value_at(answer, {"rejected"}); rejected && rejected->is_object()) {
    const auto* mistakes = value_at(*rejected, {"diagnostics"});
    std::string first;
    if (mistakes && mistakes->is_array() && !mistakes->as_array().empty()) {
      const auto& mistake = mistakes->as_array().front();
      first = shown_at(mistake, {"file"}) + ":" + shown_at(mistake, {"line"}) + ": " + shown_at(mistake, {"message"});
    }
    std::printf("%s\n", bold("COMMIT " + shown_at(*rejected, {"commit"}) + " IS REJECTED: " + first +
                             " (headgate config status)")
                            .c_str());
  }
  const auto* proposal = value_at(answer, {"proposal"});
  if (!proposal || !proposal->is_object()) return {};
  std::printf("%s\n", bold("COMMIT " + shown_at(*proposal, {"commit"}) + " WAITS FOR APPROVAL: it " +
                           shown_at(*proposal, {"text"}) + " (headgate config status)")
                          .c_str());
  return {};
}

// What is pushed there does not arrive.
Result<void> print_repositories(Client& client) {
  HEADGATE_TRY(const auto repositories, all_pages(client, "/v1/repositories", "repositories", {}));
  for (const auto& repository : repositories) {
    const auto* error = value_at(repository, {"error"});
    if (!error || !error->is_string()) continue;
    const auto line = "REPOSITORY " + shown_at(repository, {"name"}) +
                      " CANNOT BE FOLLOWED: " + printable(error->as_string()) + " (headgate get repositories)";
    std::printf("%s\n", bold(line).c_str());
  }
  return {};
}

Result<int> show_status(Client& client, const Cli& cli, const std::string& service) {
  HEADGATE_TRY(auto targets, all_pages(client, "/v1/targets", "targets", {{"service", service}}));
  // Without a target it may be a service that nobody knows.
  if (targets.empty() && !service.empty()) HEADGATE_TRY_VOID(client.get("/v1/services/" + percent_encode(service)));
  if (print_raw(cli.output, targets)) return exit_done;
  HEADGATE_TRY_VOID(print_pause(client));
  HEADGATE_TRY_VOID(print_repositories(client));
  HEADGATE_TRY_VOID(print_configuration(client));
  if (targets.empty()) {
    std::printf("no targets%s\n", service.empty() ? "" : (" of " + service).c_str());
    return exit_done;
  }
  print_targets(targets, cli.output == "wide");
  return exit_done;
}

struct Listing {
  using Columns = std::vector<std::pair<const char*, std::vector<std::string_view>>>;
  const char* path;
  Columns columns;
  Columns wide;  // after them, with -o wide
};

void print_listing(const Listing& listing, const json::array& rows, bool wide) {
  auto columns = listing.columns;
  if (wide) columns.insert(columns.end(), listing.wide.begin(), listing.wide.end());
  std::vector<std::string> header;
  for (const auto& [title, path] : columns) header.emplace_back(title);
  Table table(std::move(header));
  for (const auto& row : rows) {
    std::vector<std::string> cells;
    for (const auto& [title, path] : columns) {
      const auto* at = &row;
      for (const auto name : path) at = at && at->is_object() ? at->as_object().if_contains(name) : nullptr;
      cells.push_back(at ? cell_at(*at, {}) : "-");
    }
    table.add(std::move(cells));
  }
  table.print();
}

struct GetOptions {
  std::string service;
  std::string environment;
  std::string phase;
  bool active = false;
  std::size_t limit = 0;

  Query query() const {
    return {{"service", service}, {"environment", environment}, {"phase", phase}, {"active", active ? "true" : ""}};
  }
};

// A filter that the list does not have would give more than was asked for.
Result<void> check_filters(const std::string& what, const GetOptions& options) {
  static const std::map<std::string, std::vector<std::string_view>> filters{
      {"targets", {"service", "environment"}},
      {"incidents", {"service", "environment"}},
      {"promotions", {"service", "environment", "phase", "active"}},
      {"releases", {"service"}},
  };
  const auto known = filters.find(what);
  for (const auto& [name, value] : options.query()) {
    if (value.empty()) continue;
    if (known != filters.end() && std::ranges::find(known->second, name) != known->second.end()) continue;
    std::string with;
    for (const auto& [kind, names] : filters) {
      if (std::ranges::find(names, name) != names.end()) with += (with.empty() ? "" : ", ") + kind;
    }
    return fail(ErrorCode::invalid_input, "get " + what + " has no --" + name + ": only these have it: " + with +
                                              "; for the rest, -o json and jq");
  }
  return {};
}

Result<int> get(Client& client, const Cli& cli, const std::string& what, const GetOptions& options) {
  HEADGATE_TRY_VOID(check_filters(what, options));
  if (what == "targets") {
    HEADGATE_TRY(auto targets, all_pages(client, "/v1/targets", "targets", options.query(), options.limit));
    if (!print_raw(cli.output, targets)) print_targets(targets, cli.output == "wide");
    return exit_done;
  }
  static const std::map<std::string, Listing> listings{
      {"services",
       {"/v1/services",
        {{"SERVICE", {"name"}}, {"GROUP", {"group"}}},
        {{"ENVIRONMENTS", {"environments"}}, {"DOCUMENT", {"file"}}, {"COMMIT", {"commit"}}}}},
      {"environments",
       {"/v1/environments",
        {{"ENVIRONMENT", {"name"}}, {"FAILING MONITORS", {"failing_monitors"}}, {"SILENT", {"silent"}}},
        {{"DOCUMENT", {"file"}}, {"COMMIT", {"commit"}}}}},
      {"freezes",
       {"/v1/freezes",
        {{"FREEZE", {"id"}},
         {"ENVIRONMENT", {"environment"}},
         {"SERVICES", {"services"}},
         {"UNTIL", {"until"}},
         {"BY", {"by"}},
         {"REASON", {"reason"}}},
        {{"SINCE", {"time"}}, {"POSITION", {"position"}}}}},
      {"incidents",
       {"/v1/incidents",
        {{"INCIDENT", {"id"}},
         {"TARGET", {"target"}},
         {"PROMOTION", {"promotion"}},
         {"RELEASE", {"release"}},
         {"OPENED", {"opened"}},
         {"REASON", {"reason"}},
         {"NEXT STEP", {"next_step"}}},
        {{"ACKNOWLEDGED BY", {"acknowledged_by", "id"}}, {"FREEZE", {"freeze"}}, {"POSITION", {"position"}}}}},
      {"repositories",
       {"/v1/repositories",
        {{"REPOSITORY", {"name"}},
         {"BRANCH", {"branch"}},
         {"HEAD", {"head"}},
         {"FETCHED", {"fetched"}},
         {"ERROR", {"error"}}},
        {{"URL", {"url"}}}}},
      {"releases",
       {"/v1/releases/",
        {{"VERSION", {"version"}},
         {"COMMIT", {"commit"}},
         {"REGISTERED", {"time"}},
         {"QUARANTINED", {"quarantine", "reason"}}},
        {{"BRANCH", {"branch"}}, {"TAGS", {"tags"}}, {"POSITION", {"position"}}}}},
      {"promotions",
       {"/v1/promotions",
        {{"PROMOTION", {"id"}},
         {"PHASE", {"phase"}},
         {"RELEASE", {"to", "version"}},
         {"FROM", {"from", "version"}},
         {"STEP", {"step"}},
         {"PLANNED", {"planned"}},
         {"ENDED", {"ended"}},
         {"REASON", {"end_reason"}}},
        {{"TRIGGER", {"trigger"}}, {"ASKED FOR", {"reason"}}, {"PLAN", {"plan_digest"}}, {"STARTED", {"started"}}}}},
  };
  const auto& listing = listings.at(what);
  std::string path = listing.path;
  Query query = options.query();
  if (what == "releases") {
    if (options.service.empty()) return fail(ErrorCode::invalid_input, "get releases needs --service");
    path += percent_encode(options.service);
    query.clear();
  }
  HEADGATE_TRY(auto rows,
               all_pages(client, path, what, query, options.limit == 0 && what == "promotions" ? 50 : options.limit));
  if (!print_raw(cli.output, rows)) print_listing(listing, rows, cli.output == "wide");
  return exit_done;
}

void print_condition(const json::value& condition) {
  const bool met = text_at(condition, {"met"}) == "true";
  std::printf("  %s  %s\n", met ? "met  " : "UNMET", shown_at(condition, {"text"}).c_str());
  if (text_at(condition, {"file"})) {
    std::printf("         rule: %s:%s at %s\n", shown_at(condition, {"file"}).c_str(),
                shown_at(condition, {"line"}).c_str(), shown_at(condition, {"commit"}).substr(0, 12).c_str());
  }
  if (const auto* events = value_at(condition, {"events"});
      events && events->is_array() && !events->as_array().empty()) {
    std::string positions;
    for (const auto& position : events->as_array()) positions += " " + shown_at(position, {});
    std::printf("         events:%s\n", positions.c_str());
  }
  if (!met && text_at(condition, {"remedy"}))
    std::printf("         next: %s\n", shown_at(condition, {"remedy"}).c_str());
}

Result<int> explain(Client& client, const Cli& cli, const std::string& id, const std::string& at) {
  HEADGATE_TRY(const auto path, promotion_path(id));
  HEADGATE_TRY(auto answer, client.get(path + "/explain", {{"at", at}}));
  if (print_raw(cli.output, answer)) return exit_done;
  std::printf("%s\n", bold(shown_at(answer, {"text"})).c_str());
  if (const auto* conditions = value_at(answer, {"conditions"}); conditions && conditions->is_array()) {
    for (const auto& condition : conditions->as_array()) print_condition(condition);
  }
  return exit_done;
}

Result<int> timeline(Client& client, const Cli& cli, const std::string& id) {
  HEADGATE_TRY(const auto path, promotion_path(id));
  HEADGATE_TRY(auto events, all_pages(client, path + "/timeline", "events", {}));
  if (print_raw(cli.output, events)) return exit_done;
  Table table({"POSITION", "TIME", "AFTER", "EVENT", "SUBJECT", "ACTOR", "DETAIL"});
  for (const auto& event : events) {
    const auto actor = shown_at(event, {"actor", text_at(event, {"actor", "name"}) ? "name" : "id"});
    table.add({shown_at(event, {"position"}), shown_at(event, {"time"}), shown_at(event, {"since_previous_ms"}) + " ms",
               shown_at(event, {"type"}), shown_at(event, {"subject"}), actor, shown_at(event, {"detail"})});
  }
  table.print();
  return exit_done;
}

constexpr std::uint64_t max_rows = 1'000'000;
constexpr std::size_t default_events = 50;
constexpr std::size_t max_events = 500;         // of one page of the API
constexpr std::chrono::seconds first_pause{1};  // between two attempts to connect again
constexpr std::chrono::seconds last_pause{30};

struct EventOptions {
  std::string type, service, environment, actor, correlation, from, to, after;
  bool follow = false;
  bool newest_first = false;
  std::size_t limit = default_events;

  Query filter() const {
    return {{"type", type},   {"service", service},         {"environment", environment},
            {"actor", actor}, {"correlation", correlation}, {"from", from},
            {"to", to}};
  }
};

// For a shell.
std::string quoted(const std::string& text) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_./:@+").find(c) != std::string_view::npos;
  };
  if (std::ranges::all_of(text, plain)) return text;
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

// The command that goes on behind the record `last`.
std::string command_for_more(const EventOptions& options, const std::string& last) {
  std::string command = "headgate events";
  for (const auto& [name, value] : options.filter()) {
    if (!value.empty()) command += " --" + name + " " + quoted(printable(value));
  }
  if (options.newest_first) command += " --newest-first";
  if (options.limit != default_events) command += " --limit " + std::to_string(options.limit);
  return command + " --after " + last;
}

void print_record(const std::string& record, const std::string& output) {
  boost::system::error_code bad;
  if (output == "json") {
    std::printf("%s\n", on_terminal(STDOUT_FILENO) ? printable(record).c_str() : record.c_str());
  } else if (output == "yaml") {
    std::printf("---\n");
    print_yaml(json::parse(record, bad));
  } else {
    const auto event = json::parse(record, bad);
    auto type = shown_at(event, {"type"});
    if (type.starts_with("dev.headgate.")) type = type.substr(13);
    if (const auto version = type.rfind(".v"); version != std::string::npos) type = type.substr(0, version);
    auto data = value_at(event, {"data"}) ? printable(json::serialize(*value_at(event, {"data"}))) : std::string();
    if (data.size() > 100 && on_terminal(STDOUT_FILENO)) data = data.substr(0, 97) + "...";
    std::printf("%-8s %s  %-24s %-34s %-18s %s\n", shown_at(event, {"id"}).c_str(),
                shown_at(event, {"time"}).substr(0, 23).c_str(), type.c_str(), shown_at(event, {"subject"}).c_str(),
                shown_at(event, {"actor"}).c_str(), data.c_str());
  }
  std::fflush(stdout);
}

// Until it is interrupted, or nobody reads it any more. A server that goes away, in order or not, comes back: then it
// goes on behind the last event.
Result<int> follow(Client& client, const Query& query, const std::string& after, const std::string& output) {
  using std::chrono::steady_clock;
  HEADGATE_TRY(const auto state, client.get("/v1/state", {{"limit", "1"}}));
  const auto given = std::ranges::find(query, "from", &Query::value_type::first);
  const bool from_now = given == query.end() || given->second.empty();
  std::string last = !after.empty() ? after : from_now ? text_at(state, {"position"}).value_or("") : std::string();
  auto pause = first_pause;
  bool told = false;
  while (true) {
    const auto began = steady_clock::now();
    bool heard = false;
    const auto ended =
        client.follow("/v1/events/stream", query, last, [&](const std::string& id, const std::string& record) {
          last = id;
          heard = true;
          print_record(record, output);
          return std::ferror(stdout) == 0;
        });
    if (std::ferror(stdout) != 0) return exit_done;
    if (!ended && exit_code_of(ended.error()) != exit_unreachable) return std::unexpected(ended.error());
    if (heard || steady_clock::now() - began > last_pause) {
      pause = first_pause;
      told = false;
    }
    if (!std::exchange(told, true)) {
      std::fprintf(stderr, "headgate: %s; connecting again\n",
                   ended ? "the server ended the stream" : printable(ended.error().message).c_str());
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, last_pause);
  }
}

Result<int> events(Client& client, const Cli& cli, const EventOptions& options) {
  if (options.follow) return follow(client, options.filter(), options.after, cli.output);
  auto query = options.filter();
  query.emplace_back("order", options.newest_first ? "desc" : "asc");
  query.emplace_back("after", options.after);
  std::string next;
  std::string last;
  // A page may end early, for its size or for what this token may not see.
  for (std::size_t left = options.limit; left > 0;) {
    auto page_query = query;
    page_query.emplace_back("limit", std::to_string(left));
    HEADGATE_TRY(const auto page, client.get_text_page("/v1/events", page_query, "application/x-ndjson"));
    for (std::string_view lines = page.text; !lines.empty();) {
      const auto end = std::min(lines.find('\n'), lines.size());
      const std::string record(lines.substr(0, end));
      lines.remove_prefix(std::min(end + 1, lines.size()));
      if (record.empty()) continue;
      print_record(record, cli.output);
      boost::system::error_code bad;
      last = shown_at(json::parse(record, bad), {"id"});
      --left;
    }
    next = page.next;
    if (next.empty()) break;
    query = options.filter();
    query.emplace_back("order", options.newest_first ? "desc" : "asc");
    query.emplace_back("cursor", next);
  }
  if (!next.empty()) std::fprintf(stderr, "more: %s\n", command_for_more(options, last).c_str());
  return exit_done;
}

Result<int> state(Client& client, const Cli& cli, const std::string& at) {
  HEADGATE_TRY(auto answer, client.get("/v1/state", {{"at", at}}));
  // The further pages of its targets stay at the same moment.
  HEADGATE_TRY(auto targets, all_pages(client, "/v1/state", "targets", {{"at", at}}));
  if (answer.is_object()) {
    answer.as_object()["targets"] = targets;
    answer.as_object().erase("next");
  }
  if (print_raw(cli.output, answer)) return exit_done;
  std::printf("at position %s, %s\n", shown_at(answer, {"position"}).c_str(), shown_at(answer, {"time"}).c_str());
  print_targets(targets, cli.output == "wide");
  return exit_done;
}

}  // namespace

void add_read_verbs(Cli& cli) {
  auto* status_verb = cli.program.add_subcommand("status", "What every target should run, does run, and waits for");
  auto service = std::make_shared<std::string>();
  status_verb->add_option("SERVICE", *service, "only this service");
  status_verb->footer("Example:\n  headgate status gateway");
  act(cli, status_verb, [&cli, service](Client& client) { return show_status(client, cli, *service); });

  auto* get_verb = cli.program.add_subcommand(
      "get", "List services, environments, targets, releases, promotions, freezes, incidents, repositories");
  auto what = std::make_shared<std::string>();
  auto get_options = std::make_shared<GetOptions>();
  get_verb->add_option("WHAT", *what)
      ->required()
      ->check(CLI::IsMember(
          {"services", "environments", "targets", "releases", "promotions", "freezes", "incidents", "repositories"}));
  get_verb->add_option("--service", get_options->service,
                       "only of this service: targets, releases, promotions, incidents");
  get_verb->add_option("--environment", get_options->environment,
                       "only in this environment: targets, promotions, incidents");
  get_verb->add_option("--phase", get_options->phase, "promotions in this phase");
  get_verb->add_flag("--active", get_options->active, "promotions that have not ended");
  get_verb->add_option("--limit", get_options->limit, "at most so many rows (promotions: 50)")
      ->check(is_number(1, max_rows));
  get_verb->footer("Example:\n  headgate get promotions --service gateway --active");
  act(cli, get_verb, [&cli, what, get_options](Client& client) { return get(client, cli, *what, *get_options); });

  const auto add_story = [&](const char* name, const char* help, auto function) {
    auto* verb = cli.program.add_subcommand(name, help);
    auto id = std::make_shared<std::string>();
    verb->add_option("PROMOTION", *id, "such as gateway/production/7")->required();
    verb->footer(std::string("Example:\n  headgate ") + name + " gateway/production/7");
    act(cli, verb, [&cli, id, function](Client& client) { return function(client, cli, *id); });
  };
  auto* explain_verb =
      cli.program.add_subcommand("explain", "Why a promotion is where it is: every condition, its rule and its events");
  auto explained = std::make_shared<std::string>();
  auto at = std::make_shared<std::string>();
  explain_verb->add_option("PROMOTION", *explained, "such as gateway/production/7")->required();
  explain_verb->add_option("--at", *at, "as it was then: a position of the log, or a time of RFC 3339");
  explain_verb->footer("Example:\n  headgate explain gateway/production/7 --at 2026-11-20T09:00:00Z");
  act(cli, explain_verb, [&cli, explained, at](Client& client) { return explain(client, cli, *explained, *at); });
  add_story("timeline", "Every event of a promotion, with the time since the one before", timeline);

  auto* events_verb = cli.program.add_subcommand("events", "Query the log, or follow it");
  auto event_options = std::make_shared<EventOptions>();
  events_verb->add_option("--type", event_options->type, "such as approval.granted or 'rollback.*'");
  events_verb->add_option("--service", event_options->service);
  events_verb->add_option("--environment", event_options->environment);
  events_verb->add_option("--actor", event_options->actor, "a name, person:…, token:… or engine");
  events_verb->add_option("--correlation", event_options->correlation, "promotion or commit");
  events_verb->add_option("--from", event_options->from, "RFC 3339 time, inclusive");
  auto* to = events_verb->add_option("--to", event_options->to, "RFC 3339 time, exclusive");
  auto* newest_first = events_verb->add_flag("--newest-first", event_options->newest_first);
  auto* limit = events_verb->add_option("--limit", event_options->limit, "at most so many, 500 at most");
  limit->capture_default_str()->check(is_number(1, max_events));
  events_verb
      ->add_option("--after", event_options->after, "only what comes behind this position (--newest-first: before it)")
      ->type_name("POSITION")
      ->check(is_number(0, std::numeric_limits<Position>::max() - 1));
  // What comes has no end, and comes in its order.
  events_verb
      ->add_flag("--follow", event_options->follow,
                 "print what comes (with --from also what came since), until interrupted; connects again by itself")
      ->excludes(to)
      ->excludes(newest_first)
      ->excludes(limit);
  events_verb->footer(
      "-o json prints the stored records byte for byte, -o yaml each as a document.\n\nExample:\n  headgate events "
      "--type 'approval.*' --follow");
  act(cli, events_verb, [&cli, event_options](Client& client) { return events(client, cli, *event_options); });

  auto* state_verb = cli.program.add_subcommand("state", "Everything as it was at a moment");
  auto moment = std::make_shared<std::string>();
  state_verb->add_option("--at", *moment, "position or RFC 3339 time")->required();
  state_verb->footer("Example:\n  headgate state --at 2026-11-20T14:00:00Z");
  act(cli, state_verb, [&cli, moment](Client& client) { return state(client, cli, *moment); });
}

}  // namespace headgate::app
