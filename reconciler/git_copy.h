// Brings a commit and all it reaches from a repository on this host into Headgate's clone, without a transport.
//
// libgit2's local transport prepares a pack from the whole tree for each fetch; here only what is new is looked at: the
// walk compares each new tree with its predecessor's and stops at what the clone has. Objects are written children
// first (or as one pack), so at any moment an object in the clone has everything below it, and a later walk may stop
// there. Nothing refers to the source, which may vanish or be pruned. Of each object the header is read first, so that
// no more memory is taken than the limits allow.
#pragma once

#include <cstdint>
#include <stop_token>

#include "reconciler/libgit.h"

namespace headgate::reconciler {

struct CopyLimits {
  std::uint64_t objects = 5'000'000;
  std::uint64_t bytes = std::uint64_t{4} << 30;  // of all new objects, as they are when unpacked
  std::uint64_t file_bytes = 64 << 20;           // of one file
  bool files = true;                             // false: commits and folders alone, where no file is read
};

struct CopyResult {
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
};

// io when the source lacks an object (it was pruned meanwhile, or is a shallow or partial clone) or the clone cannot be
// written; corrupt when what the clone has cannot be read; too_large by the limits.
Result<CopyResult> copy_commit(git_repository* source, git_repository* clone, const git_oid& head,
                               const CopyLimits& limits, const std::stop_token& stop);

}  // namespace headgate::reconciler
