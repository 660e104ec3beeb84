// The routes, by subject. Each function registers its own; service.cc calls them all.
#pragma once

#include "api/core.h"

namespace headgate::api {

void add_server_routes(Core& core, Router& router);         // health, metrics, contract
void add_log_routes(Core& core, Router& router);            // checkpoint, tiles, keys
void add_configuration_routes(Core& core, Router& router);  // services, environments, configuration, repositories
void add_target_routes(Core& core, Router& router);
void add_state_routes(Core& core, Router& router);
void add_release_routes(Core& core, Router& router);  // releases, gates, quarantine
void add_freeze_routes(Core& core, Router& router);
void add_governance_routes(Core& core, Router& router);  // proposed configurations
void add_rollback_routes(Core& core, Router& router);    // rollbacks, incidents
void add_postmortem_route(Core& core, Router& router);
void add_blob_routes(Core& core, Router& router);
void add_promotion_routes(Core& core, Router& router);
void add_promotion_story_routes(Core& core, Router& router);  // explain, timeline
void add_event_routes(Core& core, Router& router);
void add_evidence_routes(Core& core, Router& router);
void add_access_routes(Core& core, Router& router);  // tokens, people
void add_upkeep_routes(Core& core, Router& router);  // backups, effects

}  // namespace headgate::api
