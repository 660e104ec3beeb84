#!/bin/sh
# hooks/observe.sh SERVICE ENVIRONMENT: a stand-in for kubectl get deployment: says what the slot with the traffic runs, in
# the region that is asked for.
set -eu
region=${HEADGATE_LOCATION:+$HEADGATE_LOCATION-}
version=""
if [ -f "${region}live" ] && [ -f "$region$(cat "${region}live")" ]; then
  version=$(cat "$region$(cat "${region}live")")
fi
printf '{"version":"%s"}\n' "$version"
