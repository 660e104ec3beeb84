#!/bin/sh
# Says what runs: {"version": …, "artifacts": …}; an empty version means that nothing does.
set -eu
exec greeter ctl --socket "${HEADGATE_VARIABLE_AGENT:?}" status "$HEADGATE_SERVICE-$HEADGATE_ENVIRONMENT"
