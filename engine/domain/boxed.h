// An optional value that lives on the heap: what is mostly absent, or large, then weighs a pointer in what holds it.
// A value like std::optional: comparison is of what is inside, and a change is seen by nobody else. Copies share what
// they hold until one of them is changed: a plan, its events and every state that folds them hold each check once.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>

namespace headgate {

template <class T>
class Boxed {
 public:
  using value_type = T;

  Boxed() = default;
  Boxed(std::nullopt_t) {}
  Boxed(const T& value) : cell_(new Cell(value)) {}
  Boxed(T&& value) : cell_(new Cell(std::move(value))) {}
  Boxed(std::optional<T> value) : cell_(value ? new Cell(*std::move(value)) : nullptr) {}
  Boxed(const Boxed& other) : cell_(other.cell_) {
    if (cell_) cell_->owners.fetch_add(1, std::memory_order_relaxed);
  }
  Boxed(Boxed&& other) noexcept : cell_(std::exchange(other.cell_, nullptr)) {}
  Boxed& operator=(Boxed other) noexcept {
    std::swap(cell_, other.cell_);
    return *this;
  }
  ~Boxed() { reset(); }

  template <class... Args>
  T& emplace(Args&&... args) {
    *this = Boxed(T(std::forward<Args>(args)...));
    return cell_->value;
  }
  void reset() {
    const auto cell = std::exchange(cell_, nullptr);
    if (!cell) return;
    // The only owner needs no write that other cores see.
    if (is_only_owner(*cell) || cell->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) delete cell;
  }

  explicit operator bool() const { return cell_ != nullptr; }
  bool has_value() const { return cell_ != nullptr; }
  T& operator*() { return to_change(); }
  const T& operator*() const { return cell_->value; }
  T* operator->() { return &to_change(); }
  const T* operator->() const { return &cell_->value; }
  operator std::optional<T>() const { return cell_ ? std::optional<T>(cell_->value) : std::nullopt; }

  bool operator==(const Boxed& other) const {
    return cell_ == other.cell_ || (cell_ && other.cell_ && cell_->value == other.cell_->value);
  }
  bool operator==(const std::optional<T>& other) const {
    return has_value() == other.has_value() && (!cell_ || cell_->value == *other);
  }
  bool operator==(const T& other) const { return cell_ && cell_->value == other; }
  bool operator==(std::nullopt_t) const { return !cell_; }

 private:
  struct Cell {
    explicit Cell(const T& from) : value(from) {}
    explicit Cell(T&& from) : value(std::move(from)) {}
    std::atomic<std::uint32_t> owners = 1;
    T value;
  };

  // Nobody else can become an owner meanwhile but through this one; what former owners read is behind them.
  static bool is_only_owner(const Cell& cell) { return cell.owners.load(std::memory_order_acquire) == 1; }
  T& to_change() {
    if (!is_only_owner(*cell_)) *this = Boxed(cell_->value);
    return cell_->value;
  }

  Cell* cell_ = nullptr;
};

// A value that is always there, and that its copies share until one of them says change().
template <class T>
class Shared {
 public:
  Shared() = default;  // T{}
  Shared(const T& value) : value_(value) {}
  Shared(T&& value) : value_(std::move(value)) {}

  const T& operator*() const {
    static const T nothing{};
    return value_ ? *value_ : nothing;
  }
  const T* operator->() const { return &**this; }
  operator const T&() const { return **this; }
  T& change() { return value_ ? *value_ : value_.emplace(); }
  bool operator==(const Shared& other) const {
    return value_ && other.value_ ? value_ == other.value_ : **this == *other;
  }

 private:
  Boxed<T> value_;
};

// What `describe` gives to its visitor for a shared member: the value itself, to be read or to be filled in.
template <class T>
const T& bare(const Shared<T>& shared) {
  return *shared;
}
template <class T>
T& bare(Shared<T>& shared) {
  return shared.change();
}

// Whether T is a value that may be absent, wherever it lives.
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_optional<Boxed<T>> = true;
template <class T>
concept OptionalValue = is_optional<T>;

}  // namespace headgate
