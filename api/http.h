// HTTP as plain values: what a handler is given and what it gives back. Nothing here knows of sockets, so handlers are
// tested by calling them.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/domain/error.h"

namespace headgate::api {

// Named texts in the order in which they were sent; a name may occur more than once.
class Fields {
 public:
  enum class Names { exact, any_case };  // any_case: names are kept and looked up in lower case, as headers are
  using Entry = std::pair<std::string, std::string>;

  explicit Fields(Names names) : names_(names) {}

  void add(std::string name, std::string value);
  // The value where the name occurs once, nothing where it does not; a name sent twice is an Error (invalid_input),
  // because two readers could each take another one.
  Result<std::optional<std::string_view>> one(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  bool same(std::string_view stored, std::string_view asked) const;

  Names names_;
  std::vector<Entry> entries_;
};

struct Request {
  std::string method;      // as sent: HEAD stays HEAD though a GET route answers it
  std::string target;      // as sent
  std::string path;        // of the target, not decoded
  std::string_view route;  // the pattern that matched, such as /v1/services/{service}; lives as long as the router
  std::vector<std::pair<std::string, std::string>> parameters;  // of the path, decoded
  Fields query{Fields::Names::exact};                           // decoded; '+' is a space
  Fields headers{Fields::Names::any_case};
  std::string body;
  std::string peer;          // address without port; an IPv4 address inside IPv6 is written as IPv4
  bool is_loopback = false;  // of the peer: behind a proxy on this host every request is
  bool encrypted = false;

  // A parameter of the route's own pattern.
  const std::string& parameter(std::string_view name) const;
};

// A body that is produced piece by piece: server-sent events, exports. The server asks for one chunk at a time and asks
// again only once that one is written, so a slow reader holds up nothing but itself. A stream whose Content-Type is
// text/event-stream gets a comment line when nothing came for a while, and is ended when the server stops; each of its
// chunks is one or more whole events. Other streams must give a chunk within HttpLimits::stream_stall.
class Stream {
 public:
  virtual ~Stream() = default;
  // Called on a socket thread; must not block. `ready` is called once, from any thread, also before next returns;
  // nullopt ends the stream. Calls after cancel() are ignored.
  virtual void next(std::function<void(std::optional<std::string>)> ready) = 0;
  // The reader is gone or the server stops: nothing more will be asked for. Not called after a nullopt. The waiting
  // `ready` may be dropped.
  virtual void cancel() = 0;
  // Asked after nullopt: true means that the body is not whole; the connection is then cut without the last chunk, so
  // that the reader can tell.
  virtual bool broken() const { return false; }
};

struct Response {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers{};  // Content-Length, Connection and Date are the server's
  std::string body{};
  std::shared_ptr<Stream> stream{};  // instead of a body

  static Response of(int status, std::string content_type, std::string body);
  static Response json(int status, std::string body) { return of(status, "application/json", std::move(body)); }

  const std::string* header(std::string_view name) const;  // names in any case
  Response& set(std::string name, std::string value);      // in place of an earlier one
};

// Completes one request, once, from any thread. A Reply that is destroyed uncalled answers 500, so that no lost
// callback leaves a client waiting.
class Reply {
 public:
  explicit Reply(std::function<void(Response)> complete) : complete_(std::move(complete)) {}
  Reply(Reply&& other) noexcept : complete_(std::exchange(other.complete_, nullptr)) {}
  Reply& operator=(Reply&& other) noexcept;
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;
  ~Reply() { abandon(); }

  void operator()(Response response);

 private:
  void abandon() noexcept;

  std::function<void(Response)> complete_;  // empty once called or moved from
};

// Runs on a socket thread and must not block: what waits keeps the Reply and completes it later.
using Handler = std::function<void(Request, Reply)>;

}  // namespace headgate::api
