// A std::map whose keys are found at once: beside the tree there is a table of where each key stands. What decisions do
// most is to look up one target and its service; what depends on an order reads the tree. Nothing is ever erased
// singly.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "engine/domain/names.h"

namespace headgate {

template <class Key, class Value>
class IndexedMap {
  using Tree = std::map<Key, Value>;

 public:
  using key_type = Key;
  using mapped_type = Value;
  using value_type = typename Tree::value_type;
  using iterator = typename Tree::iterator;
  using const_iterator = typename Tree::const_iterator;

  IndexedMap() = default;
  IndexedMap(const IndexedMap& other) : tree_(other.tree_) {
    for (auto at = tree_.begin(); at != tree_.end(); ++at) index_.insert(at);
  }
  IndexedMap(IndexedMap&&) noexcept = default;
  IndexedMap& operator=(IndexedMap other) noexcept {
    tree_.swap(other.tree_);
    index_.swap(other.index_);
    return *this;
  }
  ~IndexedMap() = default;
  bool operator==(const IndexedMap& other) const { return tree_ == other.tree_; }

  iterator begin() { return tree_.begin(); }
  iterator end() { return tree_.end(); }
  const_iterator begin() const { return tree_.begin(); }
  const_iterator end() const { return tree_.end(); }
  std::size_t size() const { return tree_.size(); }
  bool empty() const { return tree_.empty(); }

  iterator find(const auto& key) {
    const auto known = index_.find(key);
    return known == index_.end() ? tree_.end() : *known;
  }
  const_iterator find(const auto& key) const {
    const auto known = index_.find(key);
    return known == index_.end() ? tree_.end() : const_iterator(*known);
  }
  bool contains(const auto& key) const { return index_.contains(key); }
  Value& at(const Key& key) {
    const auto known = find(key);
    return known == end() ? tree_.at(key) : known->second;
  }
  const Value& at(const Key& key) const { return const_cast<IndexedMap*>(this)->at(key); }
  const_iterator lower_bound(const Key& key) const { return tree_.lower_bound(key); }
  const_iterator upper_bound(const Key& key) const { return tree_.upper_bound(key); }

  Value& operator[](const Key& key) { return try_emplace(key).first->second; }
  std::pair<iterator, bool> try_emplace(const Key& key) {
    if (const auto known = find(key); known != end()) return {known, false};
    return {emplace_hint(tree_.end(), key, Value{}), true};
  }
  // As std::map: the element that is there already stays.
  iterator emplace_hint(const_iterator hint, Key key, Value value) {
    const auto at = tree_.emplace_hint(hint, std::move(key), std::move(value));
    index_.insert(at);
    return at;
  }
  void emplace(Key key, Value value) { emplace_hint(tree_.end(), std::move(key), std::move(value)); }
  void clear() {
    index_.clear();
    tree_.clear();
  }

 private:
  static std::string_view key_of(std::string_view key) { return key; }
  static const TargetId& key_of(const TargetId& key) { return key; }
  static const Key& key_of(const iterator& at) { return at->first; }
  struct HashOf {
    using is_transparent = void;
    std::size_t operator()(const auto& key) const { return of(key_of(key)); }
    static std::size_t of(std::string_view text) { return std::hash<std::string_view>()(text); }
    static std::size_t of(const TargetId& id) { return of(id.service) * 31 + of(id.environment); }
  };
  struct Same {
    using is_transparent = void;
    bool operator()(const auto& a, const auto& b) const { return key_of(a) == key_of(b); }
  };

  Tree tree_;
  std::unordered_set<iterator, HashOf, Same> index_;
};

}  // namespace headgate
