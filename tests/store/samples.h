// Filled values of every type that `describe` describes: the same ones each time for the golden files, random ones for
// the properties.
#pragma once

#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include "store/shapes.h"

namespace headgate::store {

// Texts as they look in a real log, by the name of the field.
struct GoldenSource {
  std::size_t length() { return 2; }
  bool flag() { return true; }
  std::uint64_t number(std::uint64_t) { return ++numbers_; }
  std::size_t choice(std::size_t count) { return ++choices_ % count; }
  bool present() { return true; }
  Timestamp time() { return Timestamp{} + std::chrono::seconds(1'795'186'800 + ++numbers_) + Duration(123'456); }
  Duration duration() { return std::chrono::milliseconds(1'500 + ++numbers_); }
  std::string decimal() { return "91." + std::to_string(++numbers_); }
  std::string json() { return R"({"attempts":3,"latency_ms":"12.5","note":"a \"quoted\" word"})"; }
  std::string text(std::string_view name) {
    const auto n = std::to_string(++texts_);
    if (name.ends_with("digest") || name == "report" || name == "output" || name == "hash" || name == "artifacts") {
      return "sha256:" + std::string(62, 'a') + (n.size() < 2 ? "0" + n : n.substr(n.size() - 2));
    }
    if (name == "commit" || name == "sha" || name == "parents" || name == "blob") {
      return "9f3c1a" + std::string(32, '0') + (n.size() < 2 ? "0" + n : n.substr(n.size() - 2));
    }
    if (name == "author" || name == "committer" || name == "co_authors" || name == "people" || name == "members" ||
        name == "approver") {
      return "person:k3v9q" + n;
    }
    if (name == "version") return "v1.4." + n;
    if (name == "message" || name == "reason" || name == "comment" || name == "text") {
      return "Größe \"" + n + "\" → \\ \n\t\x01 " + "\xF0\x9F\x9A\xA6";
    }
    return std::string(name) + "-" + n;
  }
  std::string id_part(std::string_view name) { return std::string(name) + "-" + std::to_string(++texts_); }

 private:
  std::uint64_t numbers_ = 0;
  std::uint64_t choices_ = 0;
  std::uint64_t texts_ = 0;
};

struct RandomSource {
  std::mt19937_64& random;
  std::size_t length() { return random() % 4; }
  bool flag() { return random() % 2 == 0; }
  std::uint64_t number(std::uint64_t most) { return random() % 3 == 0 ? most : random() & most & 0xffff; }
  std::size_t choice(std::size_t count) { return random() % count; }
  bool present() { return random() % 2 == 0; }
  Timestamp time() { return Timestamp{} + Duration(static_cast<std::int64_t>(random() % 253'402'300'799'000'000U)); }
  Duration duration() {
    return std::chrono::milliseconds(static_cast<std::int64_t>(random() % (1ULL << 40)) - (1LL << 39));
  }
  std::string decimal() { return std::to_string(static_cast<std::int64_t>(random())) + "." + std::to_string(random()); }
  std::string json() {
    switch (random() % 3) {
      case 0:
        return "{}";
      case 1:
        return R"({"a":[1,2.50,{"b":null}],"c":"\u0000\\"})";
      default:
        return R"({"deep":[[[[]]]],"n":-1e400})";
    }
  }
  std::string text(std::string_view) {
    static constexpr std::string_view kPieces[] = {"a",  "\"",   "\\",      "/", "\n", "\r", "\t",           "\b",
                                                   "\f", "\x7f", " ",       "ä", "→",  "🚦",  "\xEF\xBF\xBD", "{",
                                                   "}",  "0",    "\\u0041", ","};
    std::string text;
    for (auto n = random() % 12; n > 0; --n) {
      if (random() % 8 == 0) {
        text.push_back(static_cast<char>(random() % 0x20));
      } else {
        text += kPieces[random() % std::size(kPieces)];
      }
    }
    return text;
  }
  std::string id_part(std::string_view) { return "n" + std::to_string(random() % 1000); }
};

template <class Source>
class Filler {
 public:
  explicit Filler(Source source) : source_(source) {}

  template <class T>
  void operator()(std::string_view name, T& member) {
    fill(name, member);
  }
  void subject(TargetId& id) {
    id.service = source_.id_part("service");
    id.environment = source_.id_part("environment");
  }
  void subject(PromotionId& id) {
    subject(id.target);
    id.number = source_.number(std::numeric_limits<std::uint64_t>::max()) | 1;
  }
  void subject(StepId& id) {
    subject(id.promotion);
    id.step = source_.id_part("step");
  }
  void subject(ReleaseId& id) {
    id.service = source_.id_part("service");
    id.version = source_.id_part("version");
  }
  void subject(ServiceName& name) { name.text = source_.id_part("service"); }
  void subject(EnvironmentName& name) { name.text = source_.id_part("environment"); }
  void subject(std::string& text) { text = source_.text("subject"); }
  void correlation(std::string& text) { text = source_.text("commit"); }

  template <class T>
  void fill(std::string_view name, T& value) {
    if constexpr (std::is_same_v<T, std::string>) {
      value = source_.text(name);
    } else if constexpr (std::is_same_v<T, bool>) {
      value = source_.flag();
    } else if constexpr (Unsigned<T>) {
      value = static_cast<T>(source_.number(std::numeric_limits<T>::max()));
    } else if constexpr (NamedEnum<T>) {
      value = static_cast<T>(source_.choice(EnumNames<T>::names.size()));
    } else if constexpr (std::is_same_v<T, Duration>) {
      value = source_.duration();
    } else if constexpr (std::is_same_v<T, Timestamp>) {
      value = source_.time();
    } else if constexpr (std::is_same_v<T, Decimal>) {
      value.text = source_.decimal();
    } else if constexpr (std::is_same_v<T, Json>) {
      value.text = source_.json();
    } else if constexpr (std::is_same_v<T, Document>) {
      fill_document(value, source_.choice(std::variant_size_v<Document>));
    } else if constexpr (kIsOptional<T>) {
      value.reset();
      if (source_.present()) fill(name, value.emplace());
    } else if constexpr (kIsVector<T>) {
      value.resize(source_.length());
      for (auto& element : value) fill(name, element);
    } else if constexpr (kIsMap<T>) {
      for (auto n = source_.length(); n > 0; --n) fill(name, value[source_.text("key")]);
    } else if constexpr (Described<T>) {
      T::describe(value, *this);
    } else {
      static_assert(kUnsupported<T>);
    }
  }

  template <std::size_t I = 0>
  void fill_document(Document& document, std::size_t index) {
    if constexpr (I < std::variant_size_v<Document>) {
      if (I == index) {
        auto& alternative = document.emplace<I>();
        std::remove_reference_t<decltype(alternative)>::describe(alternative, *this);
      } else {
        fill_document<I + 1>(document, index);
      }
    }
  }

 private:
  Source source_;
};

template <class E, class Source>
E filled(Source source) {
  E event;
  Filler<Source> filler(source);
  E::describe(event, filler);
  if constexpr (std::is_same_v<E, StepPlanned>) event.step.change().name = event.id.step;
  return event;
}

template <class E>
Recorded<Event> golden_record() {
  Recorded<Event> record;
  record.meta.position = 42;
  record.meta.time = Timestamp{} + std::chrono::seconds(1'795'186'501) + Duration(123'456);
  record.meta.actor = "person:k3v9q2";
  record.meta.cause = 41;
  record.meta.idempotency_key = "ci-run-17";
  record.meta.request_digest = "sha256:" + std::string(64, 'b');
  record.event = filled<E>(GoldenSource{});
  return record;
}

// A document.accepted of each kind of Document.
inline Recorded<Event> golden_document(std::size_t kind) {
  auto record = golden_record<DocumentAccepted>();
  Filler<GoldenSource> filler(GoldenSource{});
  filler.fill_document(std::get<DocumentAccepted>(record.event).document, kind);
  return record;
}

inline Event random_event(std::mt19937_64& random, std::size_t index) {
  Event event;
  std::size_t at = 0;
  for_each_event_type([&]<class E>() {
    if (at++ == index) event = filled<E>(RandomSource{random});
  });
  return event;
}

inline Recorded<Event> random_record(std::mt19937_64& random, Position position, Timestamp time) {
  RandomSource source{random};
  Recorded<Event> record;
  record.meta.position = position;
  record.meta.time = time;
  record.meta.actor = source.flag() ? "engine" : "person:" + source.text("");
  if (source.flag()) record.meta.cause = random();
  record.meta.idempotency_key = source.text("");
  record.meta.request_digest = source.text("");
  record.event = random_event(random, random() % std::variant_size_v<AnyEvent>);
  return record;
}

}  // namespace headgate::store
