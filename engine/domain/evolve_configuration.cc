#include "engine/domain/evolve_configuration.h"

#include <algorithm>

#include "engine/domain/canonical_text.h"
#include "engine/domain/locations.h"
#include "engine/domain/monitors.h"
#include "engine/domain/notifications.h"
#include "engine/domain/renames.h"

namespace headgate {

void ConfigurationEvolver::stage(const std::string& commit, Staged staged) {
  auto& c = state.configuration;
  if (c.staged_commit != commit) {
    c.staged.clear();
    c.staged_commit = commit;
  }
  c.staged.push_back(std::move(staged));
}

void ConfigurationEvolver::operator()(const DocumentAccepted& e) {
  stage(e.commit, {key_of(e.document), SourcedDocument{e.source, e.document}});
}

void ConfigurationEvolver::operator()(const DocumentRemoved& e) {
  stage(e.commit, {{e.kind, e.document}, std::nullopt});
}

void ConfigurationEvolver::operator()(const ConfigurationAccepted& e) {
  auto& c = state.configuration;
  auto& repository = state.repositories[e.repository];
  auto staged = c.staged_commit == e.commit ? std::move(c.staged) : std::vector<Staged>{};
  if (c.proposal && c.proposal->commit == e.commit) staged = std::move(c.proposal->staged);
  const auto renames = renames_of(staged);
  for (auto& document : staged) put_in_force(document, e.commit, repository.people);
  begin_renames(state, renames, touched);
  c.proposal.reset();
  c.declined.reset();
  c.repository = e.repository;
  c.commit = e.commit;
  c.position = meta().position;
  c.time = meta().time;
  c.staged.clear();
  c.staged_commit.clear();
  c.rejected_commit.clear();
  c.diagnostics.clear();
  repository.people.clear();
}

void ConfigurationEvolver::operator()(const ConfigurationRejected& e) {
  auto& c = state.configuration;
  c.rejected_commit = e.commit;
  c.rejected_at = meta().position;
  c.diagnostics = e.diagnostics;
  c.staged.clear();
  c.staged_commit.clear();
}

void ConfigurationEvolver::operator()(const ConfigurationProposed& e) {
  auto& c = state.configuration;
  c.proposal = Proposal{e.repository, e.commit, e.change, {}, {}, meta().position, meta().time};
  if (c.staged_commit == e.commit) c.proposal->staged = std::move(c.staged);
  c.staged.clear();
  c.staged_commit.clear();
  c.rejected_commit.clear();
  c.diagnostics.clear();
  c.declined.reset();
}

void ConfigurationEvolver::operator()(const ConfigurationApproved& e) {
  auto& proposal = state.configuration.proposal;
  if (!proposal || proposal->change.digest != e.digest) return;
  proposal->approvals.push_back({meta().actor, e.team, e.comment, meta().position, meta().time});
}

void ConfigurationEvolver::operator()(const ConfigurationDeclined& e) {
  state.configuration.declined = DeclinedConfiguration{e.commit, meta().actor, e.comment, meta().position};
  state.configuration.proposal.reset();
}

void ConfigurationEvolver::operator()(const ConfigurationSuperseded&) {
  state.configuration.proposal.reset();
}

// InForce::since of a document that was in force as `before`, if it was.
template <class D>
Position ConfigurationEvolver::since(const std::optional<InForce<D>>& before, const D& now) const {
  if (!before) return meta().position;
  return canonical_text(before->document) == canonical_text(now) ? before->since : meta().position;
}

void ConfigurationEvolver::touch_next(const TargetId& id) {
  if (!touched) return;
  if (!last_touched || (*last_touched)->service != id.service) touch_gates(id.service);
  last_touched = touched->insert(last_touched.value_or(touched->end()), id);
}

void ConfigurationEvolver::put_in_force(Staged& staged, const std::string& commit,
                                        const std::vector<std::string>& people) {
  const auto& name = staged.key.name;
  auto* document = staged.document ? &staged.document->document : nullptr;
  const auto in_force = [&]<class D>(D&& d) {
    return InForce<std::remove_cvref_t<D>>{std::forward<D>(d), staged.document->source, commit, 0};
  };
  switch (staged.key.kind) {
    case DocumentKind::service: {
      auto& service = state.services[name];
      const auto before = std::exchange(service.document, std::nullopt);
      if (document) {
        service.document = in_force(std::get<Service>(std::move(*document)));
        service.document->since = since(before, service.document->document);
        for (const auto& s : service.document->document.stages) target({name, s.environment});
      }
      for (const auto& environment : service.environments) reckon_flow(state, {name, environment});
      reckon_gates(state, name);
      touch_service(name);
      break;
    }
    case DocumentKind::environment: {
      std::optional<InForce<Environment>> before;
      if (auto known = state.environments.extract(name)) before = std::move(known.mapped());
      bool same_windows = false;
      if (document) {
        auto place = in_force(std::get<Environment>(std::move(*document)));
        place.since = since(before, place.document);
        same_windows = same_times(place.document.windows, before ? before->document.windows : std::vector<Window>{});
        state.environments.emplace(name, std::move(place));
      }
      if (!same_windows) state.windows.erase(name);  // until they are expanded they count as closed
      forget_other_monitors(state, name);
      for (auto& [id, t] : state.targets) {
        if (id.environment != name) continue;
        const bool drifted = t.drifted;
        forget_other_locations(state, id, t);
        touch(id);
        if (t.drifted != drifted) touch_service(id.service);  // stages that come after it
      }
      break;
    }
    case DocumentKind::target: {
      const auto id = document ? std::get<Target>(*document).id : target_of(name);
      auto& t = target(id);
      const bool retire = t.document && t.document->document.on_delete == OnDelete::retire;
      t.document.reset();
      if (document) {
        t.document = in_force(std::get<Target>(std::move(*document)));
        t.orphaned = false;
        t.retiring = false;
      } else if (retire) {
        t.retiring = true;
        t.failed.reset();
      }
      for (const auto& person : people) add_unique(t.document_people, person);
      reckon_flow(state, id, t);
      touch_next(id);
      touch_in_line(id.environment);
      break;
    }
    case DocumentKind::notification_policy: {
      std::optional<InForce<NotificationPolicy>> policy;
      if (document) policy = in_force(std::get<NotificationPolicy>(std::move(*document)));
      remember_policy(state, name, std::move(policy), meta().position);
      break;
    }
    case DocumentKind::access_policy: {
      state.configuration.access.reset();
      if (document) state.configuration.access = in_force(std::get<AccessPolicy>(std::move(*document)));
      for (const auto& id : state.active) touch(id);
      break;
    }
  }
}

}  // namespace headgate
