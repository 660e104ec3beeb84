// The services' own repository: commits with what they change, told to the engine as SourceWatch would.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/domain/flow_events.h"
#include "engine/domain/state.h"

namespace headgate::pipelines {

class SourceRepository {
 public:
  // The commit changes one file of each path, on top of the branch, or of main where there is no such branch yet.
  void commit(const std::string& id, const std::string& branch, const std::vector<std::string>& paths);
  bool holds(const std::string& id) const { return commits_.contains(id); }
  // For every service in force whose source it is.
  std::vector<SourceObserved> observe(const State& state, const std::string& id, const std::string& branch,
                                      const std::string& tag) const;

 private:
  struct Commit {
    std::string parent;
    std::map<std::string, std::string> files;  // path -> the commit that changed it last
  };
  std::map<std::string, Commit> commits_;
  std::map<std::string, std::string> branches_;  // name -> commit
};

// A path that the pattern fits: src/backend/** -> src/backend/changed
std::string path_within(const std::string& pattern);

}  // namespace headgate::pipelines
