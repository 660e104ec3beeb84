// The audit believes nothing that a server gives: what it reads must fit together, record by record.
#include "app/log_audit.h"

#include <gtest/gtest.h>

#include <map>

#include "engine/base/tile_path.h"
#include "store/codec.h"
#include "store/entry_bundle.h"
#include "store/merkle_tree.h"

namespace headgate::app {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kOrigin = "headgate.example.com";

// A server whose checkpoint is signed by the log's key, whatever the records say: only who has the key lies so well.
class ServedLog {
 public:
  ServedLog() : key_(*store::SigningKey::generate(std::string(kOrigin))) {
    add(LogCreated{std::string(kOrigin), key_.verifier().text(), std::nullopt});
  }

  void add(Event event, std::string_view origin = kOrigin) {
    Recorded<Event> record;
    record.meta.position = records_.size();
    record.meta.time = time;
    record.event = std::move(event);
    store::encode(records_.emplace_back(), origin, record);
  }
  void fill(std::size_t size) {
    while (records_.size() < size) add(EngineStarted{"1"});
  }

  std::string audited(std::string_view origin = kOrigin) {
    const auto files = serve(origin);
    const auto fetch = [&](const std::string& path) -> Result<std::string> {
      const auto at = files.find(path);
      if (at == files.end()) return fail(ErrorCode::not_found, path);
      return at->second;
    };
    const auto audited = audit_log(fetch, {});
    return audited ? std::to_string(audited->checkpoint.size) + " records" : audited.error().message;
  }

  Timestamp time = Timestamp{} + 1'795'186'800s;
  std::map<std::string, std::string> instead;  // of what would be served

 private:
  std::map<std::string, std::string> serve(std::string_view origin) const {
    std::map<std::string, std::string> files;
    store::MerkleTree tree;
    const auto put = [&](store::TileId id, std::span<const Hash> hashes) -> Result<void> {
      files["/" + tile_path({id.level, id.number, static_cast<unsigned>(hashes.size())})] = store::bytes_of(hashes);
      return {};
    };
    for (std::size_t begin = 0; begin < records_.size(); begin += store::kTileWidth) {
      const auto count = std::min<std::size_t>(store::kTileWidth, records_.size() - begin);
      auto& bundle =
          files["/" + entries_path({.number = begin / store::kTileWidth, .width = static_cast<unsigned>(count)})];
      for (const auto& record : std::span(records_).subspan(begin, count)) {
        store::append_entry(bundle, record);
        tree.append(store::leaf_hash(record), put);
      }
    }
    static_cast<void>(tree.unfinished_tiles(put));
    files["/checkpoint"] = store::sign_checkpoint({std::string(origin), tree.size(), tree.root()}, key_);
    for (const auto& [path, bytes] : instead) files.insert_or_assign(path, bytes);
    return files;
  }

  store::SigningKey key_;
  std::vector<std::string> records_;
};

TEST(LogAudit, ALogThatIsWhole) {
  ServedLog log;
  EXPECT_EQ(log.audited(), "1 records");
  log.fill(700);
  EXPECT_EQ(log.audited(), "700 records");
}

TEST(LogAudit, ARecordOfAnotherSourceIsNamed) {
  ServedLog log;
  log.fill(300);
  log.add(EngineStarted{"1"}, "stranger.example.com");
  log.fill(600);
  EXPECT_EQ(log.audited(),
            "record 300 is of the source stranger.example.com/log, the log's origin there is " + std::string(kOrigin));
}

TEST(LogAudit, TheCheckpointIsOfTheOriginThatTheRecordsEndUnder) {
  ServedLog log;
  EXPECT_EQ(log.audited("stranger.example.com"),
            "the records that the server gives end under the origin headgate.example.com, its checkpoint is of "
            "stranger.example.com");
}

TEST(LogAudit, TimesGoOnAcrossBundles) {
  ServedLog log;
  log.fill(256);
  log.time -= 1s;
  log.fill(257);
  const auto said = log.audited();
  EXPECT_TRUE(said.starts_with("record 256 is of ") && said.contains("earlier than the one before it")) << said;
}

TEST(LogAudit, ABundleOrATileThatIsNotOfItsRecords) {
  ServedLog log;
  log.fill(300);
  log.instead["/tile/entries/001.p/44"] = "";
  EXPECT_EQ(log.audited(), "/tile/entries/001.p/44: it ends after 0 of 44 records");
  log.instead = {{"/tile/0/001.p/44", std::string(44 * sizeof(Hash), 'x')}};
  EXPECT_EQ(log.audited(), "/tile/0/001.p/44 is not the tile of its records");
}

}  // namespace
}  // namespace headgate::app
