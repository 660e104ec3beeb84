#!/bin/sh
# hooks/retire.sh INSTANCE: takes away what runs there. Where nothing runs there is nothing to do.
set -eu
exec greeter ctl --socket "${HEADGATE_VARIABLE_AGENT:?}" stop "$1"
