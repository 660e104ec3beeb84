// Checkpoints and who may have signed them: a log changes its key, and a server says what it likes.
#pragma once

#include <string_view>
#include <vector>

#include "api/log_keys.h"
#include "store/checkpoint.h"

namespace headgate::app {

// The checkpoint under the key of the log that has signed it; a key that was replaced is good only up to then.
// corrupt: none of them has. invalid_input, too_large: no checkpoint at all.
Result<store::Checkpoint> open_checkpoint_of(const std::vector<api::LogKey>& keys, std::string_view note);

// What a server says at /checkpoint, its signature not looked at. unavailable: that is no checkpoint at all.
Result<store::Checkpoint> said_checkpoint(std::string_view note);

}  // namespace headgate::app
