// A data directory with a log of three records, the last of which gives it another key.
#pragma once

#include <memory>

#include "engine/base/digest.h"
#include "engine/runtime/writer.h"
#include "store/rocksdb_log.h"
#include "tests/fakes/clock.h"
#include "tests/store/temp_dir.h"

namespace headgate::app {

class RotatedLog {
 public:
  static constexpr const char* origin = "headgate.example.com";
  static constexpr std::uint64_t size = 3;

  RotatedLog() {
    std::filesystem::create_directory(data);
    runtime::Writer writer(sha256_digest);
    for (const Command& command : {Command(CreateLog{origin, first.verifier().text()}), Command(StartEngine{"test"}),
                                   Command(RotateKey{second.verifier().text()})}) {
      HEADGATE_CHECK(writer.execute({.command = command}, clock.now()));
    }
    const auto batch = writer.take_batch();
    HEADGATE_CHECK(batch.events.size() == size);
    HEADGATE_CHECK(open()->append(0, batch.events));
  }
  std::unique_ptr<store::RocksDbLog> open() const {
    auto log = store::RocksDbLog::open({.dir = data, .origin = origin, .key = second});
    HEADGATE_CHECK(log.has_value());
    return std::move(*log);
  }

  const store::TempDir dir;
  const std::filesystem::path data = dir / "data";
  const store::SigningKey first = store::SigningKey::generate(origin).value();
  const store::SigningKey second = store::SigningKey::generate(origin).value();
  fakes::ManualClock clock;
};

}  // namespace headgate::app
