#!/bin/sh
# hooks/pre-deployment.sh SERVICE ENVIRONMENT: a stand-in for the checks before a deployment: is there room on the disk,
# does the registry answer? It looks whether the folder of the environment can be written.
set -eu
place=${HEADGATE_VARIABLE_PLACE:?the folder of the environment}
mkdir -p "$place"
[ -w "$place" ]
printf '{"ready":"%s"}\n' "$2"
