#include "reconciler/yaml_tree.h"

#include <fmt/core.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <memory_resource>
#include <optional>
#include <spanstream>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/utf8.h"

namespace headgate::reconciler {
namespace {

using Kind = YamlNode::Kind;

Place place_of(const YAML::Mark& mark) {
  return {static_cast<std::uint32_t>(std::max(mark.line, 0)) + 1,
          static_cast<std::uint32_t>(std::max(mark.column, 0)) + 1};
}

// Leaves the parser when the file can be read no further; the reason is in the sink.
struct Stop {};

constexpr std::string_view kEnd = "\n...\n";

// Equal keys of larger maps are found by sorting; in small ones, nearly all, by looking at each pair.
constexpr std::size_t kSmallMap = 16;

class TreeBuilder final : public YAML::EventHandler {
 public:
  // `end` is where the text ends: what yaml-cpp sees behind it is at fault there.
  TreeBuilder(DiagnosticSink& sink, Place end) : sink_(sink), end_(end) {}

  const YamlNode* root() const { return root_; }
  bool saw_document() const { return saw_document_; }
  YAML::Mark start() const { return start_; }
  Place at(const YAML::Mark& mark) const {
    const auto place = place_of(mark);
    return place.line > end_.line ? end_ : place;
  }
  Place last() const { return last_; }  // of what was read last in this document

  // Gives up the tree of the document before.
  void reset() {
    root_ = nullptr;
    saw_document_ = false;
    open_.clear();
    arena_.release();
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    saw_document_ = true;
    start_ = mark;
    last_ = at(mark);
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { add(Kind::null, mark); }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    sink_.add(at(mark), "aliases are not allowed in documents", "an alias", "the value itself");
    add(Kind::refused, mark);
  }

  void OnAnchor(const YAML::Mark& mark, const std::string& name) override {
    sink_.add(at(mark), "anchors are not allowed in documents", quoted("&" + name), "the value without it");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, const std::string& value) override {
    refuse_tag(mark, tag);
    auto* node = add(Kind::scalar, mark);
    node->quoted = tag == "!";
    if (!value.empty()) {
      auto* copy = static_cast<char*>(arena_.allocate(value.size(), 1));
      std::memcpy(copy, value.data(), value.size());
      node->text = {copy, value.size()};
    }
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    refuse_tag(mark, tag);
    enter(add(Kind::list, mark));
  }
  void OnSequenceEnd() override {
    open_.back().node->size = open_.back().children;
    open_.pop_back();
  }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, YAML::EmitterStyle::value) override {
    refuse_tag(mark, tag);
    enter(add(Kind::map, mark));
  }
  void OnMapEnd() override {
    const auto map = open_.back();
    open_.pop_back();
    HEADGATE_CHECK(map.children % 2 == 0);
    map.node->size = map.children / 2;
    // The keys of people are their names, which no diagnostic quotes: it is recorded for good.
    const bool of_people = !open_.empty() && open_.back().key == "people";
    refuse_equal_keys(*map.node, map.node->size, of_people);
  }

 private:
  struct Open {
    YamlNode* node;
    YamlNode* last;
    std::uint32_t children;
    std::string_view key{};  // of a map: of the value that is read
  };

  YamlNode* add(Kind kind, const YAML::Mark& mark) {
    auto* node = new (arena_.allocate(sizeof(YamlNode), alignof(YamlNode))) YamlNode{
        .kind = kind, .quoted = false, .place = at(mark), .text = {}, .first = nullptr, .next = nullptr, .size = 0};
    last_ = node->place;
    if (open_.empty()) {
      root_ = node;
      return node;
    }
    auto& parent = open_.back();
    if (parent.node->kind == Kind::map) {
      if (parent.children % 2 == 0) {
        if (kind != Kind::scalar && kind != Kind::refused) {
          sink_.add(node->place, "the name of a field must be text", found_key(kind), "text");
        }
      } else if (kind == Kind::null) {
        node->place = parent.last->place;  // an absent value has no place of its own
      }
    }
    if (parent.node->kind == Kind::map && parent.children % 2 == 1) parent.key = parent.last->text;
    (parent.last == nullptr ? parent.node->first : parent.last->next) = node;
    parent.last = node;
    ++parent.children;
    return node;
  }

  void enter(YamlNode* node) {
    if (open_.size() == kMaxNesting) {
      sink_.add(node->place, "the document is nested too deeply", "",
                fmt::format("at most {} levels of lists and maps", kMaxNesting));
      throw Stop{};
    }
    open_.push_back({node, nullptr, 0});
  }

  static std::string found_key(Kind kind) {
    return kind == Kind::null ? "nothing" : kind == Kind::list ? "a list" : "a map";
  }

  // yaml-cpp names plain values "?" and quoted ones "!".
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    sink_.add(at(mark), "tags are not allowed in documents", quoted(tag), "the value without it");
  }

