#include "api/service.h"

#include "api/routes.h"

namespace headgate::api {

Api::Api(ApiDependencies dependencies, ApiOptions options)
    : core_(std::make_shared<Core>(std::move(dependencies), options)) {}

Api::~Api() {
  stop();
}

void Api::add_routes(Router& router) {
  add_server_routes(*core_, router);
  add_log_routes(*core_, router);
  add_configuration_routes(*core_, router);
  add_target_routes(*core_, router);
  add_state_routes(*core_, router);
  add_release_routes(*core_, router);
  add_freeze_routes(*core_, router);
  add_governance_routes(*core_, router);
  add_rollback_routes(*core_, router);
  add_postmortem_route(*core_, router);
  add_blob_routes(*core_, router);
  add_promotion_routes(*core_, router);
  add_promotion_story_routes(*core_, router);
  add_event_routes(*core_, router);
  add_evidence_routes(*core_, router);
  add_access_routes(*core_, router);
  add_upkeep_routes(*core_, router);
}

void Api::decorate(Response& response) const {
  if (!response.header("Headgate-Position")) Core::set_position(response, core_->deps.engine.position());
}

void Api::stop() {
  core_->feed.stop();
  core_->pool.stop();
  core_->denials.stop();
}

}  // namespace headgate::api
