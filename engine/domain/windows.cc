#include "engine/domain/windows.h"

#include <algorithm>

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

}  // namespace headgate
