// How a stage goes back, and how a promotion of it is expedited.
#include <fmt/core.h>

#include <algorithm>

#include "reconciler/documents_kinds.h"
#include "reconciler/documents_text.h"

namespace headgate::reconciler {
namespace {

void read_restore(YamlReader& r, const YamlNode& node, Boxed<Restore>& out, const YamlNode*& point) {
  auto& restore = out.emplace();
  restore.line = node.place.line;
  Fields f(r, node, "a restore rule");
  if (f.required("point", &YamlReader::name, restore.point)) point = f.value_of("point");
  f.required("run", read_run, restore.run);
  refuse_location(r, f.value_of("run"), "what is restored is shared by all locations");
}

}  // namespace

void read_rollback(YamlReader& r, const YamlNode& node, Stage& stage, StageNodes& nodes) {
  Fields f(r, node, "a rollback rule");
  f.optional("automatic", &YamlReader::boolean, stage.rollback_automatic);
  f.optional("quarantine", &YamlReader::boolean, stage.rollback_quarantine);
  f.optional("to", [](YamlReader& reader, const YamlNode& value) { reader.only(value, "previous"); });
  f.optional("restore", read_restore, stage.restore, nodes.restore_point);
}

void read_expedite(YamlReader& r, const YamlNode& node, std::optional<Expedite>& out) {
  auto& expedite = out.emplace();
  expedite.line = node.place.line;
  Fields f(r, node, "an expedite rule");
  f.optional("pause", [&](YamlReader& reader, const YamlNode& value) {
    Duration pause{};
    if (reader.positive_duration(value, pause)) expedite.pause = pause;
  });
  f.optional("wait", [&](YamlReader& reader, const YamlNode& value) {
    Duration wait{};
    if (reader.duration(value, wait)) expedite.wait = wait;
  });
  f.at_least_one_of({"pause", "wait"});
}

void check_restore(YamlReader& r, const Stage& stage, const StageNodes& nodes) {
  std::vector<std::string_view> points;
  for (const auto& hook : stage.before) {
    if (!hook.keeps.empty()) points.emplace_back(hook.keeps);
  }
  std::ranges::sort(points);
  if (const auto twice = std::ranges::adjacent_find(points); twice != points.end()) {
    r.at(*nodes.environment, fmt::format("two hooks of this stage keep the restore point {}", quoted(*twice)), "",
         "one hook for each restore point");
  }
  if (!nodes.restore_point || !stage.restore || stage.restore->point.empty()) return;
  if (std::ranges::find(points, stage.restore->point) != points.end()) return;
  r.at(*nodes.restore_point,
       fmt::format("no hook of this stage keeps the restore point {}{}", quoted(stage.restore->point),
                   r.suggestion(stage.restore->point, points)),
       "", "what a before-hook of the stage keeps");
}

}  // namespace headgate::reconciler
