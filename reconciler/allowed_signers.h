// The keys that a file of OpenSSH's allowed_signers names (ssh-keygen(1), ALLOWED SIGNERS): one a line,
// principals [options] type base64 [comment]. Of the options namespaces alone is taken, where it has "git".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reconciler/commit_signature.h"

namespace headgate::reconciler {

// `name`: of the file, for errors, which name the line and never the key. The person of each key is its line.
Result<std::vector<PersonKey>> parse_allowed_signers(const std::string& name, std::string_view text);

}  // namespace headgate::reconciler
