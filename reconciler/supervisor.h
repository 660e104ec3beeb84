// The supervisor of one child process: the body of the hidden verb `headgate supervise`, by which the one binary
// re-executes itself. ProcessRunner starts it; supervisor_protocol.h says what passes between them.
//
//   running ──control pipe ends──► stopping ──grace over──► killing ──nobody left (ECHILD)──► report, exit
//      └──────direct child exits───┘    └──nobody left──► report, exit
//
// stopping: SIGTERM to the child's group and to every descendant; killing: SIGKILL to the same, again and again. Being
// a subreaper, the supervisor inherits every orphan, so nothing escapes by a double fork or a session of its own. It
// holds the lock file's flock and leaves it open to the child as descriptor 3, so that should the supervisor itself be
// killed, whatever survives still holds the lock; the direct child dies with it by PR_SET_PDEATHSIG.
#pragma once

namespace headgate::reconciler {

// Call it first in main, before any thread is started. Returns the process's exit status.
int supervise(int argc, char** argv);

}  // namespace headgate::reconciler
