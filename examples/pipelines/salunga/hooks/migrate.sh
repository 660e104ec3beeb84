#!/bin/sh
# hooks/migrate.sh SERVICE ENVIRONMENT: a stand-in for the migrations of the database. A repeat finds them done.
set -eu
place=${HEADGATE_VARIABLE_PLACE:?the folder of the environment}
mkdir -p "$place"
grep -qsx "$HEADGATE_RELEASE_VERSION" "$place/$1.schema" || echo "$HEADGATE_RELEASE_VERSION" >> "$place/$1.schema"
printf '{"schema":"%s"}\n' "$HEADGATE_RELEASE_VERSION"
