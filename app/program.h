#pragma once

namespace headgate::app {

// The command line, from its arguments to the exit code.
int run_program(int argc, char** argv);

}  // namespace headgate::app
