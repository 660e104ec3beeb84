// A typed reader over the tree: every kind of document is a declaration of its fields, and every mistake becomes a
// diagnostic with its place, what was found and what was expected.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/domain/enums.h"
#include "engine/domain/names.h"
#include "engine/domain/time.h"
#include "engine/ports/document_parser.h"
#include "reconciler/yaml_tree.h"

namespace headgate::reconciler {

// U+0000 to U+001F but for those in `allowed`, and U+007F to U+009F.
bool has_control_character(std::string_view text, std::string_view allowed = {});

// Reads single values. Each function fills `out`, or reports what is wrong, leaves `out` and returns false.
class YamlReader {
 public:
  YamlReader(DiagnosticSink& sink, CommitFiles files) : sink_(sink), files_(std::move(files)) {}

  // Text: any scalar, exactly as written. Control characters other than tab and line feed are refused.
  bool text(const YamlNode& node, std::string& out);
  bool line_of_text(const YamlNode& node, std::string& out);  // not empty, no control characters at all
  bool name(const YamlNode& node, std::string& out);          // is_name
  bool version(const YamlNode& node, std::string& out);       // is_version
  // Not of quoted scalars: "3" is text.
  bool boolean(const YamlNode& node, bool& out);
  bool number(const YamlNode& node, std::uint32_t& out, std::uint32_t min, std::uint32_t max);
  bool decimal(const YamlNode& node, Decimal& out);
  bool duration(const YamlNode& node, Duration& out);           // 0 or more
  bool positive_duration(const YamlNode& node, Duration& out);  // 10ms to 366d
  template <class E>
  bool word(const YamlNode& node, E& out);                 // one of the names of an enumeration
  bool only(const YamlNode& node, std::string_view word);  // exactly this one

  // Reports and returns false when `node` is something else, or longer than kMaxItems.
  static constexpr std::uint32_t kMaxItems = 1000;
  bool is_list(const YamlNode& node, std::string_view expected = "a list");
  bool is_map(const YamlNode& node, std::string_view expected = "a map");
  bool is_scalar(const YamlNode& node, std::string_view expected);
  // Each item by `read(*this, item, value)`; one with mistakes is there too, as far as it could be read, so that what
  // refers to it is not a second mistake. False when `node` is no list.
  template <class T, class Read>
  bool list(const YamlNode& node, std::vector<T>& out, Read read);
  // Names, each once; `nodes`, where given, gets the node of each.
  bool names(const YamlNode& node, std::vector<std::string>& out, std::vector<const YamlNode*>* nodes = nullptr);

  void wrong_type(const YamlNode& node, std::string_view expected);
  void wrong_value(const YamlNode& node, std::string_view expected);
  void at(const YamlNode& node, std::string message, std::string found = {}, std::string expected = {});
  std::size_t mistakes() const { return sink_.count(); }
  // did_you_mean, while mistakes are few enough for anybody to read.
  std::string suggestion(std::string_view text, const std::vector<std::string_view>& known) const;

  std::optional<std::string> blob_of(std::string_view path) const { return files_.find(path); }
  Result<std::string> read_blob(const std::string& blob, std::size_t max_bytes) const;
  // A mistake of another file, which the one that is read takes over.
  void elsewhere(Diagnostic diagnostic) { sink_.add_other(std::move(diagnostic)); }

 private:
  friend class Fields;
  bool is_short(const YamlNode& node);
  bool wrong_word(const YamlNode& node, const std::vector<std::string_view>& words);

  DiagnosticSink& sink_;
  CommitFiles files_;
  std::string_view field_;  // whose value is being read, for messages
};

// The fields of one map. Ask for every field that the map may have, whatever the others hold; the destructor refuses
// those that nobody asked for. Of a node that is no map nothing is read and that alone is reported.
class Fields {
 public:
  // `section`: what the map is, as messages call it ("a stage").
  Fields(YamlReader& reader, const YamlNode& node, std::string_view section);
  ~Fields();
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;

  // `read` is called as read(reader, value, out...) with the field's value; returns whether the field is there.
  template <class Read, class... Out>
  bool required(std::string_view field, Read read, Out&... out);
  template <class Read, class... Out>
  bool optional(std::string_view field, Read read, Out&... out);

  // Reports unless exactly one of the fields is there.
  void exactly_one_of(std::initializer_list<std::string_view> fields);
  void at_least_one_of(std::initializer_list<std::string_view> fields);
  void not_together(std::string_view field, std::string_view other);

  bool is_map() const { return map_ != nullptr; }
  // Line of the field's name, 0 where there is none.
  std::uint32_t line_of(std::string_view field) const;
  const YamlNode* value_of(std::string_view field) const;
  // Nothing further of this map is reported: it is of a kind that is not known.
  void give_up() { map_ = nullptr; }

 private:
  const YamlNode* key_of(std::string_view field) const;
  const YamlNode* ask(std::string_view field);
  std::vector<std::string_view> present(std::initializer_list<std::string_view> fields) const;

  YamlReader& reader_;
  const YamlNode* node_;
  const YamlNode* map_;
  std::string_view section_;
  std::array<std::string_view, 24> asked_{};
  std::size_t asked_count_ = 0;
};

template <class E>
bool YamlReader::word(const YamlNode& node, E& out) {
  const auto& names = EnumNames<E>::names;
  if (!is_scalar(node, "text")) return false;
  if (const auto value = parse_enum<E>(node.text)) {
    out = *value;
    return true;
  }
  return wrong_word(node, {names.begin(), names.end()});
}

template <class T, class Read>
bool YamlReader::list(const YamlNode& node, std::vector<T>& out, Read read) {
  if (!is_list(node)) return false;
  for (const auto& item : YamlItems(node)) {
    T value{};
    std::invoke(read, *this, item, value);
    out.push_back(std::move(value));
  }
  return true;
}

template <class Read, class... Out>
bool Fields::optional(std::string_view field, Read read, Out&... out) {
  const auto* value = ask(field);
  if (value == nullptr) return false;
  const auto outer = std::exchange(reader_.field_, field);
  std::invoke(read, reader_, *value, out...);
  reader_.field_ = outer;
  return true;
}

template <class Read, class... Out>
bool Fields::required(std::string_view field, Read read, Out&... out) {
  if (optional(field, std::move(read), out...)) return true;
  if (map_ != nullptr) reader_.at(*node_, "missing field '" + std::string(field) + "' of " + std::string(section_));
  return false;
}

}  // namespace headgate::reconciler
