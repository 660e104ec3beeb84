// What documents ask of the host that Headgate runs on, and of this build of it.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/documents.h"

namespace headgate::reconciler {

// Where a secret of the server's file may be used; none: everywhere.
struct SecretScope {
  std::vector<std::string> environments;
  std::vector<std::string> services;
};

// What the server's file gives. A check away from the server knows nothing of it.
struct HostOffers {
  std::map<std::string, SecretScope, std::less<>> secrets;
  bool mail = false;  // a server that takes mail
};

// report(document, path, message, expected), once for each mistake; of the path see Citation.
using Report = std::function<void(const SourcedDocument&, std::string, std::string, std::string)>;
// Secrets that are not there, mail that nobody takes: only where `host` is known. What this version knows and does not
// carry out: always, so that nobody believes in a driver that deploys nothing.
void check_host(const std::vector<const SourcedDocument*>& all, const std::optional<HostOffers>& host,
                const Report& report);

}  // namespace headgate::reconciler
