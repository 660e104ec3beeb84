#!/bin/sh
# hooks/post-deployment-tests.sh SERVICE ENVIRONMENT VERSION: a stand-in for the tests after a deployment: what has the
# traffic is the version that was deployed.
set -eu
running=$(cat "$(cat live)")
printf '{"running":"%s","expected":"%s"}\n' "$running" "$3"
[ "$running" = "$3" ]
