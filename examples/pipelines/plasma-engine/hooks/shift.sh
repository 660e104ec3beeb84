#!/bin/sh
# hooks/shift.sh SERVICE ENVIRONMENT: a stand-in for kubectl patch service SERVICE, whose selector names one slot: all
# the traffic of a region or none.
set -eu
live=${HEADGATE_LOCATION:+$HEADGATE_LOCATION-}live
if [ "$HEADGATE_WEIGHT" = 100 ]; then
  printf '%s\n' "$HEADGATE_SLOT" > "$live.new"
  mv "$live.new" "$live"
fi
printf '{"slot":"%s","weight":%s}\n' "$HEADGATE_SLOT" "$HEADGATE_WEIGHT"
