#pragma once

#include <string>

namespace headgate::reconciler {

// What is under a service's paths at a commit.
struct SourceTree {
  std::string commit;  // the newest one up to the head at which what is under the paths came to be what it is
  std::string digest;  // sha256:<hex>; empty: nothing is under the paths
};

}  // namespace headgate::reconciler
