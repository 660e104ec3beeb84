// How releases come to a stage by themselves: sources, triggers, order and places.
#pragma once

#include "reconciler/documents_kinds.h"

namespace headgate::reconciler {

void read_source(YamlReader& r, const YamlNode& node, std::optional<ServiceSource>& source);
void read_depends_on(YamlReader& r, const YamlNode& node, std::vector<Dependency>& depends_on);
void read_triggers(YamlReader& r, const YamlNode& node, std::vector<StageTrigger>& triggers);
void read_supersede(YamlReader& r, const YamlNode& node, std::optional<Supersede>& supersede);
void read_concurrency(YamlReader& r, const YamlNode& node, std::optional<ConcurrencyRule>& rule);

}  // namespace headgate::reconciler
