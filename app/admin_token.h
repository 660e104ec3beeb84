// The first way in: on an empty log an admin token is made and its text left in a file that only its owner can read.
#pragma once

#include <filesystem>

#include "engine/ports/command_sink.h"
#include "engine/ports/event_log.h"
#include "engine/ports/people.h"

namespace headgate::app {

// Makes the token `admin` when the log has never had one, and writes its text to <data>/admin.token (mode 0600) before
// the event is appended. The path, or an empty one when there was nothing to do.
Result<std::filesystem::path> ensure_admin_token(const std::filesystem::path& data, const EventLog& log,
                                                 CommandSink& sink, People& people);

}  // namespace headgate::app
