// What `headgate log export` does with --evidence.
#pragma once

#include <memory>
#include <string>

#include "app/cli.h"

namespace headgate::app {

struct EvidenceOptions {
  bool wanted = false;
  std::string type, service, environment, actor, correlation;
};

std::shared_ptr<EvidenceOptions> add_evidence_options(CLI::App& verb);
// `data`: a stopped data directory, or empty for a server. `from` and `to` are RFC 3339 times or empty; `file` must not
// exist.
Result<int> export_evidence(const Cli& cli, const EvidenceOptions& options, const std::string& data,
                            const std::string& from, const std::string& to, const std::string& file);

}  // namespace headgate::app
