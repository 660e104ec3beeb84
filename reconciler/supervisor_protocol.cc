#include "reconciler/supervisor_protocol.h"

#include <cstring>
#include <type_traits>

namespace headgate::reconciler {
namespace {

constexpr std::uint32_t order_magic = 0x4847534f;

class Writer {
 public:
  template <class T>
  void number(T value) {
    static_assert(std::is_integral_v<T>);
    const auto at = bytes_.size();
    bytes_.resize(at + sizeof value);
    std::memcpy(bytes_.data() + at, &value, sizeof value);
  }
  void text(std::string_view text) {
    number(static_cast<std::uint64_t>(text.size()));
    bytes_ += text;
  }
  void texts(const std::vector<std::string>& texts) {
    number(static_cast<std::uint64_t>(texts.size()));
    for (const auto& each : texts) text(each);
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  template <class T>
  T number() {
    T value{};
    if (rest_.size() < sizeof value) {
      ok_ = false;
      return value;
    }
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }
  std::string text() {
    const auto size = number<std::uint64_t>();
    if (!ok_ || size > rest_.size()) {
      ok_ = false;
      return {};
    }
    std::string value{rest_.substr(0, size)};
    rest_.remove_prefix(size);
    return value;
  }
  std::vector<std::string> texts() {
    std::vector<std::string> values;
    for (auto count = number<std::uint64_t>(); ok_ && count > 0; --count) values.push_back(text());
    return values;
  }
  bool ok() const { return ok_; }
  bool done() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

std::string encode(const SupervisorOrder& order) {
  Writer out;
  out.number(order_magic);
  out.text(order.program);
  out.texts(order.argv);
  out.texts(order.env);
  out.text(order.cwd);
  out.number(static_cast<std::int64_t>(order.grace.count()));
  out.number(static_cast<std::uint8_t>(order.identity.has_value()));
  if (order.identity) {
    out.number(order.identity->uid);
    out.number(order.identity->gid);
    out.number(static_cast<std::uint64_t>(order.identity->groups.size()));
    for (const auto group : order.identity->groups) out.number(group);
  }
  return out.take();
}

std::optional<SupervisorOrder> decode_order(std::string_view bytes) {
  Reader in{bytes};
  if (in.number<std::uint32_t>() != order_magic) return std::nullopt;
  SupervisorOrder order;
  order.program = in.text();
  order.argv = in.texts();
  order.env = in.texts();
  order.cwd = in.text();
  order.grace = std::chrono::milliseconds{in.number<std::int64_t>()};
  if (in.number<std::uint8_t>() != 0) {
    auto& identity = order.identity.emplace();
    identity.uid = in.number<uid_t>();
    identity.gid = in.number<gid_t>();
    for (auto count = in.number<std::uint64_t>(); in.ok() && count > 0; --count) {
      identity.groups.push_back(in.number<gid_t>());
    }
  }
  if (!in.done() || order.argv.empty()) return std::nullopt;
  return order;
}

std::string_view describe(StartStep step) {
  switch (step) {
    case StartStep::none:
      return "nothing";
    case StartStep::order:
      return "reading the order";
    case StartStep::proc:
      return "reading /proc/self/task/*/children (CONFIG_PROC_CHILDREN)";
    case StartStep::lock:
      return "holding the lock";
    case StartStep::fork:
      return "fork";
    case StartStep::session:
      return "making a session";
    case StartStep::limits:
      return "setting limits";
    case StartStep::user:
      return "becoming the configured user";
    case StartStep::directory:
      return "entering the working directory";
    case StartStep::descriptors:
      return "arranging descriptors";
    case StartStep::exec:
      return "exec";
  }
  return "an unknown step";
}

}  // namespace headgate::reconciler
