#include "reconciler/digests.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <initializer_list>
#include <memory>

#include "engine/domain/error.h"

namespace headgate::reconciler {
namespace {

std::string digest_hex(const EVP_MD* algorithm, std::initializer_list<std::string_view> parts) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HEADGATE_CHECK(context && EVP_DigestInit_ex(context.get(), algorithm, nullptr) == 1);
  for (const auto part : parts) HEADGATE_CHECK(EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1);
  HEADGATE_CHECK(EVP_DigestFinal_ex(context.get(), digest, &size) == 1);
  std::string text;
  for (unsigned i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  return digest_hex(EVP_sha256(), {bytes});
}

std::string git_blob_id(std::string_view bytes) {
  const auto header = fmt::format("blob {}", bytes.size());
  return digest_hex(EVP_sha1(), {std::string_view(header.c_str(), header.size() + 1), bytes});
}

bool is_lower_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace headgate::reconciler
