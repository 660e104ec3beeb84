#!/bin/sh
# hooks/observe.sh SERVICE ENVIRONMENT: a stand-in for `docker compose ps`. It says which version runs, null for none.
set -eu
file=${HEADGATE_VARIABLE_PLACE:?the folder of the environment}/$1.version
if [ -f "$file" ]; then
  printf '{"version":"%s"}\n' "$(cat "$file")"
else
  echo '{"version":null}'
fi
