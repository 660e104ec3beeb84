#include "reconciler/own_shortage.h"

#include <fcntl.h>

#include <array>
#include <cerrno>

#include "engine/base/unique_fd.h"

namespace headgate::reconciler {

bool is_own_shortage(int error_number) {
  return error_number == EMFILE || error_number == ENFILE || error_number == ENOMEM || error_number == ENOBUFS ||
         error_number == EADDRNOTAVAIL;
}

bool is_short_of_descriptors() {
  std::array<UniqueFd, 8> taken;
  for (auto& fd : taken) {
    fd = UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!fd) return is_own_shortage(errno);
  }
  return false;
}

}  // namespace headgate::reconciler
