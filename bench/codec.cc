// Records of the workload to text and back, one thread.
#include "store/codec.h"

#include <fmt/core.h>

#include <stdexcept>

#include "bench/topics.h"
#include "bench/workload.h"

namespace headgate::bench {

void bench_codec(Harness& harness) {
  if (!harness.wants_any({"codec/encode", "codec/decode"})) return;
  const auto records = Workload().next(100'000);
  std::string text;
  std::vector<std::size_t> ends;
  const auto encode_all = [&] {
    text.clear();
    ends.clear();
    for (const auto& record : records) {
      store::encode(text, kOrigin, record);
      ends.push_back(text.size());
    }
  };
  encode_all();
  fmt::print(stderr, "records of {} bytes on average\n", text.size() / records.size());
  const auto per_second = [&](double seconds) { return static_cast<double>(records.size()) / seconds; };
  harness.measure("codec/encode", "records/s", [&] { return per_second(seconds_of(encode_all)); });
  Recorded<Event> read;
  harness.measure("codec/decode", "records/s", [&] {
    return per_second(seconds_of([&] {
      std::size_t begin = 0;
      for (const auto end : ends) {
        if (auto decoded = store::decode(std::string_view(text).substr(begin, end - begin), read); !decoded) {
          throw std::runtime_error(decoded.error().message);
        }
        begin = end;
      }
    }));
  });
}

}  // namespace headgate::bench
