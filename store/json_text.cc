#include "store/json_text.h"

#include <cstddef>

#include "engine/base/utf8.h"

namespace headgate::store {
namespace {

class Checker {
 public:
  explicit Checker(std::string_view text) : rest_(text) {}

  bool whole_object() {
    blanks();
    if (rest_.empty() || rest_.front() != '{' || !value(0)) return false;
    blanks();
    return rest_.empty();
  }

 private:
  void blanks() {
    while (!rest_.empty() && rest_.front() == ' ') rest_.remove_prefix(1);
  }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  bool digits() {
    std::size_t count = 0;
    while (count < rest_.size() && rest_[count] >= '0' && rest_[count] <= '9') ++count;
    rest_.remove_prefix(count);
    return count > 0;
  }

  bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      return digits();
    }
    return true;
  }

  bool string() {
    if (!take('"')) return false;
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c == '\\' && !escape()) return false;
    }
    return false;
  }
  bool escape() {
    if (rest_.empty()) return false;
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (c != 'u') return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos;
    for (int i = 0; i < 4; ++i) {
      if (rest_.empty() || std::string_view("0123456789abcdefABCDEF").find(rest_.front()) == std::string_view::npos) {
        return false;
      }
      rest_.remove_prefix(1);
    }
    return true;
  }

  // `depth` containers are open around it.
  bool value(int depth) {
    blanks();
    if (rest_.empty()) return false;
    switch (rest_.front()) {
      case '{':
        return depth < kMaxJsonDepth && members(depth + 1);
      case '[':
        return depth < kMaxJsonDepth && elements(depth + 1);
      case '"':
        return string();
      case 't':
        return take("true");
      case 'f':
        return take("false");
      case 'n':
        return take("null");
      default:
        return number();
    }
  }
  bool members(int depth) {
    take('{');
    blanks();
    if (take('}')) return true;
    do {
      blanks();
      if (!string()) return false;
      blanks();
      if (!take(':') || !value(depth)) return false;
      blanks();
    } while (take(','));
    return take('}');
  }
  bool elements(int depth) {
    take('[');
    blanks();
    if (take(']')) return true;
    do {
      if (!value(depth)) return false;
      blanks();
    } while (take(','));
    return take(']');
  }

  std::string_view rest_;
};

}  // namespace

bool is_json_object_line(std::string_view text) {
  return is_utf8(text) && Checker(text).whole_object();
}

}  // namespace headgate::store
