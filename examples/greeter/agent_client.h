// `greeter ctl`: one request to the agent.
#pragma once

#include <filesystem>

#include "examples/greeter/agent_protocol.h"

namespace greeter {

// Prints the answer's JSON. Exit codes: 0 done, 1 refused, 75 (EX_TEMPFAIL) the agent is not there or did not answer.
int ask_agent(const std::filesystem::path& socket, const Fields& request);

// What a release says of itself: a file of lines `version V` and `health ok|broken`.
Fields read_release(const std::filesystem::path& file);

}  // namespace greeter
