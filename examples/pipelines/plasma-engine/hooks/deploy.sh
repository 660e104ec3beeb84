#!/bin/sh
# hooks/deploy.sh SERVICE ENVIRONMENT IMAGE: a stand-in for
#   kubectl --context ENVIRONMENT-REGION set image / apply, with replicas, cpu and memory of the target, then rollout status.
# What "runs" is a file in the folder that Headgate gives to each target: one for each region and slot, "only" without
# slots.
set -eu
region=${HEADGATE_LOCATION:+$HEADGATE_LOCATION-}
slot=${HEADGATE_SLOT:-only}
printf '%s\n' "$HEADGATE_RELEASE_VERSION" > "$region$slot.new"
mv "$region$slot.new" "$region$slot"
[ "$slot" != only ] || echo only > "${region}live"
printf '{"image":"%s","slot":"%s","replicas":"%s","cpu":"%s","memory":"%s"}\n' "$3" "$slot" \
  "${HEADGATE_VARIABLE_REPLICAS:-1}" "${HEADGATE_VARIABLE_CPU:-}" "${HEADGATE_VARIABLE_MEMORY:-}"
