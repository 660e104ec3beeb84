// variablesFrom: files of the repository with a variable a line.
//
// NAME=VALUE; blank lines and lines that begin with '#' say nothing. A value is what stands behind the first '=',
// without spaces around it; in single or double quotes it is what stands between them. There are no escapes, no
// continued lines and no references to other variables.
#pragma once

#include <string>
#include <string_view>

#include "engine/domain/documents.h"
#include "reconciler/yaml_reader.h"

namespace headgate::reconciler {

inline constexpr std::size_t kMaxVariableBytes = 4096;
inline constexpr std::size_t kMaxVariablesFileBytes = 64U << 10U;

// A list of paths. The variables of a later file stand before those of an earlier one, and the document's own, which
// must have been read, before all of them. Mistakes in a file are reported at their place in that file.
void read_variables_from(YamlReader& r, const YamlNode& node, Target& target);

// The name under which a command's environment holds a variable: folds case and '-'.
std::string environment_name(std::string_view variable);

}  // namespace headgate::reconciler
