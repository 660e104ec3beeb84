#include "reconciler/yaml_reader.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

namespace headgate::reconciler {
namespace {

using Kind = YamlNode::Kind;

// Far above any real waiting time, and far below where sums overflow.
constexpr Duration kLongest = std::chrono::days(366);
constexpr Duration kShortest = std::chrono::milliseconds(10);
constexpr std::size_t kMaxDurationBytes = 64;
constexpr std::size_t kMaxSuggestions = 100;

std::string describe(const YamlNode& node) {
  switch (node.kind) {
    case Kind::null:
      return "nothing";
    case Kind::scalar:
      return quoted(node.text);
    case Kind::list:
      return "a list";
    case Kind::map:
      return "a map";
    case Kind::refused:
      return "an alias";
  }
  return {};
}

}  // namespace

bool has_control_character(std::string_view text, std::string_view allowed) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if ((c < 0x20 && allowed.find(text[i]) == std::string_view::npos) || c == 0x7F) return true;
    // U+0080 to U+009F
    if (c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0) return true;
  }
  return false;
}

void YamlReader::at(const YamlNode& node, std::string message, std::string found, std::string expected) {
  if (node.kind == Kind::refused) return;
  sink_.add(node.place, std::move(message), std::move(found), std::move(expected));
}

void YamlReader::wrong_type(const YamlNode& node, std::string_view expected) {
  at(node, fmt::format("wrong type of '{}'", field_), describe(node), std::string(expected));
}

void YamlReader::wrong_value(const YamlNode& node, std::string_view expected) {
  at(node, fmt::format("wrong value of '{}'", field_), describe(node), std::string(expected));
}

std::string YamlReader::suggestion(std::string_view text, const std::vector<std::string_view>& known) const {
  return mistakes() < kMaxSuggestions ? did_you_mean(text, known) : std::string();
}

Result<std::string> YamlReader::read_blob(const std::string& blob, std::size_t max_bytes) const {
  if (!files_.read) return fail(ErrorCode::not_found, "no file can be read here");
  return files_.read(blob, max_bytes);
}

bool YamlReader::is_short(const YamlNode& node) {
  if (node.size <= kMaxItems) return true;
  at(node, fmt::format("'{}' is too long", field_), fmt::format("{} items", node.size),
     fmt::format("at most {}", kMaxItems));
  return false;
}

bool YamlReader::is_list(const YamlNode& node, std::string_view expected) {
  if (node.kind == Kind::list) return is_short(node);
  wrong_type(node, expected);
  return false;
}

bool YamlReader::is_map(const YamlNode& node, std::string_view expected) {
  if (node.kind == Kind::map) return is_short(node);
  wrong_type(node, expected);
  return false;
}

bool YamlReader::is_scalar(const YamlNode& node, std::string_view expected) {
  if (node.kind == Kind::scalar) return true;
  if (node.kind == Kind::map && node.first != nullptr && node.first->text == "secret") {
    at(node, "secrets are not supported by this version", "a secret", std::string(expected));
  } else {
    wrong_type(node, expected);
  }
  return false;
}

bool YamlReader::text(const YamlNode& node, std::string& out) {
  if (!is_scalar(node, "text")) return false;
  if (has_control_character(node.text, "\n\t")) {
    wrong_value(node, "text without control characters");
    return false;
  }
  out = node.text;
  return true;
}

bool YamlReader::line_of_text(const YamlNode& node, std::string& out) {
  if (!is_scalar(node, "text")) return false;
  if (node.text.empty() || has_control_character(node.text)) {
    wrong_value(node, "one line of text without control characters");
    return false;
  }
  out = node.text;
  return true;
}

bool YamlReader::name(const YamlNode& node, std::string& out) {
  if (!is_scalar(node, "a name")) return false;
  if (!is_name(node.text)) {
    wrong_value(node,
                "a name: up to 63 lower-case letters, digits and '-', beginning and ending with a letter or digit");
    return false;
  }
  out = node.text;
  return true;
}

bool YamlReader::version(const YamlNode& node, std::string& out) {
  if (!is_scalar(node, "a version")) return false;
  if (!is_version(node.text)) {
    wrong_value(node, "a version: up to 128 letters, digits and . _ + -, beginning with a letter or digit");
    return false;
  }
  out = node.text;
  return true;
}

bool YamlReader::boolean(const YamlNode& node, bool& out) {
  if (node.kind == Kind::scalar && !node.quoted && (node.text == "true" || node.text == "false")) {
    out = node.text == "true";
    return true;
  }
  wrong_type(node, "true or false");
  return false;
}

bool YamlReader::number(const YamlNode& node, std::uint32_t& out, std::uint32_t min, std::uint32_t max) {
  const auto expected = fmt::format("a whole number from {} to {}", min, max);
  std::uint32_t value = 0;
  const auto* end = node.text.data() + node.text.size();
  if (node.kind == Kind::scalar && !node.quoted && !node.text.empty()) {
    const auto [stop, error] = std::from_chars(node.text.data(), end, value);
    if (stop == end && error == std::errc{} && value >= min && value <= max) {
      out = value;
      return true;
    }
    wrong_value(node, expected);
    return false;
  }
  wrong_type(node, expected);
  return false;
}

