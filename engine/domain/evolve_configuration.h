// What an event does to the configuration: documents are staged, and take force together.
#pragma once

#include <optional>
#include <set>

#include "engine/domain/evolving.h"

namespace headgate {

struct ConfigurationEvolver : Evolving {
  void operator()(const DocumentAccepted& e);
  void operator()(const DocumentRemoved& e);
  void operator()(const ConfigurationAccepted& e);
  void operator()(const ConfigurationRejected& e);
  void operator()(const ConfigurationProposed& e);
  void operator()(const ConfigurationApproved& e);
  void operator()(const ConfigurationDeclined& e);
  void operator()(const ConfigurationSuperseded& e);

  // By put_in_force. Documents come by service, as the set is ordered: most find their place beside the one before.
  std::optional<std::set<TargetId>::iterator> last_touched{};

 private:
  void stage(const std::string& commit, Staged staged);
  template <class D>
  Position since(const std::optional<InForce<D>>& before, const D& now) const;
  void touch_next(const TargetId& id);  // the target of a document
  void put_in_force(Staged& staged, const std::string& commit, const std::vector<std::string>& people);
};

template <class E>
concept OfConfiguration = requires(ConfigurationEvolver evolver, const E& e) {
  evolver(e);
};

}  // namespace headgate
