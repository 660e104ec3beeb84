// The evidence bundle: records of a query, handed out with their proofs. That they were is a record itself, durable
// before the first byte leaves, and part of the bundle: it says how many there were.
#include <fmt/format.h>

#include <atomic>

#include "api/events_query.h"
#include "api/problem.h"
#include "api/routes.h"

namespace headgate::api {
namespace {

constexpr int unprocessable = 422;

// One bundle is made at a time: each holds its records and the zip in memory.
class Turn {
 public:
  static std::shared_ptr<Turn> take(const std::shared_ptr<std::atomic_flag>& busy) {
    if (busy->test_and_set()) return nullptr;
    return std::make_shared<Turn>(busy);
  }
  explicit Turn(std::shared_ptr<std::atomic_flag> busy) : busy_(std::move(busy)) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() { end(); }
  // Before the answer, so that whoever asks again after it is not refused.
  void end() {
    if (!ended_.exchange(true)) busy_->clear();
  }

 private:
  std::shared_ptr<std::atomic_flag> busy_;
  std::atomic<bool> ended_{false};
};

struct Export {
  std::shared_ptr<Turn> turn;
  std::vector<StoredRecord> records;
};

Result<Response> bundle(Core& core, const Export& taken, Position exported) {
  HEADGATE_TRY(const auto own, core.deps.log.read(exported, 1));
  HEADGATE_CHECK(own.size() == 1);
  auto zip = core.deps.evidence(taken.records, own.front());
  taken.turn->end();
  if (!zip) return std::unexpected(std::move(zip).error());
  auto response = Response::of(200, "application/zip", std::move(*zip));
  response.set("Content-Disposition", fmt::format("attachment; filename=\"evidence-{}.zip\"", exported));
  response.set("Cache-Control", "no-store");
  Core::set_position(response, exported + 1);
  return response;
}

void export_evidence(Core& core, const CallPtr& call, const EventFilter& filter, const std::shared_ptr<Turn>& turn) {
  const Position size = core.deps.log.size();
  auto records = records_of_bundle(core.deps.log, filter, size);
  if (!records) {
    turn->end();
    const bool too_many = records.error().code == ErrorCode::too_large;
    return core.answer(*call, too_many ? problem(records.error(), unprocessable) : problem(records.error()));
  }
  Submission submission;
  submission.command = RecordExport{{"evidence", filter_text(filter), records->size(), size}};
  submission.actor = call->principal.actor();
  const auto taken = std::make_shared<Export>(turn, std::move(*records));
  const bool queued = core.deps.engine.submit(
      std::move(submission), [weak = core.weak_from_this(), call, taken](Result<Receipt> receipt) noexcept {
        const auto self = weak.lock();
        if (!self) return;
        try {
          if (!receipt) return self->answer(*call, std::unexpected(receipt.error()));
          self->on_worker(call, [core = self.get(), taken, position = receipt->last](Call&) {
            return bundle(*core, *taken, position);
          });
        } catch (const std::exception&) {
          // The reply that is dropped with the call answers 500.
        }
      });
  if (!queued) core.answer(*call, problem(503, "the queue of commands is full, or the server is stopping"));
}

}  // namespace

void add_evidence_routes(Core& core, Router& router) {
  const auto busy = std::make_shared<std::atomic_flag>();
  // Everywhere: a bundle says that none that matches is missing, and what somebody may not see would be.
  core.async(router, "GET", "/v1/evidence", "auditor everywhere", [&core, busy](const CallPtr& call) {
    QueryReader reader(call->request.query);
    auto filter = read_event_filter(reader, true, [&](std::string_view name) { return core.ids_of(*call, name); });
    if (const auto read = reader.finish(); !read) return core.answer(*call, std::unexpected(read.error()));
    if (!core.deps.evidence) return core.answer(*call, problem(503, "this server makes no evidence bundles"));
    if (call->request.method == "HEAD") {
      return core.answer(*call, problem(405, "evidence is taken by GET: each bundle is recorded in the log"));
    }
    auto turn = Turn::take(busy);
    if (!turn) return core.answer(*call, problem(503, "another bundle is being made: ask again in some seconds"));
    core.work(call, [&core, filter = std::move(filter), turn = std::move(turn)](const CallPtr& c) {
      export_evidence(core, c, filter, turn);
    });
  });
}

}  // namespace headgate::api
