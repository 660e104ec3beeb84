#!/bin/sh
# hooks/shift.sh SERVICE ENVIRONMENT: a stand-in for the load balancer's command: it sends all traffic to one colour and
# waits until the other one has answered what it had begun.
set -eu
if [ "$HEADGATE_WEIGHT" = 100 ]; then
  printf '%s\n' "$HEADGATE_SLOT" > live.new
  mv live.new live
fi
printf '{"slot":"%s","weight":%s}\n' "$HEADGATE_SLOT" "$HEADGATE_WEIGHT"
