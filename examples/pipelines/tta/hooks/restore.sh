#!/bin/sh
# hooks/restore.sh SERVICE ENVIRONMENT: a stand-in for putting database and volumes back from what hooks/backup.sh kept.
set -eu
place=${HEADGATE_VARIABLE_PLACE:?the folder of the environment}
printf '%s %s: restored before %s\n' "$1" "$2" "$HEADGATE_RELEASE_VERSION" >> "$place/restored.txt"
printf '{"restored":"%s"}\n' "$1"
