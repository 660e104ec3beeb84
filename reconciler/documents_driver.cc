// How releases come to their place: the driver of an Environment, of one of its locations or of a stage.
#include "reconciler/documents_kinds.h"
#include "reconciler/documents_text.h"

namespace headgate::reconciler {
namespace {

// Nothing is promoted while a driver observes: there is no release to speak of.
void read_observe(YamlReader& r, const YamlNode& node, Run& run) {
  read_command(r, node, run);
  if (node.kind != YamlNode::Kind::list) return;
  for (const auto& word : YamlItems(node)) {
    for (const std::string_view placeholder : {"${release.", "${previous.", "${promotion}", "${slot}"}) {
      if (word.text.find(placeholder) == std::string_view::npos) continue;
      r.at(word, "an observe command knows of no promotion", quoted(word.text),
           "${service}, ${environment}, ${location} and ${variables.<name>} alone");
    }
  }
}

void read_command_driver(YamlReader& r, const YamlNode& node, CommandDriver& driver) {
  Fields f(r, node, "a command driver");
  f.required("deploy", read_command, driver.deploy);
  f.required("observe", read_observe, driver.observe);
  f.optional("retire",
             [&](YamlReader& reader, const YamlNode& list) { read_command(reader, list, driver.retire.emplace()); });
}

}  // namespace

void read_driver(YamlReader& r, const YamlNode& node, CommandDriver& driver) {
  Fields f(r, node, "a driver");
  f.optional("command", read_command_driver, driver);
  f.at_least_one_of({"command"});
}

}  // namespace headgate::reconciler
