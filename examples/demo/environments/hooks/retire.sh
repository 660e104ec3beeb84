#!/bin/sh
# Takes away what runs there. Where nothing runs there is nothing to do.
set -eu
exec greeter ctl --socket "${HEADGATE_VARIABLE_AGENT:?}" stop "$HEADGATE_SERVICE-$HEADGATE_ENVIRONMENT"
