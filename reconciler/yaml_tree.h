// YAML text as a tree that keeps every place and whether a scalar was quoted. Built from yaml-cpp's events and not from
// its own tree, which is slower, expands aliases, and keeps only one of two equal keys without a word.
#pragma once

#include <cstdint>
#include <functional>
#include <iterator>
#include <string_view>

#include "reconciler/yaml_diagnostics.h"

namespace headgate::reconciler {

inline constexpr std::size_t kMaxFileBytes = 1U << 20U;
inline constexpr std::size_t kMaxNesting = 32;

struct YamlNode {
  // `refused`: a mistake that is reported already (an alias); whoever reads it keeps silent.
  enum class Kind : std::uint8_t { null, scalar, list, map, refused };

  Kind kind = Kind::null;
  bool quoted = false;
  Place place;
  std::string_view text;            // of a scalar; of a plain one exactly as written
  const YamlNode* first = nullptr;  // of a list its items, of a map its keys and values in turn
  const YamlNode* next = nullptr;
  std::uint32_t size = 0;  // items of a list, keys of a map
};

class YamlItems {
 public:
  class iterator {
   public:
    explicit iterator(const YamlNode* at) : at_(at) {}
    const YamlNode& operator*() const { return *at_; }
    iterator& operator++() {
      at_ = at_->next;
      return *this;
    }
    bool operator==(const iterator&) const = default;

   private:
    const YamlNode* at_;
  };
  explicit YamlItems(const YamlNode& list) : first_(list.kind == YamlNode::Kind::list ? list.first : nullptr) {}
  iterator begin() const { return iterator(first_); }
  iterator end() const { return iterator(nullptr); }

 private:
  const YamlNode* first_;
};

struct YamlEntry {
  const YamlNode& key;
  const YamlNode& value;
};

// The entries of a map in the order of the file. Equal keys are reported when the tree is built and stay in it; a key
// that is no scalar is left out.
class YamlEntries {
 public:
  class iterator {
   public:
    explicit iterator(const YamlNode* key) : key_(key) { skip(); }
    YamlEntry operator*() const { return {*key_, *key_->next}; }
    iterator& operator++() {
      key_ = key_->next->next;
      skip();
      return *this;
    }
    bool operator==(const iterator&) const = default;

   private:
    void skip() {
      while (key_ != nullptr && key_->kind != YamlNode::Kind::scalar) key_ = key_->next->next;
    }
    const YamlNode* key_;
  };
  explicit YamlEntries(const YamlNode& map) : first_(map.kind == YamlNode::Kind::map ? map.first : nullptr) {}
  iterator begin() const { return iterator(first_); }
  iterator end() const { return iterator(nullptr); }

 private:
  const YamlNode* first_;
};

// Calls `on_document` with the root of each document that is not empty, in file order; the tree lives during the call.
// Refused, each with a diagnostic: a text over kMaxFileBytes, nesting over kMaxNesting, what is not UTF-8 or holds
// control characters, syntax errors (reading ends there), aliases, anchors, tags and equal keys (reading goes on).
void read_yaml(std::string_view text, DiagnosticSink& sink, const std::function<void(const YamlNode&)>& on_document);

}  // namespace headgate::reconciler
