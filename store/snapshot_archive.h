// Values that `describe` describes as bytes for this machine's own use, by cereal's portable binary archive: numbers
// little-endian, u8 for enums, bools, optionals and the index of a variant, i64 microseconds for times, u32 lengths
// before texts and containers. There are no names and no versions in it: whoever keeps such bytes also keeps a digest
// of the code that wrote them (snapshot_store.h). Reading trusts nothing: no length is believed beyond the bytes that
// remain, and whatever does not fit is refused.
#pragma once

#include <cereal/archives/portable_binary.hpp>
#include <deque>
#include <limits>
#include <set>
#include <span>
#include <spanstream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "store/shapes.h"

namespace headgate::store {

template <class T>
inline constexpr bool kIsSequence = kIsVector<T>;
template <class T>
inline constexpr bool kIsSequence<std::deque<T>> = true;

template <class T>
inline constexpr bool kIsSet = false;
template <class T, class C>
inline constexpr bool kIsSet<std::set<T, C>> = true;

template <class T>
inline constexpr bool kIsPair = false;
template <class A, class B>
inline constexpr bool kIsPair<std::pair<A, B>> = true;

// The members of small values that have no `describe` of their own.
template <class T, class V>
requires std::same_as<std::remove_const_t<T>, TargetId>
void members(T& id, V&& v) {
  v(id.service), v(id.environment);
}
template <class T, class V>
requires std::same_as<std::remove_const_t<T>, PromotionId>
void members(T& id, V&& v) {
  v(id.target), v(id.number);
}
template <class T, class V>
requires std::same_as<std::remove_const_t<T>, StepId>
void members(T& id, V&& v) {
  v(id.promotion), v(id.step);
}
template <class T, class V>
requires std::same_as<std::remove_const_t<T>, ReleaseId>
void members(T& id, V&& v) {
  v(id.service), v(id.version);
}
template <class T, class V>
requires std::same_as<std::remove_const_t<T>, DocumentKey>
void members(T& key, V&& v) {
  v(key.kind), v(key.name);
}
template <class T, class V>
requires std::same_as<std::remove_const_t<T>, SourcedDocument>
void members(T& sourced, V&& v) {
  v(sourced.source), v(sourced.document);
}
template <class T, class V>
requires(std::same_as<std::remove_const_t<T>, ServiceName> || std::same_as<std::remove_const_t<T>, EnvironmentName> ||
         std::same_as<std::remove_const_t<T>, Decimal> ||
         std::same_as<std::remove_const_t<T>, Json>) void members(T& value, V&& v) {
  v(value.text);
}

template <class T>
concept HasMembers = requires(T& value) {
  members(value, [](auto&) {});
};

class SnapshotWriter {
 public:
  explicit SnapshotWriter(std::ostream& out) : archive_(out) {}

  template <class T>
  void operator()(std::string_view, const T& member) {
    put(member);
  }
  template <class T>
  void subject(const T& id) {
    put(id);
  }
  void correlation(const std::string& text) { put(text); }

  template <class T>
  void put(const T& value) {
    if constexpr (std::is_same_v<T, std::string>) {
      put_length(value.size());
      archive_(cereal::binary_data(value.data(), value.size()));
    } else if constexpr (std::is_same_v<T, bool>) {
      archive_(static_cast<std::uint8_t>(value));
    } else if constexpr (Unsigned<T>) {
      archive_(value);
    } else if constexpr (NamedEnum<T>) {
      archive_(static_cast<std::uint8_t>(value));
    } else if constexpr (std::is_same_v<T, Duration>) {
      archive_(static_cast<std::int64_t>(value.count()));
    } else if constexpr (std::is_same_v<T, Timestamp>) {
      archive_(static_cast<std::int64_t>(value.time_since_epoch().count()));
    } else if constexpr (kIsOptional<T>) {
      put(value.has_value());
      if (value) put(*value);
    } else if constexpr (kIsVariant<T>) {
      static_assert(std::variant_size_v<T> < 256);
      archive_(static_cast<std::uint8_t>(value.index()));
      std::visit([&](const auto& alternative) { put(alternative); }, value);
    } else if constexpr (kIsPair<T>) {
      put(value.first);
      put(value.second);
    } else if constexpr (kIsSequence<T> || kIsSet<T>) {
      put_length(value.size());
      for (const auto& element : value) put(element);
    } else if constexpr (kIsMap<T>) {
      put_length(value.size());
      for (const auto& [key, element] : value) {
        put(key);
        put(element);
      }
    } else if constexpr (HasMembers<const T>) {
      members(value, [&](const auto& member) { put(member); });
    } else if constexpr (Described<const T>) {
      T::describe(value, *this);
    } else {
      static_assert(kUnsupported<T>, "a member of a kind that snapshots do not know");
    }
  }

