#!/bin/sh
# hooks/retire.sh SERVICE ENVIRONMENT: a stand-in for docker stop, docker rm and docker image rm of what the slot
# ran. Where nothing runs there is nothing to do.
set -eu
slot=${HEADGATE_SLOT:-only}
rm -f "$slot"
printf '{"retired":"%s"}\n' "$slot"
