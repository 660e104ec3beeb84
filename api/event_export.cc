#include "api/event_export.h"

#include <algorithm>
#include <atomic>
#include <exception>

#include "api/visibility.h"

namespace headgate::api {
namespace {

constexpr std::size_t chunk_records = 1'024;

class Export final : public Stream, public std::enable_shared_from_this<Export> {
 public:
  Export(Core& core, Principal principal, EventQuery query, EventFormat format)
      : core_(core),
        principal_(std::move(principal)),
        query_(std::move(query)),
        format_(format),
        end_(core.deps.log.size()) {
    query_.limit = chunk_records;
  }

  void next(std::function<void(std::optional<std::string>)> ready) override {
    const bool taken = core_.pool.resume([self = shared_from_this(), ready] { ready(self->chunk()); });
    if (taken) return;
    broken_ = true;
    ready(std::nullopt);
  }
  void cancel() override {}
  bool broken() const override { return broken_; }

 private:
  std::optional<std::string> chunk() {
    try {
      // A page whose records may not be seen is no reason to end.
      while (!done_) {
        auto text = read();
        if (!text) {
          broken_ = true;
          return std::nullopt;
        }
        if (!text->empty()) return std::move(*text);
      }
    } catch (const std::exception&) {
      broken_ = true;
    }
    return std::nullopt;
  }

  Result<std::string> read() {
    std::string out;
    if (!started_ && format_ == EventFormat::csv) out = csv_header;
    started_ = true;
    HEADGATE_TRY(auto records, page());
    HEADGATE_TRY_VOID(
        core_.deps.engine.read([&](const State& state) { return keep_visible(records, state, principal_); }));
    for (const auto& record : records) {
      if (format_ == EventFormat::csv) {
        HEADGATE_TRY_VOID(append_csv(out, record));
      } else {
        out += record.bytes;
        out += '\n';
      }
    }
    return out;
  }

  Result<std::vector<StoredRecord>> page() {
    std::vector<StoredRecord> records;
    if (is_open(query_.filter) && !query_.descending) {
      const Position from = query_.after ? *query_.after + 1 : 0;
      HEADGATE_TRY(records, core_.deps.log.read(from, chunk_records));
      done_ = records.size() < chunk_records;
    } else {
      HEADGATE_TRY(auto found, core_.deps.log.query(query_));
      records = std::move(found.records);
      done_ = !found.more || records.empty();
    }
    if (!records.empty()) query_.after = records.back().position;
    // What came after the start is not part of it.
    if (std::erase_if(records, [&](const StoredRecord& r) { return r.position >= end_; }) > 0 && !query_.descending) {
      done_ = true;
    }
    return records;
  }

  Core& core_;
  const Principal principal_;
  EventQuery query_;
  const EventFormat format_;
  const Position end_;
  bool started_ = false;
  bool done_ = false;
  std::atomic<bool> broken_{false};
};

}  // namespace

std::shared_ptr<Stream> export_events(Core& core, const Principal& principal, EventQuery query, EventFormat format) {
  return std::make_shared<Export>(core, principal, std::move(query), format);
}

}  // namespace headgate::api