 private:
  void put_length(std::size_t length) {
    HEADGATE_CHECK(length <= std::numeric_limits<std::uint32_t>::max());
    archive_(static_cast<std::uint32_t>(length));
  }

  cereal::PortableBinaryOutputArchive archive_;
};

// Throws cereal::Exception for whatever SnapshotWriter would not have written.
class SnapshotReader {
 public:
  explicit SnapshotReader(std::istream& in) : in_(in), archive_(in) {}

  template <class T>
  void operator()(std::string_view, T& member) {
    take(member);
  }
  template <class T>
  void subject(T& id) {
    take(id);
  }
  void correlation(std::string& text) { take(text); }

  template <class T>
  void take(T& value) {
    if constexpr (std::is_same_v<T, std::string>) {
      value.resize(take_length());
      archive_(cereal::binary_data(value.data(), value.size()));
    } else if constexpr (std::is_same_v<T, bool>) {
      value = take_below(2) == 1;
    } else if constexpr (Unsigned<T>) {
      archive_(value);
    } else if constexpr (NamedEnum<T>) {
      value = static_cast<T>(take_below(EnumNames<T>::names.size()));
    } else if constexpr (std::is_same_v<T, Duration>) {
      value = Duration(take_count());
    } else if constexpr (std::is_same_v<T, Timestamp>) {
      value = Timestamp(Duration(take_count()));
    } else if constexpr (kIsOptional<T>) {
      value.reset();
      if (take_below(2) == 1) take(value.emplace());
    } else if constexpr (kIsVariant<T>) {
      take_alternative(value, take_below(std::variant_size_v<T>));
    } else if constexpr (kIsPair<T>) {
      take(value.first);
      take(value.second);
    } else if constexpr (kIsSequence<T>) {
      value.clear();
      // Grows with what is really read: a length alone never reserves more than a few elements.
      for (auto n = take_length(); n > 0; --n) take(value.emplace_back());
    } else if constexpr (kIsSet<T>) {
      value.clear();
      for (auto n = take_length(); n > 0; --n) {
        typename T::value_type element;
        take(element);
        const auto before = value.size();
        value.emplace_hint(value.end(), std::move(element));
        if (value.size() == before) refuse();
      }
    } else if constexpr (kIsMap<T>) {
      value.clear();
      for (auto n = take_length(); n > 0; --n) {
        typename T::key_type key;
        take(key);
        const auto before = value.size();
        const auto added = value.emplace_hint(value.end(), std::move(key), typename T::mapped_type{});
        if (value.size() == before) refuse();
        take(added->second);
      }
    } else if constexpr (HasMembers<T>) {
      members(value, [&](auto& member) { take(member); });
    } else if constexpr (Described<T>) {
      T::describe(value, *this);
    } else {
      static_assert(kUnsupported<T>, "a member of a kind that snapshots do not know");
    }
  }

  void end() {
    if (remaining() != 0) refuse();
  }

 private:
  [[noreturn]] static void refuse() { throw cereal::Exception("not the bytes of such a value"); }
  std::size_t remaining() { return static_cast<std::size_t>(std::max<std::streamsize>(0, in_.rdbuf()->in_avail())); }

  std::uint32_t take_length() {
    std::uint32_t length = 0;
    archive_(length);
    if (length > remaining()) refuse();  // every element has a byte at least
    return length;
  }
  std::uint8_t take_below(std::size_t bound) {
    std::uint8_t number = 0;
    archive_(number);
    if (number >= bound) refuse();
    return number;
  }
  std::int64_t take_count() {
    std::int64_t count = 0;
    archive_(count);
    return count;
  }
  template <std::size_t I = 0, class T>
  void take_alternative(T& value, std::size_t index) {
    if constexpr (I < std::variant_size_v<T>) {
      if (I == index) {
        take(value.template emplace<I>());
      } else {
        take_alternative<I + 1>(value, index);
      }
    }
  }

  std::istream& in_;
  cereal::PortableBinaryInputArchive archive_;
};

template <class T>
std::string to_snapshot_bytes(const T& value) {
  std::ostringstream out(std::ios::binary);
  SnapshotWriter(out).put(value);
  return std::move(out).str();
}

// corrupt for bytes that are not exactly one such value.
template <class T>
Result<void> from_snapshot_bytes(std::string_view bytes, T& value) {
  try {
    std::ispanstream in(std::span(bytes.data(), bytes.size()));
    SnapshotReader reader(in);
    reader.take(value);
    reader.end();
    return {};
  } catch (const std::exception& refused) {
    return fail(ErrorCode::corrupt, std::string("a snapshot cannot be read: ") + refused.what());
  }
}

}  // namespace headgate::store
