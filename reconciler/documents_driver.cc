// How releases come to their place: the driver of an Environment, of one of its locations or of a stage.
#include <fmt/core.h>

#include <algorithm>

#include "engine/domain/strategy.h"
#include "reconciler/documents_kinds.h"
#include "reconciler/documents_text.h"

namespace headgate::reconciler {
namespace {

constexpr std::size_t kMaxEngineBytes = 500;

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

void read_command_driver(YamlReader& r, const YamlNode& node, Driver& driver) {
  Fields f(r, node, "a command driver");
  f.required("deploy", read_command, driver.deploy);
  f.required("observe", read_observe, driver.observe);
  f.optional("retire",
             [&](YamlReader& reader, const YamlNode& list) { read_command(reader, list, driver.retire.emplace()); });
}

void read_engine(YamlReader& r, const YamlNode& node, std::string& out) {
  std::string text;
  if (!r.line_of_text(node, text)) return;
  const bool by_socket = text.starts_with("unix:///") && text.size() > 8;
  const std::size_t scheme = text.starts_with("https://") ? 8 : text.starts_with("http://") ? 7 : 0;
  const bool by_address = scheme > 0 && text.size() > scheme && text[scheme] != '/';
  if ((!by_socket && !by_address) || text.find_first_of(" ?#@$") != std::string::npos ||
      text.size() > kMaxEngineBytes) {
    r.wrong_value(node,
                  "where the Docker Engine API is: unix:///run/podman/podman.sock, or an http:// or https:// URL");
    return;
  }
  out = std::move(text);
}

void read_image(YamlReader& r, const YamlNode& node, std::string& out) {
  std::string text;
  if (!r.line_of_text(node, text) || !read_template(r, node, text)) return;
  if (text.find("${release.") == std::string::npos) {
    r.at(node, "the image is the same for every release", quoted(text), "an image such as ${release.artifacts.image}");
    return;
  }
  out = std::move(text);
}

void read_slots(YamlReader& r, const YamlNode& node, std::map<std::string, ContainerSlot, std::less<>>& slots) {
  Fields f(r, node, "slots");
  for (const auto name : slot_names) {
    f.optional(name, [&](YamlReader& reader, const YamlNode& value) {
      ContainerSlot slot;
      Fields fields(reader, value, "a slot");
      fields.required("port",
                      [&](YamlReader& inner, const YamlNode& port) { inner.number(port, slot.port, 1, 65535); });
      const auto taken = std::ranges::find_if(slots, [&](const auto& s) { return s.second.port == slot.port; });
      if (slot.port > 0 && taken != slots.end()) {
        reader.at(*fields.value_of("port"), fmt::format("slot {} has this port already", quoted(taken->first)),
                  std::to_string(slot.port), "a port of its own");
      }
      slots.emplace(name, slot);
    });
  }
  f.at_least_one_of({slot_names[0], slot_names[1]});
}

void read_container(YamlReader& r, const YamlNode& node, Boxed<ContainerDriver>& out) {
  auto& container = out.emplace();
  container.line = node.place.line;
  Fields f(r, node, "a container driver");
  f.required("engine", read_engine, container.engine);
  f.required("image", read_image, container.image);
  f.required("slots", read_slots, container.slots);
}

void read_webhook(YamlReader& r, const YamlNode& node, Boxed<WebhookDriver>& out) {
  auto& webhook = out.emplace();
  webhook.line = node.place.line;
  Fields f(r, node, "a webhook driver");
  f.required("url", read_url, webhook.url);
  f.optional("signature", read_secret, webhook.signature);
}

}  // namespace

void read_driver(YamlReader& r, const YamlNode& node, Driver& driver) {
  Fields f(r, node, "a driver");
  f.optional("command", read_command_driver, driver);
  f.optional("container", read_container, driver.container);
  f.optional("webhook", read_webhook, driver.webhook);
  f.exactly_one_of({"command", "container", "webhook"});
}

}  // namespace headgate::reconciler