  void refuse_equal_keys(const YamlNode& map, std::size_t size, bool quietly) {
    if (size < 2) return;
    if (size <= kSmallMap) {
      for (const auto [key, value] : YamlEntries(map)) {
        for (const auto [earlier, earlier_value] : YamlEntries(map)) {
          if (&earlier == &key) break;
          if (earlier.text != key.text) continue;
          refuse_equal(earlier, key, quietly);
          break;
        }
      }
      return;
    }
    std::vector<const YamlNode*> keys;
    keys.reserve(size);
    for (const auto [key, value] : YamlEntries(map)) keys.push_back(&key);
    std::ranges::stable_sort(keys, {}, [](const YamlNode* key) { return key->text; });
    for (std::size_t i = 1, first = 0; i < keys.size(); ++i) {
      if (keys[i]->text == keys[first]->text) {
        refuse_equal(*keys[first], *keys[i], quietly);
      } else {
        first = i;
      }
    }
  }

  void refuse_equal(const YamlNode& earlier, const YamlNode& later, bool quietly) {
    sink_.add(later.place, fmt::format("duplicate field{}, given in line {} already",
                                       quietly ? "" : " " + quoted(later.text), earlier.place.line));
  }

  DiagnosticSink& sink_;
  const Place end_;
  // Enough for a usual document, so that a file of many small ones asks the heap for nothing.
  std::array<std::byte, 16'384> first_block_;
  std::pmr::monotonic_buffer_resource arena_{first_block_.data(), first_block_.size()};
  std::vector<Open> open_;
  YamlNode* root_ = nullptr;
  YAML::Mark start_;
  Place last_;
  bool saw_document_ = false;
};

struct BadText {
  std::size_t offset;
  bool control;  // a control character; else not UTF-8
};

// RFC 3629, and YAML's printable characters: of the controls only tab, line feed, carriage return and next line.
std::optional<BadText> find_bad_text(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t i = 0; i < text.size();) {
    const auto c = byte(i);
    if (c < 0x80) {
      if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F) return BadText{i, true};
      ++i;
      continue;
    }
    const auto length = utf8_character(text.substr(i));
    if (length == 0) return BadText{i, false};
    if (c == 0xC2 && byte(i + 1) < 0xA0 && byte(i + 1) != 0x85) return BadText{i, true};
    i += length;
  }
  return std::nullopt;
}

Place place_at(std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, offset);
  const auto line = static_cast<std::uint32_t>(std::ranges::count(before, '\n')) + 1;
  const auto newline = before.rfind('\n');
  const auto start = newline == std::string_view::npos ? 0 : newline + 1;
  return {line, static_cast<std::uint32_t>(offset - start) + 1};
}

}  // namespace

void read_yaml(std::string_view text, DiagnosticSink& sink, const std::function<void(const YamlNode&)>& on_document) {
  if (text.size() > kMaxFileBytes) {
    sink.add({1, 1}, "the file is too large", fmt::format("{} bytes", text.size()),
             fmt::format("at most {} bytes", kMaxFileBytes));
    return;
  }
  if (const auto bad = find_bad_text(text)) {
    sink.add(place_at(text, bad->offset), bad->control ? "a control character in the text" : "the text is not UTF-8",
             fmt::format("byte 0x{:02x}", static_cast<unsigned char>(text[bad->offset])),
             bad->control ? "printable text" : "UTF-8");
    return;
  }
  // yaml-cpp takes a quote that is still open where the file ends with a line for a closed one. A mark of the
  // document's end is not allowed within quotes, and says nothing anywhere else.
  std::string ended;
  ended.reserve(text.size() + kEnd.size());
  ended.append(text).append(kEnd);
  TreeBuilder builder(sink, place_at(text, text.size()));
  try {
    std::ispanstream stream(std::span<const char>(ended.data(), ended.size()));
    YAML::Parser parser(stream);
    int previous_start = -1;
    while (true) {
      builder.reset();
      if (!parser.HandleNextDocument(builder) || !builder.saw_document()) return;
      // yaml-cpp takes some stray tokens for an empty document and never passes them.
      if (builder.start().pos <= previous_start) {
        sink.add(builder.at(builder.start()), "not valid YAML", "text that belongs to no document", "");
        return;
      }
      previous_start = builder.start().pos;
      if (builder.root() != nullptr && builder.root()->kind != Kind::null) on_document(*builder.root());
    }
  } catch (const YAML::Exception& error) {
    if (error.msg == YAML::ErrorMsg::DOC_IN_SCALAR) {
      sink.add(builder.last(), "not valid YAML: a quote that opens behind this is not closed before the document ends");
      return;
    }
    sink.add(builder.at(error.mark), "not valid YAML: " + error.msg);
  } catch (const Stop&) {
    // reported where it was thrown
  }
}

}  // namespace headgate::reconciler
