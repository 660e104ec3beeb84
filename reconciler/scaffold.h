// The files that `headgate init` writes: a small environments repository that validates and can be run at once.
#pragma once

#include <span>
#include <string_view>

namespace headgate::reconciler {

struct ScaffoldFile {
  std::string_view path;  // relative to the folder asked for
  std::string_view text;
  bool executable;
};

std::span<const ScaffoldFile> scaffold_files();

}  // namespace headgate::reconciler
