#!/bin/sh
# hooks/critical-path.sh SERVICE SLOT VERSION: a stand-in for the critical-path tests, which walk through sign-in, a
# question and its answer on the colour without traffic. Here: what runs there is the version that was deployed.
set -eu
running=$(cat "$2")
printf '{"running":"%s","expected":"%s"}\n' "$running" "$3"
[ "$running" = "$3" ]
