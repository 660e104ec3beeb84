#include "engine/domain/windows.h"

#include <algorithm>

#include "engine/domain/renames.h"

namespace headgate {
namespace {

struct Calendar {
  const std::vector<Window>& windows;
  const ExpandedWindows& expanded;

  const Window* covering(WindowKind kind, Timestamp at) const {
    for (const auto& interval : expanded.intervals) {
      if (interval.window >= windows.size() || windows[interval.window].kind != kind) continue;
      if (interval.from <= at && at < interval.to) return &windows[interval.window];
    }
    return nullptr;
  }
  bool has_allow() const { return std::ranges::find(windows, WindowKind::allow, &Window::kind) != windows.end(); }
  bool open(Timestamp at) const {
    return !covering(WindowKind::deny, at) && (!has_allow() || covering(WindowKind::allow, at));
  }
  // The first moment after `now` at which it is `wanted`; unset: none is known.
  std::optional<Timestamp> next(Timestamp now, bool wanted) const {
    std::vector<Timestamp> edges;
    for (const auto& interval : expanded.intervals) {
      for (const auto edge : {interval.from, interval.to}) {
        if (edge > now && edge < expanded.until) edges.push_back(edge);
      }
    }
    std::ranges::sort(edges);
    const auto at = std::ranges::find_if(edges, [&](Timestamp edge) { return open(edge) == wanted; });
    return at == edges.end() ? std::nullopt : std::optional(*at);
  }
};

std::string label(const Window& window) {
  return std::string(name_of(window.kind)) + " window" + (window.name.empty() ? "" : " " + window.name);
}

bool is_on(const Maintenance& maintenance, Timestamp now) {
  return maintenance.from <= now && now < maintenance.to;
}

// Of one that took place under the same name before, nothing is left over.
const WindowOverride* override_of(const Promotion& p, const Maintenance& maintenance, Timestamp now) {
  const auto at = p.maintenance_overrides.find(maintenance.name);
  return at != p.maintenance_overrides.end() && at->second.until && now < *at->second.until ? &at->second : nullptr;
}

}  // namespace

WindowVerdict window_verdict(const std::vector<Window>& windows, const ExpandedWindows* expanded, Timestamp now) {
  WindowVerdict verdict;
  if (!expanded || now < expanded->from || now >= expanded->until) {
    verdict.open = false;
    verdict.text = "its windows are not worked out for this time yet";
    return verdict;
  }
  const Calendar calendar{windows, *expanded};
  verdict.open = calendar.open(now);
  verdict.due = calendar.next(now, !verdict.open);
  if (verdict.open) {
    verdict.text = verdict.due ? "open until " + format_timestamp(*verdict.due) : "open";
    return verdict;
  }
  const auto opens = verdict.due ? "it opens at " + format_timestamp(*verdict.due)
                                 : "it opens no earlier than " + format_timestamp(expanded->until);
  if (const auto* deny = calendar.covering(WindowKind::deny, now)) {
    verdict.line = deny->line;
    verdict.text = "closed by the " + label(*deny) + "; " + opens;
    return verdict;
  }
  // The allow window that opens next, else the first there is.
  const auto* allow = verdict.due ? calendar.covering(WindowKind::allow, *verdict.due) : nullptr;
  if (!allow) allow = &*std::ranges::find(windows, WindowKind::allow, &Window::kind);
  verdict.line = allow->line;
  verdict.text = "closed, outside of the " + label(*allow) + "; " + opens;
  return verdict;
}

std::string maintenance_text(const Maintenance& maintenance) {
  return "maintenance " + maintenance.name + " until " + format_timestamp(maintenance.to);
}

std::vector<const Maintenance*> maintenance_before(const State& state, const Promotion& p, Timestamp now) {
  std::vector<const Maintenance*> all;
  const auto environment = state.environments.find(called_now(state, p.id.target).environment);
  if (environment == state.environments.end()) return all;
  for (const auto& maintenance : environment->second.document.maintenance) {
    if (is_on(maintenance, now) && !override_of(p, maintenance, now)) all.push_back(&maintenance);
  }
  return all;
}

std::vector<Condition> judge_maintenance(const State& state, const Promotion& p, Timestamp now) {
  std::vector<Condition> all;
  const auto environment = state.environments.find(called_now(state, p.id.target).environment);
  if (environment == state.environments.end()) return all;
  const auto& [document, source, commit, since] = environment->second;
  for (const auto& maintenance : document.maintenance) {
    if (!is_on(maintenance, now)) continue;
    Condition c;
    c.guard = "maintenance";
    c.file = source.file;
    c.line = maintenance.line;
    c.commit = commit;
    c.due = maintenance.to;
    c.text = "environment " + document.name + ": " + maintenance_text(maintenance);
    if (const auto* passed = override_of(p, maintenance, now)) {
      c.met = true;
      c.text += "; " + passed->by + " let it pass: " + passed->reason;
      c.events = {passed->position};
    } else {
      c.remedy = "wait, or with the role breakGlass: headgate override " + to_string(p.id) + " --reason TEXT";
    }
    all.push_back(std::move(c));
  }
  return all;
}

}  // namespace headgate
