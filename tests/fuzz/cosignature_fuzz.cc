// Any bytes as what a witness answers: three digits of a status, a newline, and the body. It answers so each time.
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "app/witness.h"
#include "store/checkpoint.h"
#include "tests/fuzz/known_log.h"

namespace {

using namespace headgate;

class Answer final : public HttpClient {
 public:
  explicit Answer(std::string_view text) {
    const auto line = text.substr(0, text.find('\n'));
    std::from_chars(line.data(), line.data() + std::min<std::size_t>(line.size(), 3), response_.status);
    response_.body = text.substr(std::min(line.size() + 1, text.size()));
  }
  Result<HttpResponse> send(const HttpRequest& request, std::stop_token) override {
    ++asked;
    if (!request.body.starts_with("old ") || !request.body.ends_with(store::known::note)) __builtin_trap();
    return response_;
  }

  int asked = 0;

 private:
  HttpResponse response_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate::store;
  static const auto key = known::witness();
  static const std::string note(known::note);
  Answer http({reinterpret_cast<const char*>(data), size});
  // Whatever size it answers, a proof is asked for from one that the log has had.
  const auto proof = [](std::uint64_t from, std::uint64_t to) -> headgate::Result<std::vector<headgate::Hash>> {
    if (from == 0 || from > to || to != known::size) __builtin_trap();
    return {};
  };
  const auto line =
      headgate::app::Witness("http://witness.headgate.test", key, http, proof).cosign(note, known::size, {});
  if (http.asked == 0 || http.asked > 3) __builtin_trap();
  if (!line) {
    if (line.error().message.empty()) __builtin_trap();
    return 0;
  }
  // Nobody else can sign for the witness. With its line the note is still the log's.
  if (std::ranges::find(known::cosignatures, *line) == known::cosignatures.end()) __builtin_trap();
  static const auto log = known::verifier();
  if (!open_checkpoint(note + *line, log)) __builtin_trap();
  return 0;
}
