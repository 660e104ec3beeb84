#!/bin/sh
# hooks/retire.sh SERVICE ENVIRONMENT: a stand-in for kubectl delete deployment SERVICE-SLOT. Where nothing runs there is
# nothing to do.
set -eu
slot=${HEADGATE_SLOT:-only}
rm -f "${HEADGATE_LOCATION:+$HEADGATE_LOCATION-}$slot"
printf '{"retired":"%s"}\n' "$slot"
