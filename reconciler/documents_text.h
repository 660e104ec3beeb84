// Texts with a grammar of their own: placeholders, the names of variables and artifacts, commands.
#pragma once

#include <string>
#include <string_view>

#include "engine/domain/documents.h"
#include "reconciler/yaml_reader.h"

namespace headgate::reconciler {

// Text that may hold ${...}: service, environment, release.version, release.commit, release.artifacts.<name>,
// previous.version, promotion, slot, variables.<name>. An unknown one is refused here, not when it runs.
bool read_template(YamlReader& r, const YamlNode& node, std::string& out);

// A value that ends up as one argument of a command: one line, not beginning with '-', so that it is never taken for an
// option, and without ${...}, since values are put in once and not looked into again.
bool read_value(YamlReader& r, const YamlNode& node, std::string& out);

// What is wrong with such a value, as what was expected; empty when nothing is.
std::string_view value_problem(std::string_view value);

// Segments that are neither empty nor '.' nor '..': a path inside the repository.
bool is_plain_path(std::string_view path);

// A letter, then letters, digits, '_' and '-'; at most 63 characters.
bool is_variable_name(std::string_view text);

// Letters, digits and . - _ : outside of placeholders: what HAProxy takes for a name, and what hosts and addresses are
// made of.
bool is_proxy_or_host_name(std::string_view text);

// http:// or https://, without user and password; it may hold placeholders.
void read_url(YamlReader& r, const YamlNode& node, std::string& out);
// {secret: name}: the name. A text in its place is refused without being quoted.
void read_secret(YamlReader& r, const YamlNode& node, std::string& name);

// {command, timeout}. The first word is an absolute path, or a script of the repository, which is bound to its blob.
void read_run(YamlReader& r, const YamlNode& node, Run& run);
void read_command(YamlReader& r, const YamlNode& node, Run& run);  // only the list of words

}  // namespace headgate::reconciler
