// What an event does to a service: its source, its releases, and what gates said of them.
#pragma once

#include "engine/domain/evolving.h"

namespace headgate {

struct ReleaseEvolver : Evolving {
  void operator()(const SourceObserved& e);
  void operator()(const ReleaseRegistered& e);
  void operator()(const ReleaseQuarantined& e);
  void operator()(const ReleaseReinstated& e);
  void operator()(const GateReported& e);
  void operator()(const GateScheduled& e);
  void operator()(const GateDue& e);
  void operator()(const GateStarted& e);
  void operator()(const GateRetried& e);

 private:
  bool in_use(const std::string& name, const ServiceState& service, const std::string& version) const;
  void forget_oldest_release(const std::string& name, ServiceState& service);
  bool is_needed(const std::string& name, const ServiceState& service, const GateKey& key) const;
  void forget_oldest_report(const std::string& name, ServiceState& service);
  void gates_changed(const std::string& service);
  void reinstate(const std::string& service, const std::string& version);
};

template <class E>
concept OfRelease = requires(ReleaseEvolver evolver, const E& e) {
  evolver(e);
};

}  // namespace headgate
