// Another name for what is known already (metadata.formerly): what happened under the old name is carried over.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "engine/domain/state.h"

namespace headgate {

// Old names and the new ones.
struct Renames {
  std::map<std::string, std::string, std::less<>> services;
  std::map<std::string, std::string, std::less<>> environments;
  std::map<TargetId, TargetId> targets;  // by documents of their own
  bool empty() const { return services.empty() && environments.empty() && targets.empty(); }
  void add(const Document& document);  // what it brings
  // What the target is called from here on; nullopt: as before.
  std::optional<TargetId> of(const TargetId& old) const;
};

// Those that staged documents bring.
Renames renames_of(std::span<const Staged> staged);

// Once the documents are in force: services, quarantines and freezes have the new name at once; a target has it when
// nothing is under way under its old one (`advance` writes target.renamed). `touched` as in evolve.
void begin_renames(State& state, const Renames& renames, std::set<TargetId>* touched);

// What the target is called now, while what is under way still bears the old name.
const TargetId& called_now(const State& state, const TargetId& target);

// What has the target's history yet: itself, or the old name while something is under way there.
const TargetId& called_before(const State& state, const TargetId& target);
// What a document in force says that the target is called, once nothing is left under its old name but numbers.
std::optional<TargetId> called_since(const State& state, const TargetId& old);
// Whether nothing is known of the target any more, and no stage leads to it: as an old name is left behind.
bool is_left_behind(const State& state, const TargetId& id, const TargetState& target);
// The service's own name, and those that its targets bear too while they are being renamed.
std::set<std::string> names_of(const State& state, const std::string& service);

// conflict while what is known of the target is under another name.
Result<void> check_not_being_renamed(const State& state, const TargetId& target);

// The fold of target.renamed.
void carry_over(State& state, const TargetRenamed& renamed);

}  // namespace headgate
