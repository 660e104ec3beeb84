#!/bin/sh
# hooks/smoke.sh SERVICE ENVIRONMENT VERSION [SLOT]: a stand-in for the smoke tests, of one slot or of what has the
# traffic: what runs there must be the version that was deployed.
set -eu
region=${HEADGATE_LOCATION:+$HEADGATE_LOCATION-}
running=$(cat "$region${4:-$(cat "${region}live")}")
printf '{"running":"%s","expected":"%s"}\n' "$running" "$3"
[ "$running" = "$3" ]
