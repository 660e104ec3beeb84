// diff: what a push of an environments repository would change.
#include <fmt/core.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <map>
#include <set>

#include "api/described_json.h"
#include "app/cli.h"
#include "app/client.h"
#include "app/environments_files.h"
#include "app/table.h"
#include "engine/domain/renames.h"
#include "reconciler/offline_people.h"

namespace headgate::app {
namespace {

namespace json = boost::json;

constexpr std::size_t max_paths_shown = 4;

// By kind and name. Of a service or environment the document as it is stored, of a target what it wishes.
using Documents = std::map<std::pair<std::string, std::string>, json::value>;

struct Side {
  Documents documents;
  std::map<std::string, json::value> running;  // by the name of a target; of a server alone
  std::string governance;                      // that a change of the policy takes, in words; of a server alone
  bool knows_policies = true;                  // whether the AccessPolicy and NotificationPolicies are among them
};

// Where something stands, and which blob its file has, is no difference of what it says.
void drop_places(json::value& value) {
  if (value.is_array()) {
    for (auto& item : value.get_array()) drop_places(item);
  } else if (value.is_object()) {
    auto& object = value.get_object();
    std::vector<std::string> places;
    for (auto& [key, member] : object) {
      const std::string_view name = key;
      if (name == "line" || name.ends_with("_line")) {
        places.emplace_back(name);
      } else {
        drop_places(member);
      }
    }
    for (const auto& name : places) object.erase(name);
  }
}

json::value described(const Document& document) {
  api::JsonWriter writer;
  std::visit([&](const auto& value) { api::write_described(writer, value); }, document);
  auto value = json::parse(writer.take());
  drop_places(value);
  return value;
}

json::value wish_of(const Target& target) {
  json::object artifacts;
  json::object variables;
  for (const auto& [name, reference] : target.release.artifacts) artifacts.emplace(name, reference);
  for (const auto& [name, value] : target.variables) variables.emplace(name, value);
  json::array files;
  for (const auto& file : target.variables_from) files.push_back({{"path", file.path}, {"blob", file.blob}});
  json::object wish{{"version", target.release.version},
                    {"commit", target.release.commit},
                    {"artifacts", artifacts},
                    {"variables", variables},
                    {"suspended", target.suspend},
                    {"variables_from", files},
                    {"on_delete", nullptr},
                    {"formerly", nullptr}};
  if (target.on_delete) wish["on_delete"] = name_of(*target.on_delete);
  if (target.formerly) wish["formerly"] = document_name(*target.formerly);
  return wish;
}

bool is_open(const json::value& field) {
  return field.is_string() ? field.get_string().empty() : field.get_object().empty();
}

Side side_of(const ReadDocuments& read) {
  Side side;
  for (const auto& [source, document] : read.documents) {
    const auto key = key_of(document);
    const auto* target = std::get_if<Target>(&document);
    side.documents[{std::string(name_of(key.kind)), key.name}] =
        target != nullptr ? wish_of(*target) : described(document);
  }
  return side;
}

// What a token does not see is in force all the same, and is not "added".
Result<void> expect_all_seen(const Side& side, const json::value& configuration) {
  std::string unseen;
  for (const auto& [kind, counted_as] :
       {std::pair{"Service", "services"}, std::pair{"Environment", "environments"}, std::pair{"Target", "targets"}}) {
    const auto seen = std::ranges::count_if(side.documents, [&](const auto& d) { return d.first.first == kind; });
    const auto* all = value_at(configuration, {counted_as});
    if (all == nullptr || !all->is_int64() || all->get_int64() <= seen) continue;
    unseen += fmt::format("{}{} of {} {}", unseen.empty() ? "" : ", ", seen, all->get_int64(), counted_as);
  }
  if (unseen.empty()) return {};
  return fail(ErrorCode::forbidden,
              "what would change cannot be said: this token sees " + unseen +
                  "; ask with one that is a viewer's of everything, or compare --against a commit");
}

Result<Side> side_of(Client& client) {
  Side side;
  side.knows_policies = false;  // they name people, whom only the server knows by the ids that it has
  for (const auto& [path, kind] : {std::pair{"services", "Service"}, std::pair{"environments", "Environment"}}) {
    HEADGATE_TRY(auto rows, all_pages(client, std::string("/v1/") + path, path, {}));
    for (auto& row : rows) {
      auto& document = side.documents[{kind, text_at(row, {"name"}).value_or("")}];
      document = row.at("document");
      drop_places(document);
    }
  }
  HEADGATE_TRY(const auto configuration, client.get("/v1/configuration"));
  if (const auto* rules = value_at(configuration, {"governance"}); rules != nullptr && rules->is_array()) {
    for (const auto& rule : rules->get_array()) {
      side.governance +=
          (side.governance.empty() ? "" : ", ") + shown_at(rule, {"count"}) + " of team " + shown_at(rule, {"team"});
    }
  }
  HEADGATE_TRY(auto targets, all_pages(client, "/v1/targets", "targets", {}));
  for (auto& row : targets) {
    const auto name = shown_at(row, {"service"}) + "." + shown_at(row, {"environment"});
    side.running[name] = row.at("current");
    const auto* written = value_at(row, {"document", "wish"});
    if (written == nullptr || !written->is_object()) continue;
    auto wish = *written;
    // What the document leaves open is that of the registered release, where there is one.
    const auto* desired = value_at(row, {"desired"});
    const bool same = desired != nullptr && text_at(*desired, {"version"}) == text_at(wish, {"version"});
    for (const auto* field : {"commit", "artifacts"}) {
      if (same && is_open(wish.at(field))) wish.get_object()[field] = desired->at(field);
    }
    wish.get_object()["suspended"] = row.at("suspended");
    for (const auto* field : {"variables_from", "on_delete", "formerly"}) {
      const auto* value = value_at(row, {"document", field});
      wish.get_object()[field] = value == nullptr ? json::value() : *value;
    }
    side.documents[{"Target", name}] = std::move(wish);
  }
  HEADGATE_TRY_VOID(expect_all_seen(side, configuration));
  return side;
}

// What the server has in force of a release is the registered one: where a document leaves its commit or artifacts
// open, they are no difference.
void leave_open(Side& in_force, const Side& documents) {
  for (const auto& [key, document] : documents.documents) {
    const auto at = in_force.documents.find(key);
    if (key.first != "Target" || at == in_force.documents.end()) continue;
    for (const auto* field : {"commit", "artifacts"}) {
      if (is_open(document.at(field))) at->second.get_object()[field] = document.at(field);
    }
  }
}

// The paths of the members that differ, the first few of them.
void differing(const json::value& before, const json::value& after, const std::string& path,
               std::vector<std::string>& out) {
  if (before == after) return;
  if (before.is_object() && after.is_object()) {
    std::set<std::string> names;
    for (const auto& [name, value] : before.get_object()) names.emplace(name);
    for (const auto& [name, value] : after.get_object()) names.emplace(name);
    for (const auto& name : names) {
      const auto* old = before.get_object().if_contains(name);
      const auto* now = after.get_object().if_contains(name);
      differing(old ? *old : json::value(), now ? *now : json::value(), path.empty() ? name : path + "." + name, out);
    }
  } else if (before.is_array() && after.is_array() && before.get_array().size() == after.get_array().size()) {
    for (std::size_t i = 0; i < before.get_array().size(); ++i) {
      differing(before.get_array()[i], after.get_array()[i], path + "[" + std::to_string(i) + "]", out);
    }
  } else {
    out.push_back(path);
  }
}

// As the documents write it: stages[0].wait_ms is stages[0].wait, observe_every_ms observeEvery. Below these members
// stand names of the documents' own.
std::string as_written(std::string_view path) {
  std::string text;
  for (const std::string_view own : {"variables.", "metrics.", "header.", "require_claims."}) {
    const auto at = path.find(own);
    if (at == std::string_view::npos || (at > 0 && path[at - 1] != '.')) continue;
    const auto names = at + own.size() - 1;
    return as_written(path.substr(0, names)) + std::string(path.substr(names));
  }
  for (std::size_t i = 0; i < path.size(); ++i) {
    const auto rest = path.substr(i);
    if (rest.starts_with("_ms") && (rest.size() == 3 || rest[3] == '.' || rest[3] == '[')) {
      i += 2;
    } else if (rest == ".blob") {
      return text + " (its file)";
    } else if (rest.size() > 1 && rest[0] == '_' && rest[1] >= 'a' && rest[1] <= 'z') {
      text += static_cast<char>(rest[1] - 'a' + 'A');
      ++i;
    } else {
      text += rest[0];
    }
  }
  return text;
}

std::string joined(const std::vector<std::string>& paths) {
  std::string text;
  for (std::size_t i = 0; i < std::min(paths.size(), max_paths_shown); ++i) {
    text += (i > 0 ? ", " : "") + as_written(paths[i]);
  }
  if (paths.size() > max_paths_shown) text += ", and " + std::to_string(paths.size() - max_paths_shown) + " more";
  return text;
}

// Of one version. A release without commit or artifacts is the registered one of that version.
bool same_release(const json::value& running, const json::value& wish) {
  return std::ranges::all_of(std::initializer_list<const char*>{"commit", "artifacts"}, [&](const char* field) {
    return is_open(wish.at(field)) || wish.at(field) == running.at(field);
  });
}

// What follows for a target from what is wished and what runs there.
std::string plan_of(const json::value& wish, const json::value* running) {
  if (wish.at("suspended") == json::value(true)) return "nothing: it is suspended";
  if (running == nullptr || running->is_null())
    return "is observed, then a promotion to " + shown_at(wish, {"version"});
  const auto version = shown_at(wish, {"version"});
  if (shown_at(*running, {"version"}) != version) {
    return "a promotion from " + shown_at(*running, {"version"}) + " to " + version;
  }
  // What was found running has neither commit nor artifacts, and was registered by nobody.
  const bool registered = !is_open(running->at("commit")) || !is_open(running->at("artifacts"));
  if (!same_release(*running, wish)) {
    if (!registered) return "a promotion of " + version;
    return "would be refused: " + version + " has another commit or other artifacts, and a release never changes";
  }
  if (running->at("variables") == wish.at("variables")) return "nothing: it runs";
  return "a promotion of " + version + " with other variables";
}

bool is_policy(const std::string& kind) {
  return kind == "AccessPolicy" || kind == "NotificationPolicy";
}

struct Change {
  std::string what;  // added, changed, renamed, removed
  std::string kind;
  std::string name;
  std::vector<std::string> paths;
  std::string plan;
  std::string formerly{};  // of a renamed one
};

std::optional<std::string> new_name(const Renames& renames, const std::string& kind, const std::string& name) {
  if (kind == "Target") {
    const auto to = renames.of(target_of(name));
    return to ? std::optional(document_name(*to)) : std::nullopt;
  }
  if (kind != "Service" && kind != "Environment") return std::nullopt;
  const auto& names = kind == "Service" ? renames.services : renames.environments;
  const auto to = names.find(name);
  return to == names.end() ? std::nullopt : std::optional(to->second);
}

// New names, with the old ones that go with them.
std::map<std::pair<std::string, std::string>, std::string> renamed_of(const Side& before, const Side& after,
                                                                      const Renames& renames) {
  std::map<std::pair<std::string, std::string>, std::string> renamed;
  for (const auto& [key, document] : before.documents) {
    if (after.documents.contains(key)) continue;
    const auto to = new_name(renames, key.first, key.second);
    if (!to || before.documents.contains({key.first, *to}) || !after.documents.contains({key.first, *to})) continue;
    renamed.emplace(std::pair(key.first, *to), key.second);
  }
  return renamed;
}

std::string plan_of(const Side& before, const std::string& name, const json::value* old, const json::value& wish) {
  if (before.knows_policies && old != nullptr) {
    // Of a commit the wish is taken for what runs; what it leaves open may be what is written now.
    auto runs = *old;
    for (const auto* field : {"commit", "artifacts"}) {
      if (is_open(runs.at(field))) runs.get_object()[field] = wish.at(field);
    }
    return plan_of(wish, &runs);
  }
  const auto running = before.running.find(name);
  return plan_of(wish, running == before.running.end() ? nullptr : &running->second);
}

std::vector<Change> compare(const Side& before, const Side& after, const Renames& renames) {
  std::vector<Change> changes;
  const auto renamed = renamed_of(before, after, renames);
  std::set<std::pair<std::string, std::string>> old_names;
  for (const auto& [key, document] : after.documents) {
    const auto& [kind, name] = key;
    if (is_policy(kind) && !before.knows_policies) continue;
    Change change{"changed", kind, name, {}, {}};
    if (const auto from = renamed.find(key); from != renamed.end()) {
      change.what = "renamed";
      change.formerly = from->second;
      old_names.emplace(kind, from->second);
    }
    const auto& known_as = change.formerly.empty() ? name : change.formerly;
    const auto at = before.documents.find({kind, known_as});
    const auto* old = at == before.documents.end() ? nullptr : &at->second;
    if (old == nullptr) change.what = "added";
    if (old != nullptr) differing(*old, document, "", change.paths);
    if (change.what == "renamed") {
      std::erase_if(change.paths, [](const std::string& path) { return path == "name" || path == "formerly"; });
    }
    if (kind == "Target") change.plan = plan_of(before, known_as, old, document);
    if (change.what != "changed" || !change.paths.empty()) changes.push_back(std::move(change));
  }
  for (const auto& [key, document] : before.documents) {
    if (after.documents.contains(key) || old_names.contains(key)) continue;
    Change change{"removed", key.first, key.second, {}, {}};
    if (key.first == "Target") {
      change.plan = document.at("on_delete") == json::value("retire") ? "a promotion that retires it"
                                                                      : "what runs there is left alone";
    }
    changes.push_back(std::move(change));
  }
  return changes;
}

// What of it would wait for people instead of taking force (engine/domain/governance.h), in words. `renamed`: names of
// targets that live on under others.
std::vector<std::string> held_of(const Side& server, const std::vector<Change>& changes,
                                 const std::set<std::string>& renamed) {
  std::vector<std::string> held;
  if (!server.governance.empty() && std::ranges::any_of(changes, [](const Change& c) { return c.kind != "Target"; })) {
    held.push_back("a change of the policy takes approvals: " + server.governance);
  }
  const auto all = std::ranges::count_if(server.documents, [](const auto& d) { return d.first.first == "Target"; });
  const auto removed = std::ranges::count_if(
      changes, [&](const Change& c) { return c.what == "removed" && c.kind == "Target" && !renamed.contains(c.name); });
  if (removed > 1 && removed * 10 > all) {
    held.push_back("it removes " + std::to_string(removed) + " of " + std::to_string(all) + " targets, which takes " +
                   (server.governance.empty() ? "an operator's approval" : "approvals: " + server.governance));
  }
  return held;
}

void print(const Cli& cli, const std::vector<Change>& changes, const std::vector<std::string>& held) {
  json::array rows;
  for (const auto& change : changes) {
    json::array paths;
    for (const auto& path : change.paths) paths.emplace_back(path);
    rows.push_back({{"change", change.what},
                    {"kind", change.kind},
                    {"name", change.name},
                    {"formerly", change.formerly},
                    {"fields", paths},
                    {"plan", change.plan}});
  }
  if (print_raw(cli.output, json::object{{"changes", rows}, {"held", json::value_from(held)}})) return;
  if (changes.empty()) {
    std::printf("nothing would change\n");
    return;
  }
  Table table({"CHANGE", "KIND", "NAME", "FIELDS", "PLAN"});
  for (const auto& change : changes) {
    const auto name = change.name + (change.formerly.empty() ? "" : " (was " + change.formerly + ")");
    table.add({change.what, change.kind, name, change.paths.empty() ? "-" : joined(change.paths),
               change.plan.empty() ? "-" : change.plan});
  }
  table.print();
  for (const auto& reason : held) std::fprintf(stderr, "would wait for approval: %s\n", printable(reason).c_str());
}

// Bad input, a server that does not answer: 2, so that 1 means "something would change" and nothing else.
int trouble(const Error& error) {
  report(error);
  return exit_usage;
}

Result<ReadDocuments> read_good(const std::string& directory, const std::string& revision, People& people) {
  HEADGATE_TRY(auto read, read_documents(directory, revision, people));
  if (read.diagnostics.empty()) return read;
  for (const auto& diagnostic : read.diagnostics)
    std::fprintf(stderr, "%s\n", printable_lines(to_string(diagnostic)).c_str());
  return fail(ErrorCode::invalid_input, (revision.empty() ? directory : revision) + " has " +
                                            counted(read.diagnostics.size(), "mistake") +
                                            ": nothing of it would "
                                            "come into force");
}

int diff(const Cli& cli, const std::string& directory, const std::string& revision) {
  reconciler::OfflinePeople people;  // the same for both sides: one person, one id
  const auto after = read_good(directory, {}, people);
  if (!after) return trouble(after.error());
  const auto wished = side_of(*after);
  auto before = [&]() -> Result<Side> {
    if (!revision.empty()) {
      HEADGATE_TRY(const auto read, read_good(directory, revision, people));
      return side_of(read);
    }
    HEADGATE_TRY(auto client, Client::connect(cli));
    return side_of(client);
  }();
  if (!before) return trouble(before.error());
  if (revision.empty()) leave_open(*before, wished);
  Renames renames;
  for (const auto& [source, document] : after->documents) renames.add(document);
  const auto changes = compare(*before, wished, renames);
  std::set<std::string> renamed;
  for (const auto& change : changes) {
    if (change.what != "removed" || change.kind != "Target") continue;
    const auto to = renames.of(target_of(change.name));
    if (to && wished.documents.contains({"Target", document_name(*to)})) renamed.insert(change.name);
  }
  print(cli, changes, revision.empty() ? held_of(*before, changes, renamed) : std::vector<std::string>{});
  const bool has_policy =
      std::ranges::any_of(wished.documents, [](const auto& document) { return is_policy(document.first.first); });
  if (revision.empty() && has_policy && !is_raw(cli.output)) {
    std::fprintf(stderr,
                 "not compared: who may do what and who is told (--against COMMIT compares the policies too)\n");
  }
  return changes.empty() ? exit_done : exit_no;
}

}  // namespace

void add_diff_verb(Cli& cli) {
  auto* verb = cli.program.add_subcommand("diff", "What a push of an environments repository would change and promote");
  auto directory = std::make_shared<std::string>();
  auto revision = std::make_shared<std::string>();
  verb->add_option("DIR", *directory, "its work tree")->required();
  verb->add_option("--against", *revision, "a commit of the repository; without it, what the server has in force");
  verb->footer(
      "Compares the documents of the work tree with those that the server has in force and with what runs, or with\n"
      "those of a commit. AccessPolicy and NotificationPolicy are compared with a commit's only: they name people,\n"
      "whom the server shows by ids.\n\n"
      "Exit code: 0 nothing would change, 1 something would, 2 it cannot be said.\n\nExample:\n"
      "  headgate diff environments\n  headgate diff environments --against origin/main -o json");
  verb->callback([&cli, directory, revision] {
    cli.run = [&cli, directory, revision] { return diff(cli, *directory, *revision); };
  });
}

}  // namespace headgate::app
