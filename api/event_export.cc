#include "api/event_export.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>

#include "api/problem.h"
#include "api/visibility.h"

namespace headgate::api {
namespace {

constexpr std::size_t chunk_records = 1'024;
constexpr std::size_t chunk_bytes = 1 << 20;

// What a query finds among the first `end` records and its asker may see, page by page.
class Pages {
 public:
  Pages(Core& core, Principal principal, EventQuery query, Position end)
      : core_(core), principal_(std::move(principal)), query_(std::move(query)), end_(end) {
    query_.limit = chunk_records;
  }

  bool done() const { return done_; }

  // May be empty before they are done. unavailable once the server stops.
  Result<std::vector<StoredRecord>> next() {
    if (core_.pool.stopping()) return fail(ErrorCode::unavailable, "the server stops");
    std::vector<StoredRecord> records;
    if (is_open(query_.filter) && !query_.descending) {
      const Position from = query_.after ? *query_.after + 1 : 0;
      HEADGATE_TRY(records, core_.deps.log.read(from, query_.limit));
      done_ = records.size() < query_.limit;
    } else {
      HEADGATE_TRY(auto found, core_.deps.log.query(query_));
      records = std::move(found.records);
      done_ = !found.more || records.empty();
    }
    // Of large records fewer are read from then on, until they are small again.
    if (cut_records(records, chunk_bytes)) {
      done_ = false;
      query_.limit = records.size();
    } else {
      query_.limit = std::min(2 * query_.limit, chunk_records);
    }
    if (!records.empty()) query_.after = records.back().position;
    // What came after the start is not part of it.
    if (std::erase_if(records, [&](const StoredRecord& r) { return r.position >= end_; }) > 0 && !query_.descending) {
      done_ = true;
    }
    HEADGATE_TRY_VOID(keep_visible(records, core_.deps.engine, principal_));
    return records;
  }

  // Of all pages; reads them, but where a subtraction tells. timed_out when that takes too long.
  Result<std::uint64_t> count() {
    if (is_timed(query_.filter) && sees_everything()) return subtract();
    const auto deadline = core_.deps.clock.steady() + core_.options.export_counting;
    std::uint64_t records = 0;
    while (!done_) {
      if (core_.deps.clock.steady() >= deadline) {
        return fail(
            ErrorCode::timed_out,
            fmt::format("what matches was not counted within {} s, and nothing was exported: narrow the filter "
                        "(from and to) and take several exports, or export everything",
                        std::chrono::duration_cast<std::chrono::seconds>(core_.options.export_counting).count()));
      }
      HEADGATE_TRY(const auto page, next());
      records += page.size();
    }
    return records;
  }

 private:
  // Nothing but times is filtered, which never go back in the log.
  static bool is_timed(EventFilter filter) {
    filter.from.reset();
    filter.to.reset();
    return is_open(filter);
  }
  Result<std::uint64_t> subtract() const {
    Position begin = 0;
    Position end = end_;
    if (query_.filter.from) {
      HEADGATE_TRY(begin, core_.deps.log.position_at(*query_.filter.from));
    }
    if (query_.filter.to) {
      HEADGATE_TRY(const auto to, core_.deps.log.position_at(*query_.filter.to));
      end = std::min(end, to);
    }
    if (query_.after && query_.descending) end = std::min(end, *query_.after);
    if (query_.after && !query_.descending) begin = std::max(begin, *query_.after + 1);
    return end - std::min(end, begin);
  }
  bool sees_everything() const {
    return core_.deps.engine.read([&](const State& state) { return Visibility(state, principal_).everything(); });
  }

  Core& core_;
  const Principal principal_;
  EventQuery query_;
  const Position end_;
  bool done_ = false;
};

class Export final : public Stream, public std::enable_shared_from_this<Export> {
 public:
  Export(Core& core, Pages pages, EventFormat format) : core_(core), pages_(std::move(pages)), format_(format) {}

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
      while (!pages_.done()) {
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
    HEADGATE_TRY(const auto records, pages_.next());
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

  Core& core_;
  Pages pages_;
  const EventFormat format_;
  bool started_ = false;
  std::atomic<bool> broken_{false};
};

std::string text_of(const EventQuery& query) {
  auto text = filter_text(query.filter);
  if (query.after) text += fmt::format("{}after={}", text.empty() ? "" : "&", *query.after);
  return text;
}

// On a worker: the count may read the log.
void record_and_answer(Core& core, const CallPtr& call, const EventQuery& query, EventFormat format) {
  const Position end = core.deps.log.size();
  const auto pages = [&core, call, query, end] { return Pages(core, call->principal, query, end); };
  const auto count = pages().count();
  if (!count) return core.answer(*call, std::unexpected(count.error()));
  const bool csv = format == EventFormat::csv;
  const auto answer = [call, pages, format, csv, end](Core& to) {
    Response response;
    response.set("Content-Type", csv ? "text/csv; charset=utf-8" : "application/x-ndjson");
    Core::set_position(response, end);
    response.stream = std::make_shared<Export>(to, pages(), format);
    to.answer(*call, std::move(response));
  };
  if (call->request.method == "HEAD") return answer(core);
  Submission submission;
  submission.command = RecordExport{{"records", text_of(query), *count, end}};
  submission.actor = call->principal.actor();
  const bool queued = core.deps.engine.submit(
      std::move(submission), [weak = core.weak_from_this(), call, answer](Result<Receipt> receipt) noexcept {
        const auto self = weak.lock();
        if (!self) return;
        try {
          if (!receipt) return self->answer(*call, std::unexpected(receipt.error()));
          answer(*self);
        } catch (const std::exception&) {
          // The reply that is dropped with the call answers 500.
        }
      });
  if (!queued) core.answer(*call, problem(503, "the queue of commands is full, or the server is stopping"));
}

}  // namespace

void export_events(Core& core, const CallPtr& call, EventQuery query, EventFormat format) {
  core.work(call,
            [&core, query = std::move(query), format](const CallPtr& c) { record_and_answer(core, c, query, format); });
}

}  // namespace headgate::api
