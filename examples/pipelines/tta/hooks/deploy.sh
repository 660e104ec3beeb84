#!/bin/sh
# hooks/deploy.sh SERVICE ENVIRONMENT IMAGE: a stand-in for `docker compose pull && docker compose up -d`. It writes down
# what runs; a repeat of the same activity writes the same again.
set -eu
place=${HEADGATE_VARIABLE_PLACE:?the folder of the environment}
mkdir -p "$place"
printf '%s\n' "$HEADGATE_RELEASE_VERSION" > "$place/$1.version.new"
printf '%s\n' "$3" > "$place/$1.image"
mv "$place/$1.version.new" "$place/$1.version"
printf '{"image":"%s","tag":"%s"}\n' "$3" "$2"
