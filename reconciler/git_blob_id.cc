#include "reconciler/git_blob_id.h"

#include <fmt/format.h>

#include "engine/base/digest.h"

namespace headgate::reconciler {

std::string git_blob_id(std::string_view bytes) {
  const auto header = fmt::format("blob {}", bytes.size());
  return hex(sha1(std::string_view(header.c_str(), header.size() + 1), bytes));
}

}  // namespace headgate::reconciler
