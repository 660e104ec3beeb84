#!/bin/sh
# hooks/shift.sh SERVICE: a stand-in for the load balancer. HEADGATE_SLOT gets HEADGATE_WEIGHT percent of the traffic, the
# other slot the rest.
set -eu
place=${HEADGATE_VARIABLE_PLACE:?the folder of the environment}
mkdir -p "$place"
printf '%s %s\n' "$HEADGATE_SLOT" "$HEADGATE_WEIGHT" >> "$place/$1.traffic"
if [ "$HEADGATE_WEIGHT" = 100 ]; then printf '%s\n' "$HEADGATE_SLOT" > "$place/$1.live"; fi
printf '{"slot":"%s","weight":%s}\n' "$HEADGATE_SLOT" "$HEADGATE_WEIGHT"
