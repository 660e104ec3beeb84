#!/bin/sh
# hooks/deploy.sh SERVICE ENVIRONMENT IMAGE: a stand-in for
#   docker run --detach --name SERVICE-SLOT --env-file … --user … --memory … --cpus … IMAGE
# with what config/ENVIRONMENT.env says. What "runs" is a file in the folder that Headgate gives to each target: one for
# each slot, "only" without slots. HEADGATE_WEIGHT, where it is set, says up to how many percent of the workers are new.
set -eu
slot=${HEADGATE_SLOT:-only}
printf '%s\n' "$HEADGATE_RELEASE_VERSION" > "$slot.new"
mv "$slot.new" "$slot"
[ "$slot" != only ] || echo only > live
printf '{"image":"%s","slot":"%s","workers":"%s","user":"%s","memory":"%s"}\n' "$3" "$slot" \
  "${HEADGATE_VARIABLE_WORKERS:-1}" "${HEADGATE_VARIABLE_RUN_AS_USER:?}" "${HEADGATE_VARIABLE_MEMORY_LIMIT:-}"
