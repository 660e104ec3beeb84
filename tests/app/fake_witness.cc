#include "tests/app/fake_witness.h"

#include <charconv>

#include "engine/base/base64.h"
#include "engine/base/digest.h"

namespace headgate::app {
namespace {

constexpr std::uint64_t cosigned_at = 1'795'186'800;

// — <name> base64(key id ‖ u64 time ‖ signature)
std::string cosignature_line(const store::VerifierKey& key, const store::Signature& signature) {
  store::NoteSignature line{key.name(), key.id(), {}};
  for (int shift = 56; shift >= 0; shift -= 8) line.bytes += static_cast<char>(cosigned_at >> shift & 0xff);
  line.bytes.append(reinterpret_cast<const char*>(signature.data()), signature.size());
  return store::signature_line(line);
}

}  // namespace

HttpResponse FakeWitness::answer(int code, std::string body) {
  answers.push_back(code);
  HttpResponse response;
  response.status = code;
  response.body = std::move(body);
  return response;
}

Result<HttpResponse> FakeWitness::send(const HttpRequest& request, std::stop_token) {
  last_url = request.method + " " + request.url;
  if (unreachable) return std::unexpected(*unreachable);
  if (status) return answer(*status, "no");
  return judge(request.body);
}

HttpResponse FakeWitness::judge(std::string_view body) {
  const auto split = body.find("\n\n");
  if (split == std::string_view::npos || !body.starts_with("old ")) return answer(400, "");
  auto head = body.substr(0, split + 1);
  const auto note = body.substr(split + 2);
  std::uint64_t old_size = 0;
  const auto first_end = head.find('\n');
  std::from_chars(head.data() + 4, head.data() + first_end, old_size);
  head.remove_prefix(first_end + 1);
  std::vector<Hash> proof;
  while (!head.empty()) {
    const auto end = head.find('\n');
    const auto bytes = decode_base64(head.substr(0, end));
    const auto hash = bytes ? hash_from_bytes(*bytes) : std::nullopt;
    if (!hash) return answer(400, "");
    proof.push_back(*hash);
    head.remove_prefix(end + 1);
  }
  const auto parsed = store::parse_note(note);
  const auto checkpoint = parsed ? store::parse_checkpoint_text(parsed->text) : std::unexpected(parsed.error());
  if (!checkpoint) return answer(400, "");
  if (checkpoint->origin != log_.name()) return answer(404, "");
  if (!store::open_checkpoint(note, log_)) return answer(403, "");
  if (old_size > checkpoint->size) return answer(400, "");
  if (old_size != size) return answer(409, std::to_string(size) + "\n");
  if (old_size == checkpoint->size && root != checkpoint->root) {
    return answer(409, silent_conflict ? "" : std::to_string(size) + "\n");
  }
  if (size == 0 && !proof.empty()) return answer(422, "");
  if (size > 0 && !store::verify_consistency(size, checkpoint->size, root, checkpoint->root, proof)) {
    return answer(422, "");
  }
  size = checkpoint->size;
  root = checkpoint->root;
  if (!garbage.empty()) return answer(200, garbage);
  auto signature = signer_.sign(store::cosigned_text(parsed->text, cosigned_at));
  if (wrong_signature) signature[5] ^= 1;
  std::string lines;
  if (foreign_lines) {
    const auto other = *store::SigningKey::generate("other.example.com");
    const auto signed_by_other = store::sign_note(parsed->text, other);
    lines = signed_by_other.substr(signed_by_other.find("\n\n") + 2);
  }
  return answer(200, lines + cosignature_line(key_, signature));
}

}  // namespace headgate::app
