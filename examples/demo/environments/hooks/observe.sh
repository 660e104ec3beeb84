#!/bin/sh
# hooks/observe.sh INSTANCE: says what runs: {"version": …, "artifacts": …}; an empty version means that nothing does.
set -eu
exec greeter ctl --socket "${HEADGATE_VARIABLE_AGENT:?}" status "$1"
