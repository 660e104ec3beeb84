#!/bin/sh
# hooks/deploy.sh INSTANCE: makes one release of greeter run on this machine. The service must outlive this command, so
# it is the machine's agent that starts it; the activity's id tells the agent a repeat from something new.
set -eu
: "${HEADGATE_ACTIVITY:?}" "${HEADGATE_VARIABLE_AGENT:?}" "${HEADGATE_VARIABLE_STORE:?}" "${HEADGATE_VARIABLE_PORT:?}"

artifact=${HEADGATE_ARTIFACT_GREETER:?the release has no artifact named greeter}
digest=${artifact##*@sha256:}
file=$HEADGATE_VARIABLE_STORE/$digest
if [ ! -r "$file" ]; then
  echo "$artifact is not in the store $HEADGATE_VARIABLE_STORE" >&2
  exit 75 # it may still be on its way: try again
fi
if ! printf '%s  %s\n' "$digest" "$file" | sha256sum -c --status; then
  echo "the bytes of $file are not those of $artifact" >&2
  exit 1
fi

# Its last line is the evidence; its exit code says the same as ours: 0 done, 75 try again, anything else failed.
exec greeter ctl --socket "$HEADGATE_VARIABLE_AGENT" start "$1" \
  --release "$file" --artifact "$artifact" --activity "$HEADGATE_ACTIVITY" \
  --port "$HEADGATE_VARIABLE_PORT" --workers "${HEADGATE_VARIABLE_WORKERS:-2}"
