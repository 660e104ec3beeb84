// log export --evidence: a zip for somebody who does not trust the server.
#include "app/verbs_evidence.h"

#include <cstdio>

#include "app/client.h"
#include "store/files.h"

namespace headgate::app {

std::shared_ptr<EvidenceOptions> add_evidence_options(CLI::App& verb) {
  auto o = std::make_shared<EvidenceOptions>();
  auto* evidence = verb.add_flag("--evidence", o->wanted,
                                 "instead: a zip with records, their proofs, checkpoint, key and a verifier in Python");
  evidence->excludes(verb.get_option("--data"));
  verb.add_option("--type", o->type, "with --evidence: such as approval.granted or 'rollback.*'")->needs(evidence);
  verb.add_option("--service", o->service, "with --evidence")->needs(evidence);
  verb.add_option("--environment", o->environment, "with --evidence")->needs(evidence);
  verb.add_option("--actor", o->actor, "with --evidence: person:…, token:… or engine")->needs(evidence);
  verb.add_option("--correlation", o->correlation, "with --evidence: promotion or commit")->needs(evidence);
  return o;
}

Result<int> export_evidence(const Cli& cli, const EvidenceOptions& o, const std::string& from, const std::string& to,
                            const std::string& file) {
  if (file.empty()) return fail(ErrorCode::invalid_input, "say where the zip goes: -o FILE.zip");
  std::error_code error;
  if (std::filesystem::exists(file, error)) {
    return fail(ErrorCode::invalid_input, file + " exists: evidence is not written over");
  }
  HEADGATE_TRY(auto client, Client::connect(cli));
  HEADGATE_TRY(const auto bundle, client.get_text("/v1/evidence",
                                                  {{"type", o.type},
                                                   {"service", o.service},
                                                   {"environment", o.environment},
                                                   {"actor", o.actor},
                                                   {"correlation", o.correlation},
                                                   {"from", from},
                                                   {"to", to}},
                                                  "application/zip"));
  HEADGATE_TRY_VOID(store::create_file_durably(file, bundle, 0644));
  std::printf("wrote %s: unpack it, its README.md says how to verify what is in it\n", file.c_str());
  return exit_done;
}

}  // namespace headgate::app