bool YamlReader::decimal(const YamlNode& node, Decimal& out) {
  if (node.kind == Kind::scalar && !node.quoted && is_decimal(node.text)) {
    out.text = node.text;
    return true;
  }
  wrong_type(node, "a number");
  return false;
}

bool YamlReader::duration(const YamlNode& node, Duration& out) {
  if (!is_scalar(node, "a duration such as 30s, 5m or 1h30m")) return false;
  if (node.text.size() > kMaxDurationBytes) {
    wrong_value(node, fmt::format("a duration such as 30s, 5m or 1h30m, of at most {} bytes", kMaxDurationBytes));
    return false;
  }
  const auto parsed = parse_duration(node.text);
  if (!parsed || *parsed > kLongest) {
    wrong_value(node, "a duration of at most 366d, such as 30s, 5m or 1h30m");
    return false;
  }
  out = *parsed;
  return true;
}

bool YamlReader::positive_duration(const YamlNode& node, Duration& out) {
  Duration value{};
  if (!duration(node, value)) return false;
  if (value < kShortest) {
    wrong_value(node, "a duration of 10ms or more");
    return false;
  }
  out = value;
  return true;
}

bool YamlReader::only(const YamlNode& node, std::string_view word) {
  if (!is_scalar(node, "text")) return false;
  if (node.text == word) return true;
  wrong_value(node, word);
  return false;
}

bool YamlReader::wrong_word(const YamlNode& node, const std::vector<std::string_view>& words) {
  at(node, fmt::format("wrong value of '{}'{}", field_, suggestion(node.text, words)), describe(node),
     enumerate(words));
  return false;
}

bool YamlReader::names(const YamlNode& node, std::vector<std::string>& out, std::vector<const YamlNode*>* nodes) {
  if (!is_list(node, "a list of names")) return false;
  for (const auto& item : YamlItems(node)) {
    std::string value;
    if (!name(item, value)) continue;
    if (std::ranges::find(out, value) != out.end()) {
      at(item, fmt::format("'{}' names {} twice", field_, quoted(value)));
      continue;
    }
    out.push_back(std::move(value));
    if (nodes != nullptr) nodes->push_back(&item);
  }
  return true;
}

Fields::Fields(YamlReader& reader, const YamlNode& node, std::string_view section)
    : reader_(reader), node_(&node), map_(nullptr), section_(section) {
  if (node.kind == Kind::map) {
    if (reader.is_short(node)) map_ = &node;
  } else if (reader.field_.empty()) {
    reader.at(node, fmt::format("this is not {}", section), describe(node), "apiVersion, kind, metadata and spec");
  } else {
    reader.wrong_type(node, fmt::format("{} (a map)", section));
  }
}

Fields::~Fields() {
  if (map_ == nullptr) return;
  const std::vector<std::string_view> known(asked_.begin(), asked_.begin() + asked_count_);
  for (const auto [key, value] : YamlEntries(*map_)) {
    if (std::ranges::find(known, key.text) != known.end() || value.kind == Kind::refused) continue;
    reader_.at(key,
               fmt::format("unknown field {} of {}{}", quoted(key.text), section_, reader_.suggestion(key.text, known)),
               "", known.empty() ? "no field at all" : enumerate(known));
  }
}

const YamlNode* Fields::key_of(std::string_view field) const {
  if (map_ == nullptr) return nullptr;
  for (const auto [key, value] : YamlEntries(*map_)) {
    if (key.text == field) return &key;
  }
  return nullptr;
}

const YamlNode* Fields::ask(std::string_view field) {
  HEADGATE_CHECK(asked_count_ < asked_.size());
  asked_[asked_count_++] = field;
  return value_of(field);
}

const YamlNode* Fields::value_of(std::string_view field) const {
  const auto* key = key_of(field);
  return key == nullptr ? nullptr : key->next;
}

std::uint32_t Fields::line_of(std::string_view field) const {
  const auto* key = key_of(field);
  return key == nullptr ? 0 : key->place.line;
}

std::vector<std::string_view> Fields::present(std::initializer_list<std::string_view> fields) const {
  std::vector<std::string_view> found;
  for (const auto field : fields) {
    if (key_of(field) != nullptr) found.push_back(field);
  }
  return found;
}

void Fields::exactly_one_of(std::initializer_list<std::string_view> fields) {
  if (map_ == nullptr) return;
  const auto found = present(fields);
  if (found.size() > 1) {
    reader_.at(*key_of(found[1]), fmt::format("{} has both '{}' and '{}'", section_, found[0], found[1]), "",
               "one of them");
  }
  if (found.empty()) at_least_one_of(fields);
}

void Fields::at_least_one_of(std::initializer_list<std::string_view> fields) {
  if (map_ == nullptr || !present(fields).empty()) return;
  reader_.at(*node_, fmt::format("{} is incomplete", section_), "", enumerate({fields}));
}

void Fields::not_together(std::string_view field, std::string_view other) {
  if (map_ == nullptr || key_of(field) == nullptr || key_of(other) == nullptr) return;
  reader_.at(*key_of(other), fmt::format("{} has both '{}' and '{}'", section_, field, other), "", "one of them");
}

}  // namespace headgate::reconciler
