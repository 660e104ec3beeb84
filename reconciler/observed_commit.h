// A commit as the log records it: its people by the ids that the directory has for them.
#pragma once

#include <string>

#include "engine/domain/events.h"
#include "engine/ports/people.h"
#include "engine/ports/repository.h"

namespace headgate::reconciler {

// `changed`, how much it changed, is for who compared it with what was known. Whoever the directory does not know yet
// it knows from here on.
Result<CommitObserved> observed_commit(const Commit& commit, const std::string& repository, const std::string& branch,
                                       People& people);

}  // namespace headgate::reconciler
