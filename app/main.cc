#include <cstring>

#include "app/program.h"
#include "reconciler/supervisor.h"

int main(int argc, char** argv) {
  // How the one binary starts itself again as the supervisor of a child process; not for people.
  if (argc > 1 && std::strcmp(argv[1], "supervise") == 0) return headgate::reconciler::supervise(argc, argv);
  return headgate::app::run_program(argc, argv);
}
