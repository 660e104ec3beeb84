#!/bin/sh
# hooks/smoke.sh SERVICE ENVIRONMENT VERSION [SLOT]: a stand-in for the smoke tests, of one slot or of what has the
# traffic: what runs there must be the version that was deployed.
set -eu
running=$(cat "${4:-$(cat live)}")
printf '{"running":"%s","expected":"%s"}\n' "$running" "$3"
[ "$running" = "$3" ]
