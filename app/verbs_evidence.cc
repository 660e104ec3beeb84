// log export --evidence: a zip for somebody who does not trust the server.
#include "app/verbs_evidence.h"

#include <cstdio>

#include "api/events_query.h"
#include "app/client.h"
#include "app/evidence.h"
#include "app/stopped_log.h"
#include "app/system_clock.h"
#include "store/files.h"

namespace headgate::app {

std::shared_ptr<EvidenceOptions> add_evidence_options(CLI::App& verb) {
  auto o = std::make_shared<EvidenceOptions>();
  auto* evidence = verb.add_flag("--evidence", o->wanted,
                                 "instead: a zip with records, their proofs, checkpoint, key and a verifier in Python");
  verb.add_option("--type", o->type, "with --evidence: such as approval.granted or 'rollback.*'")->needs(evidence);
  verb.add_option("--service", o->service, "with --evidence")->needs(evidence);
  verb.add_option("--environment", o->environment, "with --evidence")->needs(evidence);
  verb.add_option("--actor", o->actor, "with --evidence: a name, person:…, token:… or engine")->needs(evidence);
  verb.add_option("--correlation", o->correlation, "with --evidence: promotion or commit")->needs(evidence);
  return o;
}

namespace {

// The parameters of /v1/evidence.
Query query_of(const EvidenceOptions& o, const std::string& from, const std::string& to) {
  return {{"type", o.type},   {"service", o.service},         {"environment", o.environment},
          {"actor", o.actor}, {"correlation", o.correlation}, {"from", from},
          {"to", to}};
}

// Nothing is written there: the log holds no record of this export.
Result<std::string> bundle_of_data(const std::string& data, const Query& query) {
  api::Fields fields(api::Fields::Names::exact);
  for (const auto& [name, value] : query) fields.add(name, value);
  api::QueryReader reader(fields);
  const auto filter = api::read_event_filter(reader);
  HEADGATE_TRY_VOID(reader.finish());
  HEADGATE_TRY(const auto open, open_stopped_log(data, signing_key_file({}, data)));  // a checkpoint is signed
  HEADGATE_TRY(const auto records, api::records_of_bundle(*open.log, filter, open.log->mark().size));
  HEADGATE_TRY(auto verifier, store::VerifierKey::parse(open.keys.back().verifier_key));
  const SystemClock clock;
  return EvidenceMaker(*open.log, std::move(verifier), nullptr, clock).make(records, nullptr);
}

Result<std::string> bundle_of_server(const Cli& cli, const Query& query) {
  HEADGATE_TRY(auto client, Client::connect(cli));
  return client.get_text("/v1/evidence", query, "application/zip");
}

}  // namespace

Result<int> export_evidence(const Cli& cli, const EvidenceOptions& o, const std::string& data, const std::string& from,
                            const std::string& to, const std::string& file) {
  if (file.empty()) return fail(ErrorCode::invalid_input, "say where the zip goes: -o FILE.zip");
  std::error_code error;
  if (std::filesystem::exists(file, error)) {
    return fail(ErrorCode::invalid_input, file + " exists: evidence is not written over");
  }
  const auto query = query_of(o, from, to);
  HEADGATE_TRY(const auto bundle, data.empty() ? bundle_of_server(cli, query) : bundle_of_data(data, query));
  HEADGATE_TRY_VOID(store::create_file_durably(file, bundle, 0644));
  std::printf("wrote %s: unpack it, its README.md says how to verify what is in it\n", file.c_str());
  return exit_done;
}

}  // namespace headgate::app
